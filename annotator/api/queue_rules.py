from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for
from annotator.api.answers import answer
from annotator.domain.queue_rules import FIELDS, change_queue_rules
from annotator.enums import Role
from annotator.models import Project
from annotator.queries import document_types as types

MANAGERS = frozenset({Role.LEAD, Role.ML_STAFF})


class QueueRulesInput(serializers.Serializer):
    """What is left out stays as it is."""

    strategy = serializers.CharField(required=False)
    audit_share = serializers.FloatField(required=False)
    queue_seed = serializers.IntegerField(required=False)
    claims_per_person = serializers.IntegerField(required=False, allow_null=True)


class ProjectQueueRules(APIView):
    @extend_schema(responses=answer(types.QueueRules))
    def get(self, request: Request, slug: str) -> Response:
        return Response(_rules(project_for(request, slug)))

    @extend_schema(request=QueueRulesInput, responses=answer(types.QueueRules))
    def patch(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug, MANAGERS)
        given = QueueRulesInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = _rules(project) | given.validated_data
        return Response(_rules(change_queue_rules(project=project, user=request.user, **values)))


def _rules(project: Project) -> dict[str, object]:
    return {name: getattr(project, name) for name in FIELDS}
