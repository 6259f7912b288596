from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser

from annotator.enums import Role
from annotator.models import Membership, Project
from annotator.queries.progress import patch_counts_of


@dataclass(frozen=True)
class ProjectCard:
    """A project as its member meets it in the list: the own roles and how far the work is."""

    project: Project
    roles: frozenset[Role]
    counts: dict[str, int]


def project_cards(user: AbstractBaseUser) -> list[ProjectCard]:
    """The person's projects by name, in four queries however many there are."""
    roles: dict[Project, set[Role]] = defaultdict(set)
    memberships = Membership.objects.filter(user_id=user.pk).select_related("project")
    for membership in memberships.order_by("project__name", "project_id"):
        roles[membership.project].add(Role(membership.role))
    counts = patch_counts_of([project.pk for project in roles], user)
    return [ProjectCard(project, frozenset(held), counts[project.pk]) for project, held in roles.items()]
