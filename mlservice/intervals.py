"""How sure a gain between two models is: intervals from a paired bootstrap over spatial blocks.

Both models answered for the same held-out patches, so a draw takes the same patches for both and what makes a
patch hard cancels out (paired bootstrap: Koehn 2004, "Statistical Significance Tests for Machine Translation
Evaluation"). Neighbouring patches are alike, so whole blocks are drawn with replacement, never patches of a
block apart (cluster bootstrap: Field and Welsh 2007, "Bootstrapping clustered data"). What is drawn again each
time is the confusion, which is pooled before IoU is taken: the mean over patches of their own IoU is another
number than the one that is reported. Intervals are percentiles of the draws (Efron and Tibshirani 1993, "An
Introduction to the Bootstrap", chapter 13), taken farther out the fewer blocks there are: those of few draws are
too narrow (the expanded percentile interval of Hesterberg 2015, "What Teachers Should Know about the Bootstrap").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

DRAWS = 2000
SEED = 0

Counts = NDArray[np.int64]
"""Pixel counts ``(patches, classes, columns)``: rows true, columns said, one column more for what was not said."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A measured value and the two percentiles of its draws that leave out equal tails."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class GainIntervals:
    """What the candidate gained over the parent: candidate less parent.

    ``iou`` has one entry a class in the order of the counts, None where a class is missing from the truth and
    from either model's answers. ``group_miou`` is the gain in mIoU within each group of patches.
    """

    miou: Interval
    iou: tuple[Interval | None, ...]
    group_miou: dict[str, Interval]
    blocks: int


def gain_intervals(
    parent: Counts,
    candidate: Counts,
    *,
    blocks: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    confidence: float = 0.9,
    draws: int = DRAWS,
    seed: int = SEED,
) -> GainIntervals:
    """Intervals for the gain in mIoU, in each class's IoU, and in mIoU within each group.

    ``parent`` and ``candidate`` count the same patches in the same order; ``blocks`` and ``groups`` name each
    patch's, and without ``blocks`` each patch is its own. The same arguments give the same intervals. Of one
    block every draw is the same, and the interval has no width: see to it that there are enough. Raises
    ValueError for arrays that do not fit or a confidence outside 0..1.
    """
    if parent.ndim != 3 or parent.shape != candidate.shape or not len(parent):
        raise ValueError(f"counts of the same patches are needed, not {parent.shape} and {candidate.shape}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    names = np.arange(len(parent)).astype(str) if blocks is None else np.asarray(blocks)
    both = np.stack([_overlaps(parent), _overlaps(candidate)])
    pooled, block_count = _by_block(both, names)
    rng = np.random.default_rng(seed)
    miou, *iou = _intervals(pooled, draws, rng, confidence)
    if miou is None:
        raise ValueError("no pixel was counted, so there is nothing to compare")
    within = {}
    for group in sorted(set(groups or ())):
        member = np.asarray(groups) == group
        part, _ = _by_block(both[:, member], names[member])
        group_miou = _intervals(part, draws, rng, confidence)[0]
        if group_miou is not None:
            within[group] = group_miou
    return GainIntervals(miou, tuple(iou), within, block_count)


def _intervals(
    pooled: Floats, draws: int, rng: np.random.Generator, confidence: float
) -> list[Interval | None]:
    """The gain in mIoU, then in each class's IoU, from overlaps ``(models, blocks, 2, classes)``."""
    tail = _tail(confidence, pooled.shape[1])
    values = _gains(pooled.sum(axis=1, keepdims=True))[0]
    gains = _gains(_redrawn(pooled, draws, rng))
    return [_interval(float(value), drawn, tail) for value, drawn in zip(values, gains.T, strict=True)]


def _tail(confidence: float, blocks: int) -> float:
    """The share of draws to leave out on each side: Φ(−√(n / (n − 1)) t), t being Student's of n − 1 degrees."""
    if blocks < 2:
        return (1 - confidence) / 2
    student = special.stdtrit(blocks - 1, (1 + confidence) / 2)
    return float(special.ndtr(-student * (blocks / (blocks - 1)) ** 0.5))


def _overlaps(counts: Counts) -> Floats:
    """``(patches, 2, classes)``: each class's intersection and union in pixels. Both add up over patches."""
    classes = counts.shape[1]
    both = np.diagonal(counts, axis1=1, axis2=2)
    either = counts[:, :, :classes].sum(axis=1) + counts.sum(axis=2) - both
    return np.stack([both, either], axis=1).astype(np.float64)


def _by_block(overlaps: Floats, names: NDArray[np.str_]) -> tuple[Floats, int]:
    """Sums of ``(models, patches, 2, classes)`` over the patches of each block, and how many blocks there are."""
    order = np.argsort(names, kind="stable")
    _, first = np.unique(names[order], return_index=True)
    return np.asarray(np.add.reduceat(overlaps[:, order], first, axis=1)), len(first)


def _redrawn(pooled: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """``(models, draws, 2, classes)``: as many blocks as there are, with replacement, the same for both models."""
    block_count = pooled.shape[1]
    times = rng.multinomial(block_count, np.full(block_count, 1 / block_count), size=draws)
    return np.asarray(np.einsum("db,mbkc->mdkc", times.astype(np.float64), pooled, optimize=True))


def _gains(overlaps: Floats) -> Floats:
    """``(draws, 1 + classes)``: the second model's gain in mIoU, then in each class's IoU; NaN where undefined."""
    both, either = overlaps[:, :, 0], overlaps[:, :, 1]
    iou = np.divide(both, either, out=np.full_like(both, np.nan), where=either > 0)
    occurs = ~np.isnan(iou)
    total = np.where(occurs, iou, 0).sum(axis=2)
    count = occurs.sum(axis=2)
    miou = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return np.column_stack([miou[1] - miou[0], iou[1] - iou[0]])


def _interval(value: float, drawn: Floats, tail: float) -> Interval | None:
    """None where the value itself is undefined; draws in which it is are left out."""
    if np.isnan(value):
        return None
    defined = drawn[~np.isnan(drawn)]
    if not defined.size:
        return Interval(value, value, value)
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(value, float(low), float(high))
