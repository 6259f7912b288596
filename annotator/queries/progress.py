from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Sum

from annotator.enums import PatchState
from annotator.models import PatchTally


def patch_counts(project_id: int) -> dict[str, int]:
    """How many patches are in each state, zeros included."""
    return patch_counts_of([project_id])[project_id]


def patch_counts_of(project_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Likewise of several projects in one query; no patch is looked at, however many there are."""
    counts = {project_id: dict.fromkeys(PatchState.values, 0) for project_id in project_ids}
    rows = PatchTally.objects.filter(project__in=counts).order_by().values_list("project_id", "state")
    for project_id, state, count in rows.annotate(count=Sum("change")):
        counts[project_id][state] = int(count)
    return counts
