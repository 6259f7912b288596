"""Who may call what: strangers are told that there is no such thing, members that their role does not do it."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from annotator.enums import Role
from annotator.errors import NotAllowed
from annotator.models import Project
from annotator.queries.access import member_roles

RowT = TypeVar("RowT", bound=Model)

ANYONE = frozenset(Role)


def project_for(request: Request, slug: str, roles: frozenset[Role] = ANYONE) -> Project:
    """The project if the person has one of the roles in it. Raises Http404 or NotAllowed."""
    project = get_object_or_404(Project, slug=slug)
    check_roles(request, project.pk, roles)
    return project


def row_for(request: Request, model: type[RowT], row_id: int, roles: frozenset[Role] = ANYONE) -> RowT:
    """The row of a project's own model, likewise."""
    row = get_object_or_404(model, pk=row_id)
    check_roles(request, row.project_id, roles)  # type: ignore[attr-defined]
    return row


def check_roles(request: Request, project_id: int, roles: frozenset[Role]) -> None:
    held = member_roles(request.user, project_id)
    if not held:
        raise Http404
    if not held & roles:
        needed = " or ".join(sorted(str(role.label) for role in roles))
        raise NotAllowed(f"This needs the role {needed} in the project. Ask one of its leads.")
