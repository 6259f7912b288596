"""How often a project has judged candidates on the same held-out patches."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import F

from annotator.enums import RunState
from annotator.models import Evaluation

SAME_SHARE = 0.5
"""A candidate was judged on the same patches where it was measured on at least this share of them."""


def next_look(project_id: int, keys: Collection[str]) -> int:
    """Which candidate it is that is judged next on the held-out patches of these quadkeys, from 1 on.

    A candidate of which the gate could decide nothing, for want of patches, does not count: it had no chance to
    pass by accident.
    """
    wanted = set(keys)
    earlier = Evaluation.objects.filter(
        training_run__project_id=project_id,
        training_run__state=RunState.SUCCEEDED,
        model_version=F("training_run__candidate"),
        model_version__verdict__isnull=False,
    ).values_list("patch_keys", "model_version__verdict__miou")
    return 1 + sum(
        miou is not None and len(wanted.intersection(measured)) >= SAME_SHARE * len(wanted)
        for measured, miou in earlier
    )
