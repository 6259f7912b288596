"""Measuring answers on a fixed held-out set, whether a model version or anything else gave them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mlservice.contracts import (
    UNSURE,
    EvaluateReport,
    EvaluateSpec,
    LabelledPatch,
    Legend,
    PatchSegmentation,
    PatchStatistics,
    PatchWindow,
    SegmentRequest,
)
from mlservice.errors import MethodError
from mlservice.metrics import (
    CALIBRATION_BINS,
    BoundaryCounts,
    auroc,
    calibration_surplus,
    class_calibration_errors,
    class_iou,
    class_surpluses,
    confusion_matrix,
    count_boundaries,
    entropy_histogram,
    error_retention,
    expected_calibration_error,
    mean_iou,
    pixel_accuracy,
    rank_correlation,
    reliability_curve,
)
from mlservice.objects import ObjectCounts, count_objects, parcel_values
from mlservice.token_grid import (
    CELL_PX,
    IGNORED_INDEX,
    cells_to_indices,
    indices_to_cells,
    mask_to_cells,
)

BOUNDARY_TOLERANCES_PX = (1, 2)
LEAST_SURE_SHARE = 0.25
"""Of a mask of which less is sure, such as one of single points, no boundaries and parcels are counted."""
TOLD_TOLERANCE_PX = 2
"""The tolerance of `EvaluateReport.boundary_f1`."""


class Answer(Protocol):
    """What is measured of an answer for one patch; a `PatchSegmentation` is one."""

    @property
    def mask(self) -> NDArray[np.uint8]:
        """Class values ``(rows, cols)``, unsure where no class was said."""

    @property
    def class_probabilities(self) -> NDArray[np.float32]:
        """``(classes, rows / CELL_PX, cols / CELL_PX)`` in the legend's order, calibrated."""

    @property
    def entropy_nats(self) -> NDArray[np.float32]:
        """One value a cell, higher where the cell is less certain."""

    @property
    def unparsed(self) -> NDArray[np.bool_] | None:
        """The cells whose answer was no class of the legend; None where every cell's was."""


def answers(spec: EvaluateSpec) -> Iterator[tuple[LabelledPatch, PatchSegmentation]]:
    """Every held-out patch with the model's answer; patches of one context image are asked for at once.

    Raises MethodError when there is no patch.
    """
    # torch loads with the engine: whoever only computes measures need not wait for it.
    from mlservice.segment import segment

    if not spec.patches:
        raise MethodError("There are no held-out patches to measure the model on.")
    by_image: defaultdict[int, list[LabelledPatch]] = defaultdict(list)
    for patch in spec.patches:
        by_image[id(patch.image)].append(patch)
    for patches in by_image.values():
        windows = tuple(PatchWindow(p.key, p.row, p.col, p.mask.shape[0]) for p in patches)
        request = SegmentRequest(spec.model, spec.legend, patches[0].image, windows)
        yield from zip(patches, segment(request).patches, strict=True)


def evaluate(spec: EvaluateSpec) -> EvaluateReport:
    """Measure the model on the spec's patches: see `EvaluateReport` for what each number means.

    Raises MethodError when nothing can be measured.
    """
    return evaluate_answers(spec.legend, answers(spec))


def evaluate_answers(legend: Legend, answered: Iterable[tuple[LabelledPatch, Answer]]) -> EvaluateReport:
    """Measure anything's answers, a U-Net's say, by the same code as a model version's.

    Masks are compared pixel by pixel. Calibration is measured on cells, whose truth is the class that a model
    is trained to say there (`mask_to_cells`). Patches are taken one by one and not kept. Raises MethodError
    when no pixel is sure or an answer's probabilities do not fit, ValueError when its mask does not.
    """
    tally = _Tally(legend)
    for patch, answer in answered:
        tally.add(patch, answer)
    return tally.report()


