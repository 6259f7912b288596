from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.contrib.gis.geos import GEOSGeometry
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for, row_for
from annotator.api.answers import PAGE_PARAMETERS, answer, page
from annotator.api.pagination import page_of_many
from annotator.api.repeats import IDEMPOTENCY_KEY, once
from annotator.api.serializers import AreaField
from annotator.domain.assignments import MOST_TILES, assign_area, chosen_quadkeys, end_assignment
from annotator.enums import Role
from annotator.errors import BadAssignment
from annotator.models import Assignment, Project
from annotator.queries import document_types as types
from annotator.queries.assignments import AssignmentProgress, assignment_progress, open_assignments
from annotator.queries.desk_filter import DeskFilter

LEAD = frozenset({Role.LEAD})


class AssignmentInput(serializers.Serializer):
    people = serializers.ListField(child=serializers.CharField(), max_length=200)
    area = AreaField(required=False, allow_null=True, default=None)
    tiles = serializers.ListField(
        child=serializers.CharField(max_length=24), required=False, default=list, max_length=MOST_TILES
    )
    filter = serializers.DictField(
        child=serializers.CharField(allow_blank=True),
        required=False,
        allow_null=True,
        default=None,
        help_text="Of the desk: the tiles of what it lets through.",
    )
    name = serializers.CharField(required=False, allow_blank=True, default="", max_length=120)


class ProjectAssignments(APIView):
    @extend_schema(responses=page(types.Assignment), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug, LEAD)
        return page_of_many(
            request,
            open_assignments(project),
            lambda page: [_document(one) for one in assignment_progress(project, page)],
        )

    @extend_schema(
        request=AssignmentInput, responses=answer(types.Assignment, 201), parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, slug: str) -> Response:
        return self._assign(request, project_for(request, slug, LEAD))

    @once
    def _assign(self, request: Request, project: Project) -> Response:
        given = AssignmentInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        people = list(User.objects.filter(username__in=values["people"]))
        unknown = sorted(set(values["people"]) - {person.get_username() for person in people})
        if unknown:
            raise BadAssignment(f"Nobody is called {', '.join(unknown)}.", field="people")
        area = values["area"]
        tiles = values["tiles"] or _chosen(project, values["filter"])
        assignment = assign_area(
            project=project,
            user=request.user,
            people=people,
            area=GEOSGeometry(area.wkb, srid=4326) if area else None,
            tiles=tiles,
            name=values["name"],
        )
        return Response(_told(assignment), status=201)


class AssignmentEnd(APIView):
    @extend_schema(request=None, responses=answer(types.Assignment))
    def post(self, request: Request, assignment_id: int) -> Response:
        assignment = row_for(request, Assignment, assignment_id, LEAD)
        return Response(_told(end_assignment(assignment=assignment, user=request.user)))


def _chosen(project: Project, query: dict[str, str] | None) -> list[str]:
    """The quadkeys of what a filter of the desk lets through; none without a filter."""
    if query is None:
        return []
    wanted = DeskFilter(project, query)
    if not wanted.is_valid():
        raise ValidationError({"filter": wanted.errors})
    return chosen_quadkeys(wanted)


def _told(assignment: Assignment) -> dict[str, Any]:
    (one,) = assignment_progress(assignment.project, [assignment])
    return _document(one)


def _document(one: AssignmentProgress) -> dict[str, Any]:
    assignment = one.assignment
    return {
        "id": assignment.pk,
        "name": assignment.name,
        "people": sorted(person.get_username() for person in assignment.people.all()),
        "area": assignment.area.transform(4326, clone=True).json,
        "patch_count": assignment.patch_count,
        "waiting": one.waiting,
        "claimed": one.claimed,
        "made_at": assignment.made_at,
        "ended_at": assignment.ended_at,
    }
