"""The record of what was done: of a patch and of a project, also as CSV."""

from __future__ import annotations

import json
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for, row_for
from annotator.api.answers import PAGE_PARAMETERS, page
from annotator.api.csv_answers import csv_response
from annotator.api.pagination import page_of
from annotator.enums import Role
from annotator.models import Event, Patch
from annotator.queries import document_types as types
from annotator.queries.events import COLUMNS, event_document, in_order, project_events
from annotator.queries.history import patch_events

MANAGERS = frozenset({Role.LEAD, Role.ML_STAFF})
CSV = {(200, "text/csv"): OpenApiTypes.STR}


class Narrowing(serializers.Serializer):
    """What a list of events is narrowed by; the words are those of the events."""

    subject = serializers.CharField(required=False, allow_blank=True, max_length=20)
    verb = serializers.CharField(required=False, allow_blank=True, max_length=40)
    actor = serializers.CharField(required=False, allow_blank=True, max_length=150, help_text="A user name.")


def _wanted(request: Request) -> dict[str, str]:
    given = Narrowing(data=request.query_params)
    given.is_valid(raise_exception=True)
    wanted: dict[str, str] = given.validated_data
    return wanted


class ProjectEvents(APIView):
    @extend_schema(responses=page(types.Event), parameters=[Narrowing, *PAGE_PARAMETERS])
    def get(self, request: Request, slug: str) -> Response:
        rows = project_events(project_for(request, slug, MANAGERS).pk, _wanted(request))
        return page_of(request, rows, event_document)


class ProjectEventsCsv(APIView):
    @extend_schema(responses=CSV, parameters=[Narrowing])
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        project = project_for(request, slug, MANAGERS)
        rows = in_order(project_events(project.pk, _wanted(request)))
        return csv_response(f"events-{project.slug}.csv", COLUMNS, map(_flat, rows))


class PatchEventsCsv(APIView):
    @extend_schema(responses=CSV)
    def get(self, request: Request, patch_id: int) -> StreamingHttpResponse:
        patch = row_for(request, Patch, patch_id, MANAGERS)
        rows = in_order(patch_events(patch, request.user))
        return csv_response(f"patch-{patch.quadkey}.csv", COLUMNS, map(_flat, rows))


def _flat(event: Event) -> dict[str, Any]:
    return event_document(event) | {"facts": json.dumps(event.facts, ensure_ascii=False)}
