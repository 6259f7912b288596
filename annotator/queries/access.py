"""Who may see and do what in a project."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from annotator.enums import Role
from annotator.models import Membership, Project
from annotator.queries.prepared import Prepared

DRAWING_ROLES = frozenset({Role.ANNOTATOR, Role.LEAD})

_ROLES = Prepared(
    lambda user, project: Membership.objects.filter(user=user, project=project).only("role"),
    user=int,
    project=int,
)
_PROJECT = Prepared(
    lambda slug, user: Project.objects.filter(slug=slug).annotate(
        held_roles=ArraySubquery(
            Membership.objects.filter(project=OuterRef("pk"), user=user).values("role"),
        )
    ),
    slug=str,
    user=int,
)


def member_roles(user: AbstractBaseUser | AnonymousUser, project_id: int) -> frozenset[Role]:
    """The person's roles in the project; empty for a stranger, who must be told that there is no such thing."""
    if not user.is_authenticated:
        return frozenset()
    return frozenset(Role(row.role) for row in _ROLES.rows(user=user.pk, project=project_id))


def draws_in(project_id: int, user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether the person may be served patches of the project."""
    return bool(member_roles(user, project_id) & DRAWING_ROLES)


def project_and_roles(
    slug: str, user: AbstractBaseUser | AnonymousUser
) -> tuple[Project | None, frozenset[Role]]:
    """The project of that name and the person's roles in it, in one query."""
    project: Any = _PROJECT.first(slug=slug, user=user.pk or 0)
    if project is None or not user.is_authenticated:
        return project, frozenset()
    return project, frozenset(Role(role) for role in project.held_roles)
