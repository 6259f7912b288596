from __future__ import annotations

import gzip
import re
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import check_person, check_roles, project_for, row_for
from annotator.api.answers import answer
from annotator.api.problems import problem
from annotator.api.repeats import HEADER, IDEMPOTENCY_KEY
from annotator.api.serializers import (
    ClaimInput,
    CommentInput,
    FieldClaimsInput,
    FixInput,
    HeartbeatInput,
    ReleaseInput,
    ReviewInput,
    SaveParameters,
)
from annotator.domain.annotations import Effort, save_mask
from annotator.domain.claims import (
    ClaimResult,
    Lease,
    Outcome,
    claim_for_the_field,
    claim_next,
    claim_patch,
    release_claim,
    renew_claim,
)
from annotator.domain.masks import mask_from_body, values_of
from annotator.domain.pins import Pin
from annotator.domain.reviews import fix_patch, reopen_patch, review_patch
from annotator.domain.spot_checks import pass_spot_check
from annotator.enums import Role, Verdict
from annotator.errors import BadMask, RevisionConflict
from annotator.models import Patch, Proposal, Revision
from annotator.queries import document_types as types
from annotator.queries.chosen import is_proposal_hidden
from annotator.queries.documents import patch_document, revision_document
from annotator.queries.events import event_document
from annotator.queries.history import patch_events
from annotator.queries.seen import may_see, seen_by, visible_revisions

ANNOTATORS = frozenset({Role.ANNOTATOR, Role.LEAD})
LEAD = frozenset({Role.LEAD})
RASTER = {
    (200, "application/octet-stream"): OpenApiTypes.BINARY,
    (200, "image/png"): OpenApiTypes.BINARY,
}
# A mask has 65,536 bytes; a PNG of noise is hardly larger.
MAX_MASK_BODY_BYTES = 300_000


class MaskBody(BaseParser):
    """Leaves the body to `mask_from_body`, whatever the content type says."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> bytes:
        return bytes(stream.read(MAX_MASK_BODY_BYTES + 1))


class PreconditionRequired(APIException):
    status_code = 428
    default_code = "if-match-missing"
    default_detail = 'Send If-Match with the number of the revision you started from, "0" for none.'


class ProjectClaims(APIView):
    @extend_schema(request=ClaimInput, responses=answer(types.ClaimAnswer))
    def post(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug, ANNOTATORS)
        given = ClaimInput(data=request.data)
        given.is_valid(raise_exception=True)
        if (patch_id := given.validated_data["patch"]) is not None:
            patch = get_object_or_404(Patch, pk=patch_id, project=project)
            result = ClaimResult(Outcome.CLAIMED, claim_patch(patch=patch, user=request.user))
        else:
            values = given.validated_data
            result = claim_next(
                project=project, user=request.user, besides=values["besides"], lease=Lease(values["lease"])
            )
        return Response(
            {
                "outcome": result.outcome,
                "detail": result.detail,
                "until": result.until,
                "patch": patch_document(result.patch, request.user) if result.patch else None,
            }
        )


class ProjectFieldClaims(APIView):
    """Patches for a day without a connection; each is then read at its own address."""

    @extend_schema(request=FieldClaimsInput, responses=answer(types.FieldClaims))
    def post(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug, ANNOTATORS)
        given = FieldClaimsInput(data=request.data)
        given.is_valid(raise_exception=True)
        patch_ids = claim_for_the_field(
            project=project, user=request.user, count=given.validated_data["count"]
        )
        return Response({"patches": patch_ids})


class PatchDetail(APIView):
    @extend_schema(responses=answer(types.Patch))
    def get(self, request: Request, patch_id: int) -> Response:
        return Response(patch_document(row_for(request, Patch, patch_id), request.user))


class PatchHeartbeat(APIView):
    @extend_schema(request=HeartbeatInput, responses=answer(types.Lease))
    def post(self, request: Request, patch_id: int) -> Response:
        patch = row_for(request, Patch, patch_id, ANNOTATORS)
        given = HeartbeatInput(data=request.data)
        given.is_valid(raise_exception=True)
        lease = Lease(given.validated_data["lease"])
        return Response({"expires_at": renew_claim(patch=patch, user=request.user, lease=lease)})


class PatchRelease(APIView):
    @extend_schema(request=ReleaseInput, responses={204: None})
    def post(self, request: Request, patch_id: int) -> Response:
        patch = row_for(request, Patch, patch_id, ANNOTATORS)
        given = ReleaseInput(data=request.data)
        given.is_valid(raise_exception=True)
        release_claim(patch=patch, user=request.user, is_skipped=given.validated_data["skipped"])
        return Response(status=204)


class PatchMask(APIView):
    parser_classes = (MaskBody,)

    @extend_schema(
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={**answer(types.SavedMask), 412: OpenApiTypes.OBJECT},
        parameters=[SaveParameters, IDEMPOTENCY_KEY],
    )
    def put(self, request: Request, patch_id: int) -> Response:
        patch = row_for(request, Patch, patch_id, ANNOTATORS)
        check_person(request)
        given = SaveParameters(data=request.query_params)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        proposal = (
            get_object_or_404(Proposal, pk=values["proposal"], patch=patch) if values["proposal"] else None
        )
        if not isinstance(request.data, bytes) or len(request.data) > MAX_MASK_BODY_BYTES:
            raise BadMask("The body holds no mask, or far more than one. Send 65,536 bytes, gzipped or not.")
        mask = mask_from_body(
            request.data, request.content_type.split(";")[0], request.headers.get("Content-Encoding", "")
        )
        try:
            revision = save_mask(
                patch=patch,
                user=request.user,
                mask=mask,
                base_number=_base_number(request),
                submit=values["submit"],
                proposal=proposal,
                effort=Effort(values["seconds"], values["strokes"]),
                idempotency_key=request.headers.get(HEADER, "")[:64],
            )
        except RevisionConflict as error:
            return _both_versions(error)
        patch.refresh_from_db()
        return Response(
            {"revision": revision_document(revision), "state": seen_by(patch, request.user).state},
            headers={"ETag": f'"{revision.number}"'},
        )


def _base_number(request: Request) -> int:
    header = request.headers.get("If-Match")
    if header is None:
        raise PreconditionRequired
    match = re.fullmatch(r'(?:W/)?"?(\d{1,9})"?', header.strip())
    if match is None:
        raise BadMask('If-Match must be the number of a revision in quotes, such as "3".')
    return int(match[1])


def _both_versions(error: RevisionConflict) -> Response:
    rows = Revision.objects.in_bulk([pk for pk in error.facts.values() if pk])
    facts = {name: revision_document(rows[pk]) if pk in rows else None for name, pk in error.facts.items()}
    body = problem(error.status, error.code, error.title, error.detail, **facts)
    return Response(body, status=412, content_type="application/problem+json")


class PatchReview(APIView):
    @extend_schema(request=ReviewInput, responses=answer(types.Patch))
    def post(self, request: Request, patch_id: int) -> Response:
        patch = row_for(request, Patch, patch_id, LEAD)
        given = ReviewInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        review_patch(
            patch=patch,
            user=request.user,
            verdict=Verdict(values["verdict"]),
            revision_number=values["revision"],
            comment=values["comment"],
            pins=[Pin(**pin) for pin in values["pins"]],
        )
        return Response(patch_document(Patch.objects.get(pk=patch.pk), request.user))


class PatchFix(APIView):
    @extend_schema(request=FixInput, responses=answer(types.Patch))
    def post(self, request: Request, patch_id: int) -> Response:
        patch = row_for(request, Patch, patch_id, LEAD)
        given = FixInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        fix_patch(
            patch=patch, user=request.user, revision_number=values["revision"], comment=values["comment"]
        )
        return Response(patch_document(Patch.objects.get(pk=patch.pk), request.user))


class PatchReopen(APIView):
    @extend_schema(request=CommentInput, responses=answer(types.Patch))
    def post(self, request: Request, patch_id: int) -> Response:
        patch = row_for(request, Patch, patch_id, LEAD)
        given = CommentInput(data=request.data)
        given.is_valid(raise_exception=True)
        reopen_patch(patch=patch, user=request.user, comment=given.validated_data["comment"])
        return Response(patch_document(Patch.objects.get(pk=patch.pk), request.user))


class PatchSpotCheck(APIView):
    """An approved patch is as good as the spot check of it asks; a verdict says it of a submitted one."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, patch_id: int) -> Response:
        pass_spot_check(patch=row_for(request, Patch, patch_id, LEAD), user=request.user)
        return Response(status=204)


