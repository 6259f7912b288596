"""What people drew, compared and made into parcels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from annotator.inference.classes import legend_for
from annotator.models import LabelClass
from mlservice.parcel_pieces import PatchPieces

if TYPE_CHECKING:
    from mlservice.agreement import PairAgreement


def compare_masks(
    first: NDArray[np.uint8], second: NDArray[np.uint8], boundary_value: int | None, *, first_is_truth: bool
) -> PairAgreement:
    """How far two people's masks ``(row, col)`` of one patch agree."""
    from mlservice.agreement import compare

    return compare(first, second, boundary_value, first_is_truth=first_is_truth)


def agreement_alphas(
    pairs: Mapping[tuple[int, int], int],
) -> tuple[float | None, dict[int, float | None]]:
    """Krippendorff's alpha of all classes, and of each class value, from pixels by pairs of values."""
    from mlservice.agreement import class_alphas, krippendorff_alpha

    return krippendorff_alpha(pairs), class_alphas(pairs)


def reshaped_labels(
    drawn: PatchPieces,
    masks: Mapping[tuple[int, int], NDArray[np.uint8]],
    place: tuple[int, int],
    proposed: NDArray[np.uint8],
    classes: Sequence[LabelClass],
) -> frozenset[int]:
    """Which of the drawn pieces have other land than the proposal alone would have given them."""
    from mlservice.parcel_pieces import reshaped_labels as find

    return find(drawn, masks, place, proposed, legend_for(classes))


def parcel_pieces(
    masks: Mapping[tuple[int, int], NDArray[np.uint8]], place: tuple[int, int], classes: Sequence[LabelClass]
) -> PatchPieces:
    """What the patch at tile ``(x, y)`` holds of each parcel, from its mask and those of the patches around it."""
    from mlservice.parcel_pieces import patch_pieces

    return patch_pieces(masks, place, legend_for(classes))
