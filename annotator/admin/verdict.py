"""What the gate said and what it rests on: confusion, and the held-out patches that changed most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from annotator.models import Evaluation, LabelClass, ModelVersion, Revision, TrainingRun
from annotator.queries.labels import legend_of

PATCHES_SHOWN = 8


@dataclass(frozen=True)
class ConfusionRow:
    """Of the pixels of one true class, the share said to be each class, and what was not said at all."""

    name: str
    pixels: int
    shares: tuple[float, ...]


@dataclass(frozen=True)
class ConfusionTable:
    """``columns`` are the classes said; the last may be "nothing"."""

    version: str
    columns: tuple[str, ...]
    rows: tuple[ConfusionRow, ...]


@dataclass(frozen=True)
class ChangedPatch:
    """A held-out patch's own mIoU with parent and candidate; ``revision_id`` is what it was compared with."""

    quadkey: str
    revision_id: int | None
    before: float
    after: float

    @property
    def change(self) -> float:
        return self.after - self.before

    @property
    def change_text(self) -> str:
        return f"{self.change:+.3f}"


def verdict_context(run: TrainingRun | None, version: ModelVersion | None) -> dict[str, Any]:
    """What the template of the verdict wants; ``run`` is the one that made the version, if any did."""
    context: dict[str, Any] = {
        "verdict": version.verdict if version else None,
        "confusions": [],
        "changed": [],
    }
    if run is None or version is None:
        return context
    measured = {e.model_version_id: e for e in run.evaluations.select_related("model_version")}
    before, after = measured.get(run.parent_id), measured.get(version.pk)
    if before is not None and after is not None:
        legend = legend_of(run.project_id)
        context["confusions"] = [table for e in (before, after) if (table := confusion_table(e, legend))]
        context["changed"] = changed_patches(run, before, after)
    return context


def confusion_table(evaluation: Evaluation, legend: list[LabelClass]) -> ConfusionTable | None:
    """None for an evaluation of another legend, or of before confusion was kept."""
    counts = evaluation.metrics.get("confusion") or []
    if len(counts) != len(legend):
        return None
    unsaid = evaluation.metrics.get("unsaid_pixels") or []
    columns = [c.name for c in legend]
    if any(unsaid):
        counts = [[*row, more] for row, more in zip(counts, unsaid, strict=True)]
        columns.append("nothing")
    rows = tuple(
        ConfusionRow(c.name, sum(row), tuple(n / max(1, sum(row)) for n in row))
        for c, row in zip(legend, counts, strict=True)
    )
    return ConfusionTable(str(evaluation.model_version), tuple(columns), rows)


def changed_patches(run: TrainingRun, before: Evaluation, after: Evaluation) -> list[ChangedPatch]:
    """The held-out patches whose mIoU changed most, for better or worse, the largest change first."""
    first, second = (e.metrics.get("patch_miou") or {} for e in (before, after))
    patches = Revision.objects.filter(pk__in=run.holdout_revisions)
    revision_of = dict(patches.values_list("annotation__patch__quadkey", "pk"))
    changed = [
        ChangedPatch(key, revision_of.get(key), first[key], second[key])
        for key in first.keys() & second.keys()
    ]
    return sorted(changed, key=lambda patch: (-abs(patch.change), patch.quadkey))[:PATCHES_SHOWN]
