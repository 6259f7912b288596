"""Who works in a project, and in which roles."""

from __future__ import annotations

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for, row_for
from annotator.api.answers import PAGE_PARAMETERS, answer, page
from annotator.api.narrowing import MemberNarrowing
from annotator.api.pagination import page_of
from annotator.domain.members import remove_member
from annotator.domain.projects import add_member
from annotator.enums import Role
from annotator.models import Membership
from annotator.queries import document_types as types
from annotator.queries.members import member_document

LEAD = frozenset({Role.LEAD})


class MemberInput(serializers.Serializer):
    user = serializers.SlugRelatedField(
        slug_field="username",
        queryset=User.objects.filter(is_active=True),
        help_text="The name of an account that there is.",
        error_messages={
            "does_not_exist": "There is no user called “{value}”. Check the spelling, or ask an administrator to "
            "make the account first.",
            "invalid": "Write the name of an account.",
        },
    )
    role = serializers.ChoiceField(Role.choices)


class ProjectMembers(APIView):
    @extend_schema(responses=page(types.Member), parameters=[MemberNarrowing, *PAGE_PARAMETERS])
    def get(self, request: Request, slug: str) -> Response:
        """A row for each role of each member."""
        rows = project_for(request, slug, LEAD).memberships.select_related("user")
        return page_of(request, MemberNarrowing.of(request, rows), member_document)

    @extend_schema(request=MemberInput, responses=answer(types.Member, 201))
    def post(self, request: Request, slug: str) -> Response:
        """Gives an account a role; giving it twice changes nothing."""
        project = project_for(request, slug, LEAD)
        given = MemberInput(data=request.data)
        given.is_valid(raise_exception=True)
        person, role = given.validated_data["user"], Role(given.validated_data["role"])
        membership = add_member(project=project, user=person, role=role, by=request.user)
        return Response(member_document(membership), status=201)


class Member(APIView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, membership_id: int) -> Response:
        """Takes the role away; what the person did stays. The last lead keeps it."""
        membership = row_for(request, Membership.objects.select_related("user"), membership_id, LEAD)
        remove_member(membership=membership, user=request.user)
        return Response(status=204)
