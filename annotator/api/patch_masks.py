"""Masks to draw by: the neighbours', those of other days, what changed; and the answer that the imagery is bad."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import check_person, row_for
from annotator.api.answers import answer
from annotator.api.repeats import HEADER, IDEMPOTENCY_KEY
from annotator.domain.annotations import Effort
from annotator.domain.imagery_reports import report_imagery
from annotator.domain.masks import Mask, png_of, values_of
from annotator.enums import ImageryProblem, Role
from annotator.models import Patch, Proposal
from annotator.queries import document_types as types
from annotator.queries.documents import Document, revision_document
from annotator.queries.patch_masks import (
    Neighbour,
    approved_neighbours,
    difference_of,
    difference_picture,
    proposals_of,
)
from annotator.queries.seen import visible_revisions

ANNOTATORS = frozenset({Role.ANNOTATOR, Role.LEAD})


class DifferenceParameters(serializers.Serializer):
    before = serializers.IntegerField(min_value=1, help_text="The number of a revision.")
    after = serializers.IntegerField(min_value=1, help_text="The number of another one.")


class ImageryReportInput(serializers.Serializer):
    problem = serializers.ChoiceField(choices=ImageryProblem.choices)
    comment = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)
    revision = serializers.IntegerField(min_value=0, help_text="The revision that is shown, 0 for none.")
    seconds = serializers.IntegerField(min_value=0, max_value=86_400, default=0)


class PatchNeighbours(APIView):
    @extend_schema(responses=answer(types.Neighbours))
    def get(self, request: Request, patch_id: int) -> Response:
        rows = approved_neighbours(row_for(request, Patch, patch_id), request.user)
        return Response({"results": [neighbour_document(row) for row in rows]})


class PatchMasks(APIView):
    @extend_schema(responses=answer(types.Masks))
    def get(self, request: Request, patch_id: int) -> Response:
        patch = row_for(request, Patch, patch_id)
        revisions = visible_revisions(patch, request.user)
        return Response(
            {
                "revisions": [
                    {
                        **revision_document(row),
                        "acquired_on": row.proposal.scene.acquired_on if row.proposal else None,
                    }
                    for row in revisions
                ],
                "proposals": [proposal_document(row) for row in proposals_of(patch, request.user)],
            }
        )


class PatchDifference(APIView):
    @extend_schema(
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "image/png"): OpenApiTypes.BINARY,
        },
        parameters=[DifferenceParameters],
    )
    def get(self, request: Request, patch_id: int, suffix: str = "") -> HttpResponse:
        before, after = self._masks(request, row_for(request, Patch, patch_id))
        if suffix == ".png":
            return HttpResponse(png_of(difference_picture(before, after)), content_type="image/png")
        found = difference_of(before, after)
        changes = [{"before": a, "after": b, "pixels": count} for a, b, count in found.changes]
        return Response({"pixels": found.pixels, "changes": changes})

    def _masks(self, request: Request, patch: Patch) -> tuple[Mask, Mask]:
        given = DifferenceParameters(data=request.query_params)
        given.is_valid(raise_exception=True)
        numbers = given.validated_data["before"], given.validated_data["after"]
        rows = visible_revisions(patch, request.user).filter(number__in=numbers)
        found = {number: values_of(png) for number, png in rows.values_list("number", "mask_png")}
        if not found.keys() >= set(numbers):
            raise Http404
        return found[numbers[0]], found[numbers[1]]


class PatchBadImagery(APIView):
    @extend_schema(
        request=ImageryReportInput, responses=answer(types.SavedReport), parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, patch_id: int) -> Response:
        patch = row_for(request, Patch, patch_id, ANNOTATORS)
        check_person(request)
        given = ImageryReportInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        revision = report_imagery(
            patch=patch,
            user=request.user,
            problem=ImageryProblem(values["problem"]),
            comment=values["comment"],
            base_number=values["revision"],
            effort=Effort(values["seconds"], 0),
            idempotency_key=request.headers.get(HEADER, "")[:64],
        )
        return Response({"revision": revision_document(revision)})


def neighbour_document(neighbour: Neighbour) -> Document:
    revision = neighbour.revision
    return {
        "dx": neighbour.dx,
        "dy": neighbour.dy,
        "patch": revision.annotation.patch_id,
        "mask_url": f"/api/v1/revisions/{revision.pk}/mask",
    }


def proposal_document(proposal: Proposal) -> Document:
    return {
        "id": proposal.pk,
        "mask_url": f"/api/v1/proposals/{proposal.pk}/mask",
        "scene": proposal.scene_id,
        "scene_name": proposal.scene.name,
        "acquired_on": proposal.scene.acquired_on,
        "model_version": proposal.model_version.number,
        "mean_entropy_nats": proposal.mean_entropy_nats,
        "entropy_max_nats": proposal.entropy_max_nats,
    }
