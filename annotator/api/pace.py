from __future__ import annotations

from dataclasses import asdict

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for
from annotator.api.answers import answer
from annotator.api.csv_answers import csv_response
from annotator.enums import Role
from annotator.queries import document_types as types
from annotator.queries.pace import pace_of

MANAGERS = frozenset({Role.LEAD, Role.ML_STAFF})


class ProjectPace(APIView):
    @extend_schema(responses=answer(types.Pace))
    def get(self, request: Request, slug: str) -> Response:
        pace = pace_of(project_for(request, slug, MANAGERS).pk, request.user)
        return Response(asdict(pace) | {"totals": pace.totals})


class ProjectPaceCsv(APIView):
    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        project = project_for(request, slug, MANAGERS)
        pace = pace_of(project.pk, request.user)
        rows = (
            {"day": day.isoformat(), "annotator": name, "submitted": count}
            for name, counts in pace.by_annotator.items()
            for day, count in zip(pace.days, counts, strict=True)
        )
        return csv_response(f"pace-{project.slug}.csv", ("day", "annotator", "submitted"), rows)
