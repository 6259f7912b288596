"""What a training run showed of its candidate beside its parent: measures, confusion, and patches that changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from annotator.admin.measures import row_groups
from annotator.admin.mosaic import patch_pictures
from annotator.admin.report_plots import uncertainty_plots
from annotator.domain.legend_records import classes_of
from annotator.models import Evaluation, LabelClass, Revision, TrainingRun
from annotator.queries.held_out import painted_classes

PATCHES_SHOWN = 50


@dataclass(frozen=True)
class Comparison:
    """Parent and candidate measured on the same held-out patches by the run that made the candidate.

    ``legend`` holds the classes that both were asked for, which need not be the project's present ones.
    """

    run: TrainingRun
    before: Evaluation
    after: Evaluation
    legend: list[LabelClass]


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


def comparison_of(run: TrainingRun | None) -> Comparison | None:
    """None without a run, and while or where it did not come to measure both versions."""
    if run is None or run.candidate_id is None:
        return None
    measured = {e.model_version_id: e for e in run.evaluations.select_related("model_version")}
    before, after = measured.get(run.parent_id), measured.get(run.candidate_id)
    if before is None or after is None:
        return None
    # The legend may have changed since, and the counts are in the order of the one that was asked for.
    legend = classes_of(after.legend) or painted_classes(run.project_id)
    return Comparison(run, before, after, legend)


def comparison_context(found: Comparison | None, verdict: dict[str, Any] | None) -> dict[str, Any]:
    """What the table of both versions' measures wants; ``verdict`` is what the gate said of the candidate."""
    if found is None:
        return {"verdict": verdict}
    measured = [found.before, found.after]
    return {
        "verdict": verdict,
        "comparison": found,
        "measures": row_groups(measured, found.legend, verdict),
        "confidence": 100 * float((verdict or {}).get("rule", {}).get("confidence", 0.9)),
    }


def evidence_context(found: Comparison | None) -> dict[str, Any]:
    """What the parts below the measures want: plots, confusion, and the patches that changed."""
    if found is None:
        return {}
    before, after, legend = found.before, found.after, found.legend
    painted = painted_classes(found.run.project_id)
    return {
        "plots": uncertainty_plots([before, after]),
        "confusions": [table for e in (before, after) if (table := confusion_table(e, legend))],
        "patch_rows": patch_pictures(found.run, before, after, painted),
        "painted": painted,
        "changed": changed_patches(found.run, before, after),
    }


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
    """The held-out patches by how much their mIoU changed, for better or worse, the largest change first."""
    first, second = (e.metrics.get("patch_miou") or {} for e in (before, after))
    patches = Revision.objects.filter(pk__in=run.holdout_revisions)
    revision_of = dict(patches.values_list("annotation__patch__quadkey", "pk"))
    changed = [
        ChangedPatch(key, revision_of.get(key), first[key], second[key])
        for key in first.keys() & second.keys()
    ]
    return sorted(changed, key=lambda patch: (-abs(patch.change), patch.quadkey))[:PATCHES_SHOWN]
