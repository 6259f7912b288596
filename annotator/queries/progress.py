from __future__ import annotations

from django.db.models import Count

from annotator.enums import PatchState
from annotator.models import Patch


def patch_counts(project_id: int) -> dict[str, int]:
    """How many patches are in each state, zeros included."""
    rows = Patch.objects.filter(project_id=project_id).order_by().values_list("state").annotate(Count("id"))
    counted = dict(rows)
    return {state.value: counted.get(state.value, 0) for state in PatchState}
