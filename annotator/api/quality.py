"""How labels are checked: rules, patches that two people draw, deciding between two masks, calling the second off."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for, row_for
from annotator.api.answers import answer
from annotator.api.quality_tables import TABLES, quality_csv, quality_document
from annotator.domain.adjudication import adjudicate
from annotator.domain.doubles import withdraw_second
from annotator.domain.gold import mark_gold, unmark_gold
from annotator.domain.quality_report import quality_report
from annotator.domain.quality_rules import change_quality_rules, quality_rules
from annotator.enums import Decision, Role
from annotator.models import Patch
from annotator.queries import document_types as types
from annotator.queries.documents import patch_document
from annotator.queries.doubles import double_document
from annotator.queries.gold_answers import gold_documents

LEAD = frozenset({Role.LEAD})
MANAGERS = frozenset({Role.LEAD, Role.ML_STAFF})
OBJECT = {200: OpenApiTypes.OBJECT}


class AdjudicationInput(serializers.Serializer):
    decision = serializers.ChoiceField(choices=Decision.choices)
    comment = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)
    redraws = serializers.BooleanField(
        required=False, default=False, help_text="The patch becomes yours to draw, from the mask decided for."
    )


class ProjectQuality(APIView):
    @extend_schema(responses=OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug, MANAGERS)
        return Response(quality_document(quality_report(project)))


class ProjectQualityTable(APIView):
    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, slug: str, table: str) -> HttpResponse:
        project = project_for(request, slug, MANAGERS)
        if table not in TABLES:
            raise Http404
        return quality_csv(quality_report(project), table, f"{table}-{project.slug}.csv")


class QualityRulesInput(serializers.Serializer):
    double_share = serializers.FloatField(required=False, help_text="Of patches, drawn by two people.")
    blind_share = serializers.FloatField(required=False, help_text="Of patches, drawn without proposal.")
    gold_share = serializers.FloatField(required=False, help_text="Of patches given, gold ones.")
    consensus_miou = serializers.FloatField(required=False, help_text="Two masks with this mIoU agree.")


class ProjectQualityRules(APIView):
    @extend_schema(responses=answer(types.QualityRules))
    def get(self, request: Request, slug: str) -> Response:
        return Response(quality_rules(project_for(request, slug, MANAGERS)))

    @extend_schema(request=QualityRulesInput, responses=answer(types.QualityRules))
    def patch(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug, MANAGERS)
        given = QualityRulesInput(data=request.data)
        given.is_valid(raise_exception=True)
        changed = change_quality_rules(project=project, user=request.user, **given.validated_data)
        return Response(quality_rules(changed))


class ProjectGold(APIView):
    @extend_schema(responses=answer(types.GoldPatches))
    def get(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug, LEAD)
        return Response({"results": gold_documents(project.pk)})


class PatchGold(APIView):
    @extend_schema(request=None, responses=answer(types.GoldPatches))
    def put(self, request: Request, patch_id: int) -> Response:
        patch = row_for(request, Patch, patch_id, LEAD)
        mark_gold(patch=patch, user=request.user)
        return Response({"results": gold_documents(patch.project_id, patch.pk)})

    @extend_schema(responses={204: None})
    def delete(self, request: Request, patch_id: int) -> Response:
        patch = row_for(request, Patch, patch_id, LEAD)
        unmark_gold(patch=patch, user=request.user)
        return Response(status=204)


class PatchDouble(APIView):
    @extend_schema(responses=answer(types.DoubleAnnotation))
    def get(self, request: Request, patch_id: int) -> Response:
        patch = row_for(request, Patch, patch_id, LEAD)
        document = double_document(patch.pk)
        if document is None:
            raise Http404
        return Response(document)

    @extend_schema(responses=answer(types.DoubleAnnotation))
    def delete(self, request: Request, patch_id: int) -> Response:
        patch = row_for(request, Patch, patch_id, LEAD)
        withdraw_second(patch=patch, user=request.user)
        return Response(double_document(patch.pk))


class PatchAdjudication(APIView):
    @extend_schema(request=AdjudicationInput, responses=answer(types.Patch))
    def post(self, request: Request, patch_id: int) -> Response:
        patch = row_for(request, Patch, patch_id, LEAD)
        given = AdjudicationInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        adjudicate(
            patch=patch,
            user=request.user,
            decision=Decision(values["decision"]),
            comment=values["comment"],
            redraws=values["redraws"],
        )
        return Response(patch_document(Patch.objects.get(pk=patch.pk), request.user))
