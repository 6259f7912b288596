"""The gate between a candidate and its promotion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.text import get_text_list

from annotator import inference
from annotator.domain.held_out import Measured
from annotator.domain.sides import block_of
from annotator.models import LabelClass, ModelVersion, Project
from annotator.queries.looks import next_look

# A region is a tile this many levels above the patch: 16 x 16 patches.
REGION_LEVELS = 4


def judge(
    *,
    project_id: int,
    parent: Measured,
    candidate: Measured,
    legend: Sequence[LabelClass],
) -> dict[str, Any]:
    """The verdict by the project's present rule, as the candidate's row keeps it.

    Both were asked for the same classes; where these are not the whole legend, the reason says so.
    """
    verdict = inference.gate_verdict(
        parent.report,
        candidate.report,
        parent.classes,
        Project.objects.get(pk=project_id).gate_rule,
        block_of=block_of,
        region_of=lambda quadkey: quadkey[:-REGION_LEVELS],
        looks=next_look(project_id, candidate.report.patch_confusion),
    )
    return verdict | {"reason": _on_which_classes(parent.classes, legend) + verdict["reason"]}


def _on_which_classes(asked: Sequence[LabelClass], legend: Sequence[LabelClass]) -> str:
    """Which classes could be compared, in a sentence; empty where all could."""
    values = {one.value for one in asked}
    new = [f"“{one.name}”" for one in legend if one.value not in values]
    if not new:
        return ""
    shared = get_text_list([f"“{one.name}”" for one in asked], "and")
    return f"Compared on {shared}, as the parent was not taught {get_text_list(new, 'or')}: "


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
