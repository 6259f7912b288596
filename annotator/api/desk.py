"""The lead's desk for programs: the list, the same as CSV, verbs on many patches, spot checks."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from annotator.api.access import project_for
from annotator.api.answers import answer
from annotator.api.csv_answers import csv_response
from annotator.api.repeats import IDEMPOTENCY_KEY, once
from annotator.api.serializers import IdField
from annotator.domain.bulk import MOST_PATCHES, BulkVerb, Chosen, act_on_patches
from annotator.domain.spot_checks import MOST_PER_ANNOTATOR, draw_spot_checks
from annotator.enums import Role
from annotator.models import Project, SpotDraw
from annotator.queries import document_types as types
from annotator.queries.desk import MOST_ON_A_PAGE, PAGE_SIZE, Cursor, all_rows, count_up_to, desk_page
from annotator.queries.desk_filter import DeskFilter
from annotator.queries.spot_checks import MOST_DRAWS, spot_draws

LEAD = frozenset({Role.LEAD})
OBJECT = {200: OpenApiTypes.OBJECT}
COLUMNS = (
    "id", "quadkey", "z", "x", "y", "state", "changed_at", "revision", "annotator", "submitted_at", "reviewer",
    "decided_at", "comment", "holder", "reserved_for", "entropy_nats", "classes", "seconds_spent",
    "agreement", "proposal_miou",
)  # fmt: skip


class ChosenInput(serializers.Serializer):
    id = IdField()
    revision = serializers.IntegerField(min_value=0, default=0)


class BulkInput(serializers.Serializer):
    patches = ChosenInput(many=True, min_length=1, max_length=MOST_PATCHES)
    comment = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)
    to = serializers.CharField(required=False, allow_null=True, default=None, max_length=150)


class SpotInput(serializers.Serializer):
    day = serializers.DateField()
    per_annotator = serializers.IntegerField(min_value=1, max_value=MOST_PER_ANNOTATOR)
    seed = serializers.IntegerField(min_value=0, max_value=2**48 - 1, required=False, default=None)


FILTERS = [
    OpenApiParameter(name, str, description=str(field.help_text or field.label or ""))
    for name, field in DeskFilter.base_fields.items()
]


def wanted_in(request: Request, project: Project) -> DeskFilter:
    """The filter in the query. Raises ValidationError with what is wrong with each field."""
    wanted = DeskFilter(project, request.query_params)
    if not wanted.is_valid():
        raise ValidationError(wanted.errors)
    return wanted


class ProjectDesk(APIView):
    @extend_schema(responses=OBJECT, parameters=FILTERS)
    def get(self, request: Request, slug: str) -> Response:
        wanted = wanted_in(request, project_for(request, slug, LEAD))
        page = desk_page(wanted, _cursor_in(request), _size_in(request))
        return Response(
            {
                "next": _address(request, page.next),
                "previous": _address(request, page.previous),
                "count_up_to_1000": count_up_to(wanted),
                "results": page.rows,
            }
        )


class ProjectDeskCsv(APIView):
    """All rows of a filter, sent while they are read."""

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR}, parameters=FILTERS)
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        project = project_for(request, slug, LEAD)
        rows = all_rows(wanted_in(request, project))
        return csv_response(f"patches-{project.slug}.csv", COLUMNS, map(_flat, rows))


class ProjectDeskVerb(APIView):
    @extend_schema(request=BulkInput, responses=answer(types.BulkReport))
    def post(self, request: Request, slug: str, verb: str) -> Response:
        project = project_for(request, slug, LEAD)
        given = BulkInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        report = act_on_patches(
            project=project,
            user=request.user,
            verb=BulkVerb(verb),
            chosen=[Chosen(one["id"], one["revision"]) for one in values["patches"]],
            comment=values["comment"],
            to=_person(values["to"]),
        )
        return Response(asdict(report))


class ProjectSpotChecks(APIView):
    @extend_schema(responses=answer(types.SpotDraws))
    def get(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug, LEAD)
        return Response({"results": [draw_document(draw) for draw in spot_draws(project.pk)[:MOST_DRAWS]]})

    @extend_schema(request=SpotInput, responses=answer(types.SpotDraw, 201), parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, slug: str) -> Response:
        return self._draw(request, project_for(request, slug, LEAD))

    @once
    def _draw(self, request: Request, project: Project) -> Response:
        given = SpotInput(data=request.data)
        given.is_valid(raise_exception=True)
        draw = draw_spot_checks(project=project, user=request.user, **given.validated_data)
        return Response(draw_document(spot_draws(project.pk).get(pk=draw.pk)), status=201)


def draw_document(draw: SpotDraw) -> dict[str, Any]:
    return {
        "day": draw.day,
        "seed": draw.seed,
        "per_annotator": draw.per_annotator,
        "drawn_by": draw.drawn_by.get_username(),
        "drawn_at": draw.drawn_at,
        "patches": [
            {
                "id": check.patch_id,
                "annotator": check.annotator.get_username(),
                "submitted_that_day": check.submitted_that_day,
                "outcome": check.outcome,
                "decided_at": check.decided_at,
            }
            for check in draw.checks.all()
        ],
    }


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"classes": " ".join(map(str, row["classes"]))}


def _person(username: str | None) -> User | None:
    if username is None:
        return None
    user = User.objects.filter(username=username).first()
    if user is None:
        raise ValidationError({"to": [f"There is no user called “{username}”. Check the spelling."]})
    return user


def _cursor_in(request: Request) -> Cursor | None:
    text = request.query_params.get("cursor")
    try:
        return Cursor.parse(text) if text else None
    except ValueError as error:
        raise ValidationError({"cursor": [str(error)]}) from error


def _size_in(request: Request) -> int:
    text = request.query_params.get("page_size", "")
    return max(1, min(int(text), MOST_ON_A_PAGE)) if text.isdecimal() and len(text) < 6 else PAGE_SIZE


def _address(request: Request, cursor: Cursor | None) -> str | None:
    if cursor is None:
        return None
    return str(replace_query_param(request.build_absolute_uri(), "cursor", str(cursor)))
