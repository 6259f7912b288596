"""Measures of segmentation quality and of calibration, as pure functions of arrays.

Masks are uint8 ``(row, col)`` of class values; pixels that are 255 (unsure) in the truth count nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats

from mlservice.contracts import UNSURE

Mask = NDArray[np.uint8]


def confusion_matrix(truth: Mask, said: Mask, values: tuple[int, ...]) -> NDArray[np.int64]:
    """Pixel counts ``(classes, classes)``, rows true and columns said, in the order of ``values``.

    Raises ValueError when a counted pixel has a value that is none of ``values``.
    """
    position = np.full(256, -1, dtype=np.int64)
    position[list(values)] = np.arange(len(values))
    sure = truth != UNSURE
    rows, cols = position[truth[sure]], position[said[sure]]
    if (rows < 0).any() or (cols < 0).any():
        raise ValueError(f"the masks have values other than {values} and {UNSURE}")
    counts = np.bincount(rows * len(values) + cols, minlength=len(values) ** 2)
    return counts.reshape(len(values), len(values)).astype(np.int64)


def class_iou(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Intersection over union of each class; NaN for a class that is in neither mask."""
    both = np.diag(confusion).astype(np.float64)
    either = confusion.sum(axis=0) + confusion.sum(axis=1) - both
    absent = np.full(len(confusion), np.nan)
    return np.asarray(np.divide(both, either, out=absent, where=either > 0))


def mean_iou(confusion: NDArray[np.int64]) -> float:
    """The mean of `class_iou` over the classes that occur; NaN when nothing was counted."""
    iou = class_iou(confusion)
    occurring = iou[~np.isnan(iou)]
    return float(occurring.mean()) if occurring.size else float("nan")


def pixel_accuracy(confusion: NDArray[np.int64]) -> float:
    """The share of counted pixels that are right; NaN when nothing was counted."""
    total = int(confusion.sum())
    return float(np.trace(confusion) / total) if total else float("nan")


@dataclass(frozen=True)
class BoundaryCounts:
    """Boundary pixels of two masks, and those of them that lie near one of the other mask. They add up."""

    said: int = 0
    said_near_true: int = 0
    true: int = 0
    true_near_said: int = 0

    def __add__(self, other: BoundaryCounts) -> BoundaryCounts:
        return BoundaryCounts(
            self.said + other.said,
            self.said_near_true + other.said_near_true,
            self.true + other.true,
            self.true_near_said + other.true_near_said,
        )

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall; None where neither mask has a boundary."""
        if not self.said and not self.true:
            return None
        if not self.said_near_true or not self.true_near_said:
            return 0.0
        precision, recall = self.said_near_true / self.said, self.true_near_said / self.true
        return 2 * precision * recall / (precision + recall)


def count_boundaries(truth: Mask, said: Mask, boundary_value: int, tolerance_px: float = 2) -> BoundaryCounts:
    """Match the pixels of the boundary class within a Euclidean distance of ``tolerance_px``.

    The boundary measure of Csurka et al. 2013 ("What is a good evaluation measure for semantic
    segmentation?") on a class of boundary pixels. Said boundary where the truth is unsure is left out.
    """
    true_line = truth == boundary_value
    said_line = (said == boundary_value) & (truth != UNSURE)
    return BoundaryCounts(
        said=int(said_line.sum()),
        said_near_true=int((said_line & _near(true_line, tolerance_px)).sum()),
        true=int(true_line.sum()),
        true_near_said=int((true_line & _near(said_line, tolerance_px)).sum()),
    )


def _near(line: NDArray[np.bool_], tolerance_px: float) -> NDArray[np.bool_]:
    if not line.any():
        return np.zeros_like(line)
    near: NDArray[np.bool_] = ndimage.distance_transform_edt(~line) <= tolerance_px
    return near


def expected_calibration_error(
    confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = 15
) -> float:
    """How far confidence is from the share that is right, over equally wide bins of confidence.

    ECE = Σ (n_b / n) |accuracy_b − confidence_b| (Naeini et al. 2015; Guo et al. 2017). ``confidence`` is the
    likeliest class's probability, in 0..1. NaN for no cells.
    """
    if not confidence.size:
        return float("nan")
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    surplus = np.bincount(which, weights=right - confidence.astype(np.float64), minlength=bins)
    return float(np.abs(surplus).sum() / confidence.size)


def auroc(score: NDArray[np.floating], positive: NDArray[np.bool_]) -> float | None:
    """The chance that a random positive scores above a random negative, ties counting half.

    The area under the ROC curve through the Mann-Whitney rank sum; None where either kind is missing.
    """
    positives = int(positive.sum())
    negatives = positive.size - positives
    if not positives or not negatives:
        return None
    rank_sum = stats.rankdata(score)[positive].sum()
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))
