"""Who may see and do what in a project."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from annotator.enums import Role
from annotator.models import Membership


def member_roles(user: AbstractBaseUser | AnonymousUser, project_id: int) -> frozenset[Role]:
    """The person's roles in the project; empty for a stranger, who must be told that there is no such thing."""
    if not user.is_authenticated:
        return frozenset()
    rows = Membership.objects.filter(user_id=user.pk, project_id=project_id)
    return frozenset(Role(role) for role in rows.values_list("role", flat=True))
