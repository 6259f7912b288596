"""What labels cost and what they brought, round by round."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotator.enums import VersionState
from annotator.models import Evaluation, ModelVersion, TrainingRun


@dataclass(frozen=True)
class LabelCost:
    """What the labels that a version and those before it learned from cost people, over all rounds.

    ``seconds`` are those with a patch in focus; ``changed_pixels`` are against the proposals.
    """

    patches: int
    seconds: float
    strokes: int
    changed_pixels: int


@dataclass(frozen=True)
class MeasuredVersion:
    """A version with its mIoU on one held-out set; ``cost`` is None where it was not kept at the time."""

    pk: int
    number: int
    state: VersionState
    was_promoted: bool
    miou: float
    cost: LabelCost | None


@dataclass(frozen=True)
class GainInterval:
    """A gain in mIoU with its interval; ``confidence`` is a share of 1."""

    value: float
    low: float
    high: float
    confidence: float


@dataclass(frozen=True)
class Round:
    """A run with a candidate: parent and candidate on the same held-out patches.

    ``held_out_set`` numbers the sets of a project from 1: mIoU may be compared within one alone. ``gain`` is None
    where too few patches were held out for an interval.
    """

    run_id: int
    ended_at: datetime | None
    held_out_set: int
    held_out_patches: int
    parent: MeasuredVersion
    candidate: MeasuredVersion
    passed: bool | None
    gain: GainInterval | None

    @property
    def miou_change(self) -> float:
        return self.candidate.miou - self.parent.miou

    @property
    def added_patches(self) -> int | None:
        """How many patches more the candidate learned from than its parent; None where that was not kept."""
        if self.parent.cost is None or self.candidate.cost is None:
            return None
        return self.candidate.cost.patches - self.parent.cost.patches

    @property
    def added_seconds(self) -> float | None:
        if self.parent.cost is None or self.candidate.cost is None:
            return None
        return self.candidate.cost.seconds - self.parent.cost.seconds


def label_rounds(project_id: int) -> list[Round]:
    """The rounds of the project that measured a candidate, the oldest first; two queries however many they are."""
    runs = (
        TrainingRun.objects.filter(project_id=project_id, candidate__isnull=False)
        .select_related("parent", "candidate")
        .only("ended_at", "holdout_revisions", "parent", "candidate")
        .order_by("pk")
    )
    rows = Evaluation.objects.filter(training_run__in=runs.values("pk"))
    measured = {
        (run_id, version_id): (miou, patch_count, tuple(one["value"] for one in legend))
        for run_id, version_id, miou, patch_count, legend in rows.values_list(
            "training_run_id", "model_version_id", "miou", "patch_count", "legend"
        )
    }
    sets: dict[object, int] = {}
    rounds = []
    for run in runs:
        before = measured.get((run.pk, run.parent_id))
        after = measured.get((run.pk, run.candidate_id))
        if before is None or after is None or run.candidate is None:
            continue
        # Another legend makes another measure, on the same patches too.
        held_out_set = sets.setdefault((tuple(sorted(run.holdout_revisions)), after[2]), len(sets) + 1)
        rounds.append(
            Round(
                run.pk,
                run.ended_at,
                held_out_set,
                after[1],
                _version(run.parent, before[0]),
                _version(run.candidate, after[0]),
                *_judged(run.candidate.verdict),
            )
        )
    return rounds


def _version(version: ModelVersion, miou: float) -> MeasuredVersion:
    state = VersionState(version.state)
    return MeasuredVersion(
        version.pk, version.number, state, version.promoted_at is not None, miou, _cost(version)
    )


def _cost(version: ModelVersion) -> LabelCost | None:
    """A base model has learned from nobody here."""
    if version.parent_id is None:
        return LabelCost(0, 0.0, 0, 0)
    recorded: dict[str, Any] | None = version.provenance.get("label_cost")
    if not recorded:
        return None
    return LabelCost(
        recorded["patches"], recorded["seconds"], recorded["strokes"], recorded["changed_pixels"]
    )


def _judged(verdict: dict[str, Any] | None) -> tuple[bool | None, GainInterval | None]:
    """Whether the candidate passed the gate, and the gain with the interval that the gate's rule asks for."""
    if not verdict:
        return None, None
    gain = (verdict.get("intervals") or {}).get("miou") or verdict.get("miou")
    if gain is None:
        return verdict["passed"], None
    confidence = verdict.get("rule", {}).get("confidence", 0.9)
    return verdict["passed"], GainInterval(gain["value"], gain["low"], gain["high"], confidence)
