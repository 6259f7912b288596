from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for, row_for
from annotator.api.answers import PAGE_PARAMETERS, answer, page
from annotator.api.pagination import page_of
from annotator.api.repeats import IDEMPOTENCY_KEY, once
from annotator.domain.invitations import (
    MOST_DAYS,
    MOST_USES,
    make_invitation,
    revoke_invitation,
    token_of,
)
from annotator.enums import Role
from annotator.models import Invitation, Project
from annotator.queries import document_types as types

LEAD = frozenset({Role.LEAD})


class InvitationInput(serializers.Serializer):
    role = serializers.ChoiceField(Role.choices)
    days = serializers.IntegerField(min_value=1, max_value=MOST_DAYS, default=7)
    uses_max = serializers.IntegerField(min_value=1, max_value=MOST_USES, allow_null=True, default=1)
    note = serializers.CharField(max_length=120, allow_blank=True, default="")


class ProjectInvitations(APIView):
    @extend_schema(responses=page(types.Invitation), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, slug: str) -> Response:
        rows = project_for(request, slug, LEAD).invitations.select_related("made_by")
        return page_of(request, rows, lambda row: _document(row, request))

    @extend_schema(
        request=InvitationInput, responses=answer(types.Invitation, 201), parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, slug: str) -> Response:
        return self._invite(request, project_for(request, slug, LEAD))

    @once
    def _invite(self, request: Request, project: Project) -> Response:
        given = InvitationInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data | {"role": Role(given.validated_data["role"])}
        row = make_invitation(project=project, user=request.user, **values)
        return Response(_document(row, request), status=201)


class InvitationRevoke(APIView):
    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, invitation_id: int) -> Response:
        row = row_for(request, Invitation, invitation_id, LEAD)
        revoke_invitation(invitation=row, user=request.user)
        return Response(status=204)


def _document(row: Invitation, request: Request) -> dict[str, Any]:
    return {
        "id": row.pk,
        "role": row.role,
        "note": row.note,
        "state": row.state,
        "uses": row.uses,
        "uses_max": row.uses_max,
        "made_by": row.made_by.get_username(),
        "made_at": row.made_at,
        "expires_at": row.expires_at,
        "url": request.build_absolute_uri(reverse("invitation", args=[token_of(row)])),
    }
