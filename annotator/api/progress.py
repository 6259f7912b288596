"""How far the work is by state, class and area."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from django.http import Http404, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for
from annotator.api.answers import answer
from annotator.api.csv_answers import csv_response
from annotator.enums import PatchState, Role
from annotator.models import Project
from annotator.queries import document_types as types
from annotator.queries.progress import patch_counts
from annotator.queries.progress_parts import (
    class_progress,
    tile_document,
    tile_progress,
    usual_level,
)

MANAGERS = frozenset({Role.LEAD, Role.ML_STAFF})
Rows = Iterable[dict[str, Any]]


class ZoomParameter(serializers.Serializer):
    zoom = serializers.IntegerField(
        required=False, help_text="Of the tiles; without it, as fine as is quickly read."
    )


class ProjectProgress(APIView):
    @extend_schema(responses=answer(types.Progress), parameters=[ZoomParameter])
    def get(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug, MANAGERS)
        counts = patch_counts(project.pk, request.user)
        level = _level_in(request, project)
        return Response(
            {
                "patches": counts,
                "classes": [asdict(one) for one in class_progress(project, counts[PatchState.APPROVED])],
                "zoom": level,
                "tiles": [tile_document(one) for one in tile_progress(project, level)],
            }
        )


class ProjectProgressTable(APIView):
    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR}, parameters=[ZoomParameter])
    def get(self, request: Request, slug: str, part: str) -> StreamingHttpResponse:
        project = project_for(request, slug, MANAGERS)
        if part not in TABLES:
            raise Http404
        columns, rows_of = TABLES[part]
        return csv_response(f"{part}-{project.slug}.csv", columns, rows_of(request, project))


def _classes(request: Request, project: Project) -> Rows:
    approved = patch_counts(project.pk, request.user)[PatchState.APPROVED]
    return (asdict(one) for one in class_progress(project, approved))


def _tiles(request: Request, project: Project) -> Rows:
    return [
        asdict(tile) | dict(zip(("west", "south", "east", "north"), tile.bounds, strict=True))
        for tile in tile_progress(project, _level_in(request, project))
    ]


def _level_in(request: Request, project: Project) -> int:
    given = ZoomParameter(data=request.query_params)
    given.is_valid(raise_exception=True)
    zoom = given.validated_data.get("zoom")
    return usual_level(project) if zoom is None else int(zoom)


TABLES: dict[str, tuple[tuple[str, ...], Callable[[Request, Project], Rows]]] = {
    "classes": (("value", "name", "approved_patches", "share", "approved_ha"), _classes),
    "areas": (("quadkey", "west", "south", "east", "north", "patches", "labelled", "approved"), _tiles),
}
