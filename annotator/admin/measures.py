"""Evaluations side by side, as the tables of runs and versions show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from annotator.models import Evaluation, LabelClass

# Name, key in the metrics, and whether more is better.
MEASURES = (
    ("mIoU", "miou", True),
    ("pixel accuracy", "pixel_accuracy", True),
    ("boundary F1 (within 2 px)", "boundary_f1", True),
    ("boundary F1 (within 1 px)", "boundary_f1_1px", True),
    ("parcels' F1 (IoU 0.5)", "object_f1", True),
    ("expected calibration error", "ece", False),
    ("AUROC of entropy for errors", "error_auroc", True),
    ("error left when people take the least certain cells first", "retention_area", False),
)


@dataclass(frozen=True)
class MeasureRow:
    """One measure of several evaluations, in their order; None where it could not be taken."""

    name: str
    values: tuple[float | None, ...]
    more_is_better: bool

    @property
    def change(self) -> float | None:
        """From the first evaluation to the last."""
        first, last = self.values[0], self.values[-1]
        return None if first is None or last is None or len(self.values) < 2 else last - first

    @property
    def change_text(self) -> str:
        return "" if self.change is None else f"{self.change:+.3f}"

    @property
    def verdict(self) -> str:
        """How the change is to be read: better, worse or same to three places."""
        change = round(self.change or 0.0, 3)
        if change == 0:
            return "same"
        return "better" if (change > 0) == self.more_is_better else "worse"


def measure_rows(evaluations: Sequence[Evaluation], legend: Sequence[LabelClass]) -> list[MeasureRow]:
    """mIoU and the other measures, then the IoU of each class of the legend."""
    reports: list[dict[str, Any]] = [{**e.metrics, "miou": e.miou} for e in evaluations]
    rows = [MeasureRow(name, tuple(report.get(key) for report in reports), up) for name, key, up in MEASURES]
    return rows + [
        MeasureRow(
            f"IoU of {label_class.name}",
            tuple(report.get("iou", {}).get(str(label_class.value)) for report in reports),
            True,
        )
        for label_class in legend
    ]
