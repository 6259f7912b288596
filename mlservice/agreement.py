"""How far two people agree on the masks of the same patches, from counts that add up over patches.

Masks are uint8 ``(row, col)`` of class values; 255 is unsure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlservice.contracts import UNSURE
from mlservice.metrics import BoundaryCounts, count_boundaries

Mask = NDArray[np.uint8]
PairCounts = Mapping[tuple[int, int], int]
"""Pixels by the class values that the first and the second person gave them; both were sure."""


@dataclass(frozen=True)
class PairAgreement:
    """Two masks of one patch. ``boundaries`` counts the first mask's as true, the second's as said."""

    miou: float
    pairs: dict[tuple[int, int], int]
    boundaries: BoundaryCounts


def compare(
    first: Mask, second: Mask, boundary_value: int | None, *, first_is_truth: bool = False
) -> PairAgreement:
    """The two masks beside each other. Of a truth, pixels that it leaves unsure count nowhere."""
    if first_is_truth:
        second = np.where(first == UNSURE, np.uint8(UNSURE), second)
    boundaries = BoundaryCounts()
    if boundary_value is not None:
        boundaries = count_boundaries(first, second, boundary_value)
    return PairAgreement(_miou(first, second), _pair_counts(first, second), boundaries)


def krippendorff_alpha(pairs: PairCounts) -> float | None:
    """Krippendorff's alpha for nominal data of two observers, 1 − D_o / D_e, from how often each pair of values came.

    Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability". Each pixel counts twice in the coincidences, once
    in either order. Libraries take one entry a pixel; from counts, any number of patches costs the same. None
    where all values are one: nothing could be told apart.
    """
    coincidences: dict[tuple[int, int], int] = {}
    for (a, b), count in pairs.items():
        coincidences[a, b] = coincidences.get((a, b), 0) + count
        coincidences[b, a] = coincidences.get((b, a), 0) + count
    totals: dict[int, int] = {}
    for (a, _), count in coincidences.items():
        totals[a] = totals.get(a, 0) + count
    n = sum(totals.values())
    expected = n * n - sum(count * count for count in totals.values())
    if not expected:
        return None
    observed = sum(count for (a, b), count in coincidences.items() if a != b)
    return 1 - (n - 1) * observed / expected


def class_alphas(pairs: PairCounts) -> dict[int, float | None]:
    """`krippendorff_alpha` of each class that occurs, told apart from all others together."""
    values = sorted({value for pair in pairs for value in pair})
    return {value: krippendorff_alpha(_one_against_rest(pairs, value)) for value in values}


def _one_against_rest(pairs: PairCounts, value: int) -> dict[tuple[int, int], int]:
    merged: dict[tuple[int, int], int] = {}
    for (a, b), count in pairs.items():
        key = int(a == value), int(b == value)
        merged[key] = merged.get(key, 0) + count
    return merged


def _miou(first: Mask, second: Mask) -> float:
    """The mean IoU of the classes in either mask; 1 where both are unsure everywhere.

    A pixel that one names and the other leaves unsure is in the union of its class and not in the intersection, so
    that leaving out what is hard does not count as agreeing on it.
    """
    counts = np.bincount(first.ravel().astype(np.int64) * 256 + second.ravel(), minlength=65_536)
    table = counts.reshape(256, 256)
    both = np.diag(table)[:UNSURE]
    either = (table.sum(axis=0) + table.sum(axis=1))[:UNSURE] - both
    occurs = either > 0
    return float((both[occurs] / either[occurs]).mean()) if occurs.any() else 1.0


def _pair_counts(first: Mask, second: Mask) -> dict[tuple[int, int], int]:
    sure = (first != UNSURE) & (second != UNSURE)
    codes, counts = np.unique(first[sure].astype(np.int64) * 256 + second[sure], return_counts=True)
    return {(int(code) // 256, int(code) % 256): int(n) for code, n in zip(codes, counts, strict=True)}
