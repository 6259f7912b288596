"""The gate between a candidate and its promotion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from annotator import inference
from annotator.domain.label_sets import BLOCK_LEVELS
from annotator.inference import EvaluateReport
from annotator.models import LabelClass, ModelVersion, Project
from annotator.queries.looks import next_look

# A region is a tile this many levels above the patch: 16 x 16 patches.
REGION_LEVELS = 4


def judge(
    *,
    project_id: int,
    parent: EvaluateReport,
    candidate: EvaluateReport,
    legend: Sequence[LabelClass],
) -> dict[str, Any]:
    """The verdict by the project's present rule, as the candidate's row keeps it."""
    return inference.gate_verdict(
        parent,
        candidate,
        legend,
        Project.objects.get(pk=project_id).gate_rule,
        block_of=lambda quadkey: quadkey[:-BLOCK_LEVELS],
        region_of=lambda quadkey: quadkey[:-REGION_LEVELS],
        looks=next_look(project_id, candidate.patch_confusion),
    )


def obstacle(version: ModelVersion, current: ModelVersion | None) -> str:
    """Why the gate keeps the version from taking the current one's place, in a sentence; empty where nothing does.

    What was promoted before needs no gate, nor does a base version, which has no parent to be compared with.
    """
    if version.promoted_at is not None or version.parent is None:
        return ""
    if not version.verdict:
        return f"Version {version.number} was not judged by the gate."
    if not version.verdict["passed"]:
        return str(version.verdict["reason"])
    if current is not None and version.parent_id != current.pk:
        return (
            f"Version {version.number} was compared with version {version.parent.number}, "
            f"and version {current.number} is promoted now."
        )
    return ""
