"""How sure a gain between two models is: intervals from a paired bootstrap over spatial blocks.

Both models answered for the same held-out patches, so a draw takes the same patches for both and what makes a
patch hard cancels out (paired bootstrap: Koehn 2004, "Statistical Significance Tests for Machine Translation
Evaluation"). Neighbouring patches are alike, so whole blocks are drawn with replacement, never patches of a
block apart (cluster bootstrap: Field and Welsh 2007, "Bootstrapping clustered data"). What is drawn again each
time are sums over patches (`mlservice.patch_sums`), which are pooled before a measure is taken: the mean over
patches of their own IoU is another number than the one that is reported.

Each bound is the farther of two. One is a percentile of the draws (Efron and Tibshirani 1993, "An Introduction to
the Bootstrap", chapter 13), taken farther out the fewer blocks there are, since draws of few are too alike (the
expanded percentile interval of Hesterberg 2015, "What Teachers Should Know about the Bootstrap"). The other is
Student's with the standard error of the draws (Hesterberg's t interval with bootstrap standard error): no draw
lies beyond the worst block, so that percentiles of few blocks stop short of a high confidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mlservice.contracts import EvaluateReport, Legend
from mlservice.patch_sums import (
    NOTHING,
    STATISTICS_MEASURES,
    Floats,
    all_measures,
    overlap_measures,
    patch_sums,
)

DRAWS = 2000
SEED = 0
LARGEST_TABLE = 4_000_000
"""How often each block comes is drawn for as many draws at once as fit in so many numbers."""


@dataclass(frozen=True)
class Interval:
    """A measured value and the bounds that leave out equal tails."""

    value: float
    low: float
    high: float


Intervals = dict[str, Interval | None]
NameOf = Callable[[str], str]


def compare(
    parent: EvaluateReport,
    candidate: EvaluateReport,
    legend: Legend,
    *,
    block_of: NameOf | None = None,
    confidence: float = 0.9,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Intervals:
    """Intervals for candidate less parent of every measure, by the name of the report's field.

    ``miou``, ``iou.VALUE`` of each class and `STATISTICS_MEASURES`. Of ``ece`` less is better, of all others more.
    None stands where either report has no such measure. ``block_of`` names a patch key's spatial block; without
    it each patch is its own. All of them come from the same draws, and the same arguments give the same
    intervals. The interval of ``error_auroc`` is that of binned entropy about the exact gain. Raises ValueError for
    reports on different patches.
    """
    keys = common_keys(parent, candidate)
    gains = gain_intervals(
        patch_sums(parent, keys),
        patch_sums(candidate, keys),
        all_measures,
        blocks=_names(keys, block_of),
        confidence=confidence,
        draws=draws,
        seed=seed,
    )
    names = ("miou", *(f"iou.{value}" for value in legend.values), *STATISTICS_MEASURES)
    by_name = dict(zip(names, gains, strict=True))
    before, after = parent.error_auroc, candidate.error_auroc
    if before is None or after is None:
        return by_name | {"error_auroc": None}
    return by_name | {"error_auroc": _moved(by_name["error_auroc"], after - before)}


def region_gains(
    parent: EvaluateReport,
    candidate: EvaluateReport,
    region_of: NameOf,
    *,
    block_of: NameOf | None = None,
    smallest_blocks: int = 2,
    confidence: float = 0.9,
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, Interval]:
    """The gain in mIoU within each region of at least so many blocks. Raises ValueError as `compare` does."""
    keys = np.array(common_keys(parent, candidate))
    blocks, regions = np.array(_names(keys, block_of)), np.array(_names(keys, region_of))
    result = {}
    for region in np.unique(regions).tolist():
        inside = regions == region
        if len(np.unique(blocks[inside])) < smallest_blocks:
            continue
        miou, *_ = gain_intervals(
            patch_sums(parent, keys[inside])[:, : -NOTHING.size],
            patch_sums(candidate, keys[inside])[:, : -NOTHING.size],
            overlap_measures,
            blocks=blocks[inside],
            confidence=confidence,
            draws=draws,
            seed=seed,
        )
        if miou is not None:
            result[region] = miou
    return result


def common_keys(parent: EvaluateReport, candidate: EvaluateReport) -> list[str]:
    """The keys of the patches that both measured. Raises ValueError where only one measured some."""
    if parent.patch_confusion.keys() != candidate.patch_confusion.keys():
        raise ValueError("parent and candidate must be measured on the same patches to be compared")
    return sorted(parent.patch_confusion)


def gain_intervals(
    parent: Floats,
    candidate: Floats,
    measure: Callable[[Floats], Floats],
    *,
    blocks: Sequence[str] | NDArray[np.str_] | None = None,
    confidence: float = 0.9,
    draws: int = DRAWS,
    seed: int = SEED,
) -> list[Interval | None]:
    """An interval for the gain in each of the values that ``measure`` takes of sums; None where it is undefined.

    ``parent`` and ``candidate`` are sums ``(patches, columns)`` of the same patches in the same order, and
    ``measure`` makes ``(…, values)`` of ``(…, columns)``. Memory does not grow with patches times draws. Of one
    block every draw is the same, and the interval has no width: see to it that there are enough. Raises
    ValueError for sums that do not fit or a confidence outside 0..1.
    """
    if parent.ndim != 2 or parent.shape != candidate.shape or not len(parent):
        raise ValueError(f"sums of the same patches are needed, not {parent.shape} and {candidate.shape}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    names = np.arange(len(parent)).astype(str) if blocks is None else np.asarray(blocks)
    pooled = _by_block(np.stack([parent, candidate]), names)
    values = _gain(measure(pooled.sum(axis=1)))
    drawn = _gain(measure(_redrawn(pooled, draws, np.random.default_rng(seed))))
    reach = _reach(confidence, pooled.shape[1])
    return [_interval(float(value), gains, reach) for value, gains in zip(values, drawn.T, strict=True)]


def _names(keys: Sequence[str] | NDArray[np.str_], name_of: NameOf | None) -> list[str]:
    return [name_of(key) if name_of else key for key in map(str, keys)]


def _gain(measured: Floats) -> Floats:
    """The second model's values less the first's."""
    return np.asarray(measured[1] - measured[0])


def _by_block(sums: Floats, names: NDArray[np.str_]) -> Floats:
    """``(models, blocks, columns)``: the sums over the patches of each block."""
    order = np.argsort(names, kind="stable")
    _, first = np.unique(names[order], return_index=True)
    return np.asarray(np.add.reduceat(sums[:, order], first, axis=1))


def _redrawn(pooled: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """``(models, draws, columns)``: as many blocks as there are, with replacement, the same for both models."""
    blocks = pooled.shape[1]
    at_once = max(1, LARGEST_TABLE // blocks)
    sums = []
    for done in range(0, draws, at_once):
        times = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=min(at_once, draws - done))
        sums.append(times.astype(np.float64) @ pooled)
    return np.concatenate(sums, axis=1)


@dataclass(frozen=True)
class _Reach:
    """How far out bounds lie: a tail of the draws to leave out, and standard errors of the draws."""

    tail: float
    errors: float


def _reach(confidence: float, blocks: int) -> _Reach:
    """The tail is Φ(−√(n / (n − 1)) t) and the errors √(n / (n − 1)) t, t being Student's of n − 1 degrees."""
    if blocks < 2:
        return _Reach((1 - confidence) / 2, 0.0)
    errors = float(special.stdtrit(blocks - 1, (1 + confidence) / 2) * (blocks / (blocks - 1)) ** 0.5)
    return _Reach(float(special.ndtr(-errors)), errors)


def _interval(value: float, drawn: Floats, reach: _Reach) -> Interval | None:
    """None where the value itself is undefined; draws in which it is are left out."""
    if np.isnan(value):
        return None
    defined = drawn[~np.isnan(drawn)]
    if not defined.size:
        return Interval(value, value, value)
    low, high = np.quantile(defined, [reach.tail, 1 - reach.tail])
    error = reach.errors * float(defined.std())
    return Interval(value, min(float(low), value - error), max(float(high), value + error))


def _moved(interval: Interval | None, value: float) -> Interval | None:
    """The interval about another value."""
    if interval is None:
        return None
    by = value - interval.value
    return Interval(value, interval.low + by, interval.high + by)
