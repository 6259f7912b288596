from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count

from annotator.enums import PatchState, Role
from annotator.models import Membership, Patch, Project
from annotator.queries.gold import disguises


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
    counts = {project.pk: dict.fromkeys(PatchState.values, 0) for project in roles}
    rows = Patch.objects.filter(project__in=counts).order_by().values_list("project_id", "state")
    for project_id, state, number in rows.annotate(Count("id")):
        counts[project_id][state] = number
    for one in disguises(counts, user):
        counts[one.project_id][one.state] -= 1
        counts[one.project_id][one.seen] += 1
    return [ProjectCard(project, frozenset(held), counts[project.pk]) for project, held in roles.items()]
