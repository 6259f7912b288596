from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for
from annotator.api.answers import answer
from annotator.api.projects import MANAGERS
from annotator.domain.legends import ClassChange, change_legend
from annotator.queries import document_types as types
from annotator.queries.documents import project_document


class ClassChangeInput(serializers.Serializer):
    """A row of the legend; without a value, a class to add."""

    value = serializers.IntegerField(min_value=0, max_value=31, required=False, allow_null=True, default=None)
    name = serializers.CharField(max_length=60)
    color = serializers.CharField(max_length=7)
    is_boundary = serializers.BooleanField(default=False)
    drawn_before_as = serializers.IntegerField(min_value=0, max_value=31, default=0)


class LegendInput(serializers.Serializer):
    legend = ClassChangeInput(many=True)


class ProjectLegend(APIView):
    @extend_schema(request=LegendInput, responses=answer(types.Project))
    def put(self, request: Request, slug: str) -> Response:
        """Makes the legend what is sent; classes that are left out are retired."""
        project = project_for(request, slug, MANAGERS)
        given = LegendInput(data=request.data)
        given.is_valid(raise_exception=True)
        classes = [ClassChange(**row) for row in given.validated_data["legend"]]
        change_legend(project=project, user=request.user, classes=classes)
        return Response(project_document(project, request.user))
