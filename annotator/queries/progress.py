from __future__ import annotations

from django.db.models import Count

from annotator.enums import PatchState
from annotator.models import Patch
from annotator.queries.gold import User, disguises


def patch_counts(project_id: int, user: User) -> dict[str, int]:
    """How many patches are in each state to the person, zeros included."""
    rows = Patch.objects.filter(project_id=project_id).order_by().values_list("state").annotate(Count("id"))
    counted = dict(rows)
    counts = {state.value: counted.get(state.value, 0) for state in PatchState}
    for one in disguises([project_id], user):
        counts[one.state] -= 1
        counts[one.seen] += 1
    return counts
