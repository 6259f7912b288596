"""The report's measures from sums over any patches: what a bootstrap takes thousands of times without scoring again.

A row of sums holds, one after the other, each class's intersection and union in pixels and all pixels counted,
then `PatchStatistics` in the order of its fields. Rows add up over patches, and the measures of the sum of all
patches are those of the report, but for the AUROC, which is of binned entropy here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlservice.contracts import EvaluateReport, PatchStatistics
from mlservice.metrics import CALIBRATION_BINS, ENTROPY_BINS, histogram_auroc

Floats = NDArray[np.float64]
STATISTICS_SIZES = (4, 3, CALIBRATION_BINS, ENTROPY_BINS, ENTROPY_BINS)
NOTHING = np.zeros(sum(STATISTICS_SIZES))


def overlaps(confusions: NDArray[np.int64]) -> Floats:
    """``(patches, 2 classes + 1)`` from pixel counts ``(patches, classes, classes + 1)``, rows true, columns said."""
    classes = confusions.shape[1]
    both = np.diagonal(confusions, axis1=1, axis2=2)
    either = confusions[:, :, :classes].sum(axis=1) + confusions.sum(axis=2) - both
    return np.column_stack([both, either, confusions.sum(axis=(1, 2))]).astype(np.float64)


def patch_sums(report: EvaluateReport, keys: Sequence[str]) -> Floats:
    """A row of sums for each of the patches; zeros for what the report has no statistics of."""
    confusions = np.array([report.patch_confusion[key] for key in keys], np.int64)
    statistics = np.array([_row(report.patch_statistics.get(key)) for key in keys])
    return np.concatenate([overlaps(confusions), statistics], axis=1)


def _row(statistics: PatchStatistics | None) -> Floats:
    if statistics is None:
        return NOTHING
    return np.concatenate(
        [
            statistics.boundary,
            statistics.objects,
            statistics.surplus,
            statistics.right_cells,
            statistics.wrong_cells,
        ]
    )


def overlap_measures(sums: Floats) -> Floats:
    """mIoU and each class's IoU, ``(…, 1 + classes)``, from overlaps ``(…, 2 classes + 1)``; NaN if undefined."""
    both, either = np.split(sums[..., :-1], 2, axis=-1)
    iou = _ratio(both, either)
    occurs = ~np.isnan(iou)
    miou = _ratio(np.where(occurs, iou, 0).sum(axis=-1), occurs.sum(axis=-1))
    return np.concatenate([miou[..., None], iou], axis=-1)


STATISTICS_MEASURES = (
    "pixel_accuracy",
    "boundary_f1",
    "object_precision",
    "object_recall",
    "object_f1",
    "ece",
    "error_auroc",
)
"""What `all_measures` has after mIoU and the classes, by the names of the report's fields."""


def all_measures(sums: Floats) -> Floats:
    """`overlap_measures` and then `STATISTICS_MEASURES`, from whole rows of sums; NaN where undefined."""
    classes2 = sums.shape[-1] - NOTHING.size
    overlap, boundary, objects, surplus, right, wrong = np.split(
        sums, np.cumsum([classes2, *STATISTICS_SIZES[:-1]]), axis=-1
    )
    said, said_near, true, true_near = np.moveaxis(boundary, -1, 0)
    objects_said, objects_true, matched = np.moveaxis(objects, -1, 0)
    cells = right.sum(axis=-1) + wrong.sum(axis=-1)
    others = [
        _ratio(overlap[..., : classes2 // 2].sum(axis=-1), overlap[..., -1]),
        _f1(_ratio(said_near, said), _ratio(true_near, true)),
        _ratio(matched, objects_said),
        _ratio(matched, objects_true),
        _ratio(2 * matched, objects_said + objects_true),
        _ratio(np.abs(surplus).sum(axis=-1), cells),
        histogram_auroc(right, wrong),
    ]
    return np.concatenate([overlap_measures(overlap), np.stack(others, axis=-1)], axis=-1)


def _f1(precision: Floats, recall: Floats) -> Floats:
    """The harmonic mean; 0 where one of the two is undefined, as `BoundaryCounts.f1` has it, NaN where both are."""
    neither = np.isnan(precision) & np.isnan(recall)
    precision, recall = np.nan_to_num(precision), np.nan_to_num(recall)
    f1 = np.nan_to_num(_ratio(2 * precision * recall, precision + recall))
    return np.where(neither, np.nan, f1)


def _ratio(part: NDArray[np.generic], whole: NDArray[np.generic]) -> Floats:
    """NaN where the whole is 0."""
    undefined = np.full(np.shape(whole), np.nan)
    return np.asarray(np.divide(part, whole, out=undefined, where=np.asarray(whole) > 0))
