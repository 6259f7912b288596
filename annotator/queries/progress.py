from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Sum

from annotator.enums import PatchState
from annotator.models import PatchTally
from annotator.queries.gold import User, disguises


def patch_counts(project_id: int, user: User) -> dict[str, int]:
    """How many patches are in each state to the person, zeros included."""
    return patch_counts_of([project_id], user)[project_id]


def patch_counts_of(project_ids: Iterable[int], user: User) -> dict[int, dict[str, int]]:
    """Likewise of several projects, in as many queries."""
    counts = tallied(project_ids)
    for one in disguises(list(counts), user):
        counts[one.project_id][one.state] -= 1
        counts[one.project_id][one.seen] += 1
    return counts


def tallied(project_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """How many patches are in each state, by project; no patch is looked at, however many there are."""
    counts = {project_id: dict.fromkeys(PatchState.values, 0) for project_id in project_ids}
    rows = PatchTally.objects.filter(project__in=counts).order_by().values_list("project_id", "state")
    for project_id, state, count in rows.annotate(count=Sum("change")):
        counts[project_id][state] = int(count)
    return counts
