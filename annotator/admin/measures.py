"""What evaluations measured, as the tables of runs and versions show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotator.models import Evaluation, LabelClass

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Measure:
    """One figure of a report: its key there, what it is called, and what it tells in a few words."""

    key: str
    name: str
    note: str = ""
    more_is_better: bool = True
    class_value: int | None = None

    def of(self, evaluation: Evaluation) -> float | None:
        """None where it could not be taken or was not taken at the time."""
        if self.key == "miou":
            return evaluation.miou
        if self.class_value is not None:
            return evaluation.metrics.get(self.key, {}).get(str(self.class_value))
        return evaluation.metrics.get(self.key)


@dataclass(frozen=True)
class MeasureGroup:
    title: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Gain:
    """A change with the ends of its interval, as the gate records it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class MeasureRow:
    """One measure of several evaluations, in their order; ``gain`` is from the first to the last of two."""

    measure: Measure
    values: tuple[float | None, ...]
    gain: Gain | None = None

    @property
    def change(self) -> float | None:
        """From the first evaluation to the last; None for one alone."""
        first, last = self.values[0], self.values[-1]
        return None if first is None or last is None or len(self.values) < 2 else last - first

    @property
    def change_text(self) -> str:
        return "" if self.change is None else f"{self.change:+.3f}"

    @property
    def interval_text(self) -> str:
        return f"{self.gain.low:+.3f} to {self.gain.high:+.3f}" if self.gain else ""

    @property
    def verdict(self) -> str:
        """How the change is to be read: better, worse, maybe chance; empty without an interval or a change."""
        if self.gain is None or self.change is None:
            return ""
        if self.gain.low <= 0 <= self.gain.high:
            return "maybe chance"
        return "better" if (self.gain.low > 0) == self.measure.more_is_better else "worse"

    @property
    def css_class(self) -> str:
        return self.verdict.replace(" ", "-") or "plain"


@dataclass(frozen=True)
class RowGroup:
    title: str
    rows: tuple[MeasureRow, ...]


def row_groups(
    evaluations: Sequence[Evaluation], legend: Sequence[LabelClass], verdict: Document | None = None
) -> list[RowGroup]:
    """The measures that were taken in any of the evaluations, by what they tell about.

    ``verdict``, that of the gate on the last evaluation's version beside the first's, gives the intervals.
    """
    gains = gains_of(verdict or {}, legend)
    groups = []
    for group in measure_groups(legend, evaluations):
        rows = (
            MeasureRow(measure, tuple(measure.of(e) for e in evaluations), gains.get(gain_key(measure)))
            for measure in group.measures
        )
        measured = tuple(row for row in rows if any(value is not None for value in row.values))
        if measured:
            groups.append(RowGroup(group.title, measured))
    return groups


def gain_key(measure: Measure) -> str:
    """The measure's name in the gate's intervals."""
    return measure.key if measure.class_value is None else f"{measure.key}.{measure.class_value}"


def gains_of(verdict: Document, legend: Sequence[LabelClass]) -> dict[str, Gain]:
    """The gains with intervals that the gate recorded, by `gain_key`; older verdicts have mIoU and classes alone."""
    if verdict.get("intervals"):
        return {key: _gain(gain) for key, gain in verdict["intervals"].items() if gain}
    found = {"miou": _gain(verdict["miou"])} if verdict.get("miou") else {}
    values = {c.name: c.value for c in legend}
    recorded = [gain for gain in verdict.get("classes") or () if gain["name"] in values]
    return found | {f"iou.{values[gain['name']]}": _gain(gain) for gain in recorded}


def _gain(recorded: Document) -> Gain:
    return Gain(recorded["value"], recorded["low"], recorded["high"])


def measure_groups(
    legend: Sequence[LabelClass], evaluations: Sequence[Evaluation] = ()
) -> tuple[MeasureGroup, ...]:
    """All measures there are for this legend; a boundary's tolerance is told in metres where it is known."""
    wide, narrow = (f"within {px} px{_metres(px, evaluations)}" for px in (2, 1))
    return (
        MeasureGroup(
            "Pixels",
            (
                Measure("miou", "mIoU", "mean over the classes of intersection over union"),
                Measure("pixel_accuracy", "Pixel accuracy"),
            ),
        ),
        MeasureGroup(
            "IoU of each class", tuple(Measure("iou", c.name, class_value=c.value) for c in legend)
        ),
        MeasureGroup(
            "Boundaries",
            (
                Measure("boundary_f1", f"Boundary F1, {wide}"),
                Measure("boundary_f1_1px", f"Boundary F1, {narrow}"),
            ),
        ),
        MeasureGroup(
            "Parcels as objects, matched at an IoU of 0.5",
            (
                Measure("object_precision", "Precision", "of the parcels said, those that are there"),
                Measure("object_recall", "Recall", "of the parcels there, those that were said"),
                Measure("object_f1", "F1"),
                Measure("object_mean_f1", "Mean F1", "over IoUs of 0.50, 0.55, … 0.95"),
            ),
        ),
        MeasureGroup(
            "Uncertainty",
            (
                Measure("error_auroc", "AUROC of entropy", "how well entropy tells wrong cells from right ones"),
                Measure(
                    "retention_area",
                    "Error left",
                    "area under the curve when people correct the least certain cells first; less is better",
                    more_is_better=False,
                ),
                Measure(
                    "entropy_rank_correlation",
                    "Rank correlation",
                    "of patches' mean entropy with their share of wrong cells",
                ),
                Measure(
                    "ece",
                    "Expected calibration error",
                    "of cells, 15 bins; less is better",
                    more_is_better=False,
                ),
            ),
        ),
    )  # fmt: skip


def _metres(px: int, evaluations: Sequence[Evaluation]) -> str:
    """The report tells that of 2 px, on the ground of its patches."""
    known = [m for e in evaluations if (m := e.metrics.get("boundary_tolerance_m"))]
    return f" ({known[-1] * px / 2:.2g} m)" if known else ""
