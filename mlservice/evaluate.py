"""Measuring a model version on a fixed held-out set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from mlservice.contracts import (
    EvaluateReport,
    EvaluateSpec,
    LabelledPatch,
    PatchSegmentation,
    PatchWindow,
    SegmentRequest,
)
from mlservice.errors import MethodError
from mlservice.metrics import (
    BoundaryCounts,
    auroc,
    class_iou,
    confusion_matrix,
    count_boundaries,
    expected_calibration_error,
    mean_iou,
    pixel_accuracy,
)
from mlservice.token_grid import IGNORED_INDEX, cells_to_indices, mask_to_cells


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

    Masks are compared pixel by pixel. Calibration is measured on cells, whose truth is the class that a
    model is trained to say there (`mask_to_cells`). Raises MethodError when nothing can be measured.
    """
    legend = spec.legend
    confusion = np.zeros((len(legend.values), len(legend.values)), np.int64)
    boundaries = BoundaryCounts()
    patch_miou: dict[str, float] = {}
    confidences, entropies, rights = [], [], []
    for patch, answer in answers(spec):
        counts = confusion_matrix(patch.mask, answer.mask, legend.values)
        confusion += counts
        if counts.any():
            patch_miou[patch.key] = mean_iou(counts)
        if legend.boundary_value is not None:
            boundaries += count_boundaries(patch.mask, answer.mask, legend.boundary_value)
        truth = cells_to_indices(mask_to_cells(patch.mask, legend), legend)
        sure = truth != IGNORED_INDEX
        confidences.append(answer.class_probabilities.max(axis=0)[sure])
        entropies.append(answer.entropy_nats[sure])
        rights.append((answer.class_probabilities.argmax(axis=0) == truth)[sure])
    if not confusion.any():
        raise MethodError("Every pixel of the held-out patches is unsure, so there is nothing to measure.")
    right = np.concatenate(rights)
    iou = zip(legend.values, class_iou(confusion).tolist(), strict=True)
    return EvaluateReport(
        patch_count=len(spec.patches),
        miou=mean_iou(confusion),
        iou={value: share for value, share in iou if not np.isnan(share)},
        pixel_accuracy=pixel_accuracy(confusion),
        boundary_f1=boundaries.f1,
        ece=expected_calibration_error(np.concatenate(confidences), right),
        error_auroc=auroc(np.concatenate(entropies), ~right),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        patch_miou=patch_miou,
    )
