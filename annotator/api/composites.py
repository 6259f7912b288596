from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for, row_for
from annotator.api.answers import PAGE_PARAMETERS, answer, page
from annotator.api.pagination import page_of
from annotator.api.repeats import IDEMPOTENCY_KEY, once
from annotator.domain.composites import LONGEST_NAME, add_composite, change_composite, delete_composite
from annotator.enums import Ramp, Role
from annotator.imagery.expressions import MAX_CHARACTERS
from annotator.models import OwnComposite, Project
from annotator.queries import document_types as types
from annotator.queries.composites import own_composite_document, ready_scenes

LEAD = frozenset({Role.LEAD})


class CompositeInput(serializers.Serializer):
    """One expression in the colours of a ramp, or three as red, green and blue; a range is [low, high] or null."""

    name = serializers.CharField(max_length=LONGEST_NAME)
    expressions = serializers.ListField(
        child=serializers.CharField(max_length=MAX_CHARACTERS), min_length=1, max_length=3
    )
    ranges = serializers.ListField(
        child=serializers.ListField(
            child=serializers.FloatField(), min_length=2, max_length=2, allow_null=True
        ),
        max_length=3,
        default=list,
        help_text="Null, or no ranges at all: the percentiles 2 and 98 of the expression in each scene.",
    )
    ramp = serializers.ChoiceField(Ramp.choices, default=Ramp.GREY.value)


class ProjectComposites(APIView):
    """The band combinations that leads of the project wrote."""

    @extend_schema(responses=page(types.OwnComposite), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug)
        scenes = ready_scenes(project)
        return page_of(request, project.own_composites.all(), lambda row: own_composite_document(row, scenes))

    @extend_schema(
        request=CompositeInput, responses=answer(types.OwnComposite, 201), parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, slug: str) -> Response:
        return self._add(request, project_for(request, slug, LEAD))

    @once
    def _add(self, request: Request, project: Project) -> Response:
        given = CompositeInput(data=request.data)
        given.is_valid(raise_exception=True)
        row = add_composite(project=project, user=request.user, **given.validated_data)
        return Response(own_composite_document(row, ready_scenes(project)), status=201)


class CompositeDetail(APIView):
    @extend_schema(responses=answer(types.OwnComposite))
    def get(self, request: Request, composite_id: int) -> Response:
        row = row_for(request, OwnComposite, composite_id)
        return Response(own_composite_document(row, ready_scenes(row.project)))

    @extend_schema(request=CompositeInput, responses=answer(types.OwnComposite))
    def put(self, request: Request, composite_id: int) -> Response:
        row = row_for(request, OwnComposite, composite_id, LEAD)
        given = CompositeInput(data=request.data)
        given.is_valid(raise_exception=True)
        changed = change_composite(composite=row, user=request.user, **given.validated_data)
        return Response(own_composite_document(changed, ready_scenes(row.project)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, composite_id: int) -> Response:
        delete_composite(composite=row_for(request, OwnComposite, composite_id, LEAD), user=request.user)
        return Response(status=204)