class PatchHistory(APIView):
    @extend_schema(responses=answer(types.History))
    def get(self, request: Request, patch_id: int) -> Response:
        patch = row_for(request, Patch, patch_id)
        events = patch_events(patch, request.user)
        revisions = visible_revisions(patch, request.user).order_by("number")
        return Response(
            {
                "events": [event_document(event) for event in events],
                "revisions": [revision_document(r) for r in revisions],
            }
        )


class Raster(APIView):
    """A stored mask or entropy map as raw uint8 bytes, or as PNG; it never changes."""

    def respond(
        self, request: Request, project_id: int, png: bytes | memoryview, suffix: str
    ) -> HttpResponse:
        check_roles(request, project_id, frozenset(Role))
        if suffix == ".png":
            response = HttpResponse(bytes(png), content_type="image/png")
        else:
            packed = gzip.compress(values_of(png).tobytes(), compresslevel=5, mtime=0)
            response = HttpResponse(packed, content_type="application/octet-stream")
            response["Content-Encoding"] = "gzip"
        response["Cache-Control"] = "private, max-age=31536000, immutable"
        return response


class ProposalRaster(Raster):
    @extend_schema(responses=RASTER)
    def get(self, request: Request, proposal_id: int, kind: str, suffix: str = "") -> HttpResponse:
        proposal = get_object_or_404(Proposal.objects.select_related("patch__project"), pk=proposal_id)
        check_roles(request, proposal.patch.project_id, frozenset(Role))
        if is_proposal_hidden(proposal.patch, request.user):
            raise Http404
        png = proposal.mask_png if kind == "mask" else proposal.entropy_png
        return self.respond(request, proposal.patch.project_id, png, suffix)


class RevisionRaster(Raster):
    @extend_schema(responses=RASTER)
    def get(self, request: Request, revision_id: int, suffix: str = "") -> HttpResponse:
        rows = Revision.objects.select_related("annotation__patch", "annotation__reading__patch")
        revision = get_object_or_404(rows, pk=revision_id)
        project_id = revision.annotation.drawn_patch.project_id
        check_roles(request, project_id, frozenset(Role))
        if not may_see(revision, request.user):
            raise Http404
        return self.respond(request, project_id, revision.mask_png, suffix)
