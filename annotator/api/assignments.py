from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.contrib.gis.geos import GEOSGeometry
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_gis.fields import GeometryField

from annotator.api.access import project_for, row_for
from annotator.api.pagination import NewestFirst
from annotator.domain.assignments import MOST_TILES, assign_area, end_assignment
from annotator.enums import Role
from annotator.errors import BadAssignment
from annotator.models import Assignment

LEAD = frozenset({Role.LEAD})
OBJECT = {200: OpenApiTypes.OBJECT}


class AssignmentInput(serializers.Serializer):
    people = serializers.ListField(child=serializers.CharField(), max_length=200)
    area = GeometryField(required=False, allow_null=True, default=None)
    tiles = serializers.ListField(
        child=serializers.CharField(max_length=24), required=False, default=list, max_length=MOST_TILES
    )
    name = serializers.CharField(required=False, allow_blank=True, default="", max_length=120)


class ProjectAssignments(APIView):
    @extend_schema(responses=OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        rows = project_for(request, slug, LEAD).assignments.filter(ended_at__isnull=True)
        pages = NewestFirst()
        page = pages.paginate_queryset(rows.prefetch_related("people"), request, view=self)
        return pages.get_paginated_response([_document(row) for row in page or ()])

    @extend_schema(request=AssignmentInput, responses={201: OpenApiTypes.OBJECT})
    def post(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug, LEAD)
        given = AssignmentInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        people = list(User.objects.filter(username__in=values["people"]))
        unknown = sorted(set(values["people"]) - {person.get_username() for person in people})
        if unknown:
            raise BadAssignment(f"Nobody is called {', '.join(unknown)}.", field="people")
        area = values["area"]
        assignment = assign_area(
            project=project,
            user=request.user,
            people=people,
            area=GEOSGeometry(area.wkb, srid=4326) if area else None,
            tiles=values["tiles"],
            name=values["name"],
        )
        return Response(_document(assignment), status=201)


class AssignmentEnd(APIView):
    @extend_schema(request=None, responses=OBJECT)
    def post(self, request: Request, assignment_id: int) -> Response:
        assignment = row_for(request, Assignment, assignment_id, LEAD)
        return Response(_document(end_assignment(assignment=assignment, user=request.user)))


def _document(assignment: Assignment) -> dict[str, Any]:
    return {
        "id": assignment.pk,
        "name": assignment.name,
        "people": sorted(person.get_username() for person in assignment.people.all()),
        "area": assignment.area.transform(4326, clone=True).json,
        "made_at": assignment.made_at,
        "ended_at": assignment.ended_at,
    }