class _Tally:
    """What is summed over patches, and the cells whose order is needed at the end."""

    def __init__(self, legend: Legend) -> None:
        classes = len(legend.values)
        self.legend = legend
        self.parcels = parcel_values(legend)
        self.patch_count = self.unparsed_cells = self.cell_count = 0
        # The last column is for what was not said.
        self.confusion = np.zeros((classes, classes + 1), np.int64)
        self.cell_confusion = np.zeros((classes, classes + 1), np.int64)
        self.boundaries = dict.fromkeys(BOUNDARY_TOLERANCES_PX, BoundaryCounts())
        self.objects = ObjectCounts()
        self.surpluses = np.zeros((classes, CALIBRATION_BINS))
        self.patch_miou: dict[str, float] = {}
        self.patch_confusion: dict[str, tuple[tuple[int, ...], ...]] = {}
        self.patch_statistics: dict[str, PatchStatistics] = {}
        self.patch_entropies: list[float] = []
        self.patch_errors: list[float] = []
        self.confidences = [np.empty(0, np.float32)]
        self.entropies = [np.empty(0, np.float32)]
        self.wrongs = [np.empty(0, np.bool_)]

    def add(self, patch: LabelledPatch, answer: Answer) -> None:
        _check_probabilities(patch, answer, self.legend)
        self.patch_count += 1
        boundary, objects = self._add_shapes(patch.mask, answer.mask)
        calibration = self._add_cells(patch.mask, answer)
        counts = confusion_matrix(patch.mask, answer.mask, self.legend.values, unsaid_column=True)
        self.confusion += counts
        if not counts.any():
            return
        self.patch_miou[patch.key] = mean_iou(counts)
        self.patch_confusion[patch.key] = tuple(tuple(row) for row in counts.tolist())
        self.patch_statistics[patch.key] = PatchStatistics(
            (boundary.said, boundary.said_near_true, boundary.true, boundary.true_near_said),
            (objects.said, objects.true, objects.matched[0]),
            *calibration,
            boundary_tolerance_m=self._tolerance_m(patch),
        )

    def _add_shapes(
        self, mask: NDArray[np.uint8], said: NDArray[np.uint8]
    ) -> tuple[BoundaryCounts, ObjectCounts]:
        """The patch's own counts: of boundary pixels at the tolerance that is told, and of parcels."""
        counted = dict.fromkeys(BOUNDARY_TOLERANCES_PX, BoundaryCounts())
        if (mask != UNSURE).mean() < LEAST_SURE_SHARE:
            return BoundaryCounts(), ObjectCounts()
        boundary = self.legend.boundary_value
        if boundary is not None:
            for tolerance_px in BOUNDARY_TOLERANCES_PX:
                counted[tolerance_px] = count_boundaries(mask, said, boundary, tolerance_px)
                self.boundaries[tolerance_px] += counted[tolerance_px]
        objects = count_objects(mask, said, self.parcels)
        self.objects += objects
        return counted[TOLD_TOLERANCE_PX], objects

    def _add_cells(
        self, mask: NDArray[np.uint8], answer: Answer
    ) -> tuple[tuple[float, ...], tuple[int, ...], tuple[int, ...]]:
        """The patch's own surplus by bin of confidence, and its right and wrong cells by bin of entropy."""
        likeliest = answer.class_probabilities.argmax(axis=0)
        if answer.unparsed is not None:
            likeliest = np.where(answer.unparsed, IGNORED_INDEX, likeliest)
        self.unparsed_cells += int((likeliest == IGNORED_INDEX).sum())
        self.cell_count += likeliest.size
        cells, said = mask_to_cells(mask, self.legend), indices_to_cells(likeliest, self.legend)
        self.cell_confusion += confusion_matrix(cells, said, self.legend.values, unsaid_column=True)
        sure = cells != UNSURE
        truth = cells_to_indices(cells[sure], self.legend)
        probabilities, entropy = answer.class_probabilities[:, sure], answer.entropy_nats[sure]
        confidence, wrong = probabilities.max(axis=0), likeliest[sure] != truth
        self.surpluses += class_surpluses(probabilities, truth)
        self.confidences.append(confidence)
        self.entropies.append(entropy)
        self.wrongs.append(wrong)
        if sure.any():
            self.patch_entropies.append(float(entropy.mean()))
            self.patch_errors.append(float(wrong.mean()))
        classes = len(self.legend.values)
        return (
            tuple(calibration_surplus(confidence, ~wrong).round(4).tolist()),
            tuple(entropy_histogram(entropy[~wrong], classes).tolist()),
            tuple(entropy_histogram(entropy[wrong], classes).tolist()),
        )

    def report(self) -> EvaluateReport:
        """Raises MethodError when no pixel was sure."""
        if not self.confusion.any():
            raise MethodError(
                "Every pixel of the held-out patches is unsure, so there is nothing to measure."
            )
        confidence, entropy = np.concatenate(self.confidences), np.concatenate(self.entropies)
        wrong = np.concatenate(self.wrongs)
        retention = error_retention(entropy, wrong)
        return EvaluateReport(
            patch_count=self.patch_count,
            miou=mean_iou(self.confusion),
            iou=self._by_class(class_iou(self.confusion)),
            pixel_accuracy=pixel_accuracy(self.confusion),
            boundary_f1=self.boundaries[TOLD_TOLERANCE_PX].f1,
            boundary_f1_1px=self.boundaries[1].f1,
            object_precision=self.objects.precision,
            object_recall=self.objects.recall,
            object_f1=self.objects.f1,
            object_mean_f1=self.objects.mean_f1,
            true_objects=self.objects.true,
            said_objects=self.objects.said,
            confusion=tuple(tuple(row) for row in self.confusion[:, :-1].tolist()),
            unsaid_pixels=tuple(self.confusion[:, -1].tolist()),
            patch_miou=self.patch_miou,
            boundary_tolerance_m=self._mean_tolerance_m(),
            patch_confusion=self.patch_confusion,
            patch_statistics=self.patch_statistics,
            cell_miou=mean_iou(self.cell_confusion) if wrong.size else None,
            ece=expected_calibration_error(confidence, ~wrong),
            ece_by_class=self._class_ece(wrong.size),
            reliability=reliability_curve(confidence, ~wrong) if wrong.size else None,
            error_auroc=auroc(entropy, wrong),
            retention=retention,
            retention_area=retention.area if retention else None,
            entropy_rank_correlation=rank_correlation(
                np.array(self.patch_entropies), np.array(self.patch_errors)
            ),
            unparsed_cells=self.unparsed_cells,
            cell_count=self.cell_count,
        )

    def _tolerance_m(self, patch: LabelledPatch) -> float | None:
        """None without a boundary class or where the pixel's size is not known."""
        if patch.pixel_m is None or self.legend.boundary_value is None:
            return None
        return TOLD_TOLERANCE_PX * patch.pixel_m

    def _mean_tolerance_m(self) -> float | None:
        tolerances = [
            patch.boundary_tolerance_m
            for patch in self.patch_statistics.values()
            if patch.boundary_tolerance_m is not None
        ]
        return float(np.mean(tolerances)) if tolerances else None

    def _class_ece(self, cells: int) -> dict[int, float]:
        return self._by_class(class_calibration_errors(self.surpluses, cells)) if cells else {}

    def _by_class(self, shares: NDArray[np.float64]) -> dict[int, float]:
        """By class value, without what is not a number."""
        pairs = zip(self.legend.values, shares.tolist(), strict=True)
        return {value: share for value, share in pairs if not np.isnan(share)}


def _check_probabilities(patch: LabelledPatch, answer: Answer, legend: Legend) -> None:
    rows, cols = (side // CELL_PX for side in patch.mask.shape)
    probabilities = answer.class_probabilities
    if probabilities.shape != (len(legend.values), rows, cols) or answer.entropy_nats.shape != (rows, cols):
        raise MethodError(
            f"The answer for patch {patch.key} has class probabilities {probabilities.shape} and entropies "
            f"{answer.entropy_nats.shape}, where {len(legend.values)} classes of {rows} × {cols} cells are due."
        )
    if not (np.isfinite(probabilities).all() and np.isfinite(answer.entropy_nats).all()):
        raise MethodError(
            f"The answer for patch {patch.key} has class probabilities that are no numbers: its weights are "
            "broken, so train the model again or choose another version."
        )
