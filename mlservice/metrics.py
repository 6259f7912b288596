"""Measures of segmentation quality and of calibration, as pure functions of arrays.

Masks are uint8 ``(row, col)`` of class values; pixels that are 255 (unsure) in the truth count nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats

from mlservice.contracts import UNSURE, ReliabilityCurve, RetentionCurve

Mask = NDArray[np.uint8]
CALIBRATION_BINS = 15
ENTROPY_BINS = 64
RETENTION_POINTS = 21
"""How many points a retention curve keeps: every 5 % of the cells. Its area is that of the whole curve."""


def confusion_matrix(
    truth: Mask, said: Mask, values: tuple[int, ...], *, unsaid_column: bool = False
) -> NDArray[np.int64]:
    """Pixel counts ``(classes, classes)``, rows true and columns said, in the order of ``values``.

    With ``unsaid_column``, one more column counts the pixels where the truth is sure and the answer unsure: the
    model said no class there, which is as wrong as a wrong one. Raises ValueError when a counted pixel has any
    other value that is none of ``values``.
    """
    position = np.full(256, -1, dtype=np.int64)
    position[list(values)] = np.arange(len(values))
    sure = truth != UNSURE
    rows = position[truth[sure]]
    columns = len(values) + unsaid_column
    if unsaid_column:
        position[UNSURE] = len(values)
    cols = position[said[sure]]
    if (rows < 0).any() or (cols < 0).any():
        raise ValueError(f"the masks have values other than {values} and {UNSURE}")
    counts = np.bincount(rows * columns + cols, minlength=len(values) * columns)
    return counts.reshape(len(values), columns).astype(np.int64)


def class_iou(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Intersection over union of each class; NaN for a class that is in neither mask."""
    classes = len(confusion)
    both = np.diag(confusion).astype(np.float64)
    either = confusion[:, :classes].sum(axis=0) + confusion.sum(axis=1) - both
    absent = np.full(classes, np.nan)
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
    confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = CALIBRATION_BINS
) -> float | None:
    """How far confidence is from the share that is right, over equally wide bins of confidence.

    ECE = Σ (n_b / n) |accuracy_b − confidence_b| (Naeini et al. 2015; Guo et al. 2017). ``confidence`` is the
    likeliest class's probability, in 0..1. None for no cells.
    """
    if not confidence.size:
        return None
    return float(np.abs(calibration_surplus(confidence, right, bins)).sum() / confidence.size)


def reliability_curve(
    confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = CALIBRATION_BINS
) -> ReliabilityCurve:
    """The bins that `expected_calibration_error` sums over, one by one."""
    which = _bins(confidence, bins)
    counts = np.bincount(which, minlength=bins)

    def means(values: NDArray[np.generic]) -> tuple[float | None, ...]:
        sums = np.bincount(which, weights=values, minlength=bins)
        return tuple(float(sums[b] / counts[b]) if counts[b] else None for b in range(bins))

    edges = tuple(np.linspace(0, 1, bins + 1).tolist())
    return ReliabilityCurve(edges, means(confidence), means(right), tuple(counts.tolist()))


def class_surpluses(
    probabilities: NDArray[np.floating], truth: NDArray[np.integer], bins: int = CALIBRATION_BINS
) -> NDArray[np.float64]:
    """Cells of a class less the probability it was given, summed in bins of that probability.

    ``probabilities`` is ``(classes, cells)`` and ``truth`` the class index of each cell; the result is
    ``(classes, bins)`` and adds up over patches. Its row sums over the number of cells are each class's bias:
    above 0 where the class is said less than it occurs.
    """
    return np.stack(
        [calibration_surplus(given, truth == index, bins) for index, given in enumerate(probabilities)]
    )


def class_calibration_errors(surpluses: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    """The ECE of each class's own probability from the summed `class_surpluses` of so many cells.

    Their mean is the static calibration error of Nixon et al. 2019 ("Measuring Calibration in Deep
    Learning"). Raises ValueError for no cells.
    """
    if not cells:
        raise ValueError("calibration errors need at least one cell")
    return np.asarray(np.abs(surpluses).sum(axis=1) / cells)


def calibration_surplus(
    given: NDArray[np.floating], came_true: NDArray[np.bool_], bins: int = CALIBRATION_BINS
) -> NDArray[np.float64]:
    """How often it came true less how often it was expected to, summed in bins of the probability given.

    The sums add up over patches; the absolute values of all over the number of cells are the calibration error.
    """
    return np.bincount(
        _bins(given, bins), weights=came_true - given.astype(np.float64), minlength=bins
    ).astype(np.float64)


def _bins(probability: NDArray[np.floating], bins: int) -> NDArray[np.int64]:
    return np.minimum((probability * bins).astype(np.int64), bins - 1)


def error_retention(entropy: NDArray[np.floating], wrong: NDArray[np.bool_]) -> RetentionCurve | None:
    """The error left over when a person corrects the most uncertain cells, for every share of cells kept.

    The error-retention curve of Malinin et al. 2021 ("Shifts: A Dataset of Real Distributional Shift Across
    Multiple Large-Scale Tasks"): what is handed over counts as right, so the curve rises from 0 to the error of
    all cells. Cells of equal entropy are kept in no order, each with their mean error. None for no cells.
    """
    if not entropy.size:
        return None
    _, level = np.unique(entropy, return_inverse=True)
    kept = np.concatenate([[0.0], np.bincount(level).cumsum() / entropy.size])
    error = np.concatenate([[0.0], np.bincount(level, weights=wrong).cumsum() / entropy.size])
    shares = np.linspace(0, 1, RETENTION_POINTS)
    return RetentionCurve(
        share_kept=tuple(shares.tolist()),
        error=tuple(np.interp(shares, kept, error).tolist()),
        area=float(np.trapezoid(error, kept)),
    )


def rank_correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float | None:
    """Spearman's: Pearson's correlation of the ranks, ties with their mean rank. None where either is constant."""
    ranks = stats.rankdata(first), stats.rankdata(second)
    if any(np.ptp(rank) == 0 if rank.size else True for rank in ranks):
        return None
    return float(np.corrcoef(*ranks)[0, 1])


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


def entropy_histogram(entropy_nats: NDArray[np.floating], classes: int) -> NDArray[np.int64]:
    """How many cells fall in each of `ENTROPY_BINS` bins between 0 and the largest entropy of so many classes.

    The bins are equally wide in the square root of entropy: most cells are nearly certain, and would share a
    few of equal bins. Counts add up over patches.
    """
    share = np.sqrt(np.clip(entropy_nats / np.log(classes), 0, 1))
    return np.bincount(_bins(share, ENTROPY_BINS), minlength=ENTROPY_BINS).astype(np.int64)


def histogram_auroc(negatives: NDArray[np.floating], positives: NDArray[np.floating]) -> NDArray[np.float64]:
    """`auroc` from counts ``(…, bins)`` by ascending score, cells of one bin being ties; NaN without either kind."""
    below = negatives.cumsum(axis=-1) - negatives / 2
    pairs = negatives.sum(axis=-1) * positives.sum(axis=-1)
    undefined = np.full(pairs.shape, np.nan)
    return np.asarray(np.divide((below * positives).sum(axis=-1), pairs, out=undefined, where=pairs > 0))
