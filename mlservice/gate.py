"""The gate: whether a candidate is so surely better than its parent that it may take its place."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mlservice.contracts import EvaluateReport, Legend
from mlservice.intervals import Counts, GainIntervals, Interval, gain_intervals


@dataclass(frozen=True)
class GateRule:
    """What a candidate has to show; checked where it is made.

    ``margin``: the lower bound of the gain in mIoU has to be above it. ``confidence``: the share of the draws
    that an interval holds, with equal tails outside. ``worst_class_loss``: no class's IoU, and no region's mIoU,
    may surely have lost more than this. ``smallest_patches`` and ``smallest_blocks``: what is measured on less
    decides nothing. Raises ValueError, naming the field, when a value is out of its range.
    """

    margin: float = 0.0
    confidence: float = 0.9
    worst_class_loss: float = 0.02
    smallest_patches: int = 10
    smallest_blocks: int = 5

    def __post_init__(self) -> None:
        for name, low, high in (
            ("margin", -1.0, 1.0),
            ("confidence", 0.5, 0.999),
            ("worst_class_loss", 0.0, 1.0),
        ):
            value = getattr(self, name)
            if type(value) not in (int, float) or not math.isfinite(value):
                raise ValueError(f"{name} must be a number")
            if not low <= value <= high:
                raise ValueError(f"{name} must be between {low:g} and {high:g}, got {value:g}")
        for name in ("smallest_patches", "smallest_blocks"):
            value = getattr(self, name)
            if type(value) is not int:
                raise ValueError(f"{name} must be a whole number")
            # Of one block every draw is the same, and its interval would have no width.
            if not 2 <= value <= 100_000:
                raise ValueError(f"{name} must be between 2 and 100000, got {value}")
        if self.smallest_blocks > self.smallest_patches:
            raise ValueError("smallest_blocks must not be above smallest_patches")


@dataclass(frozen=True)
class Gain:
    """A gain with its interval, of what ``name`` says."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class GateVerdict:
    """Whether the candidate passed and, in one plain sentence with its figures, why.

    ``miou`` is None where nothing could be compared. ``classes`` are the gains in IoU of the classes that could
    be, in the legend's order; ``regions`` the gains in mIoU of the regions with blocks enough. ``worst`` is
    whichever of both lost most by its upper bound.
    """

    passed: bool
    reason: str
    miou: Gain | None
    classes: tuple[Gain, ...]
    regions: tuple[Gain, ...]
    worst: Gain | None
    patch_count: int
    block_count: int
    rule: GateRule


def decide(
    parent: EvaluateReport,
    candidate: EvaluateReport,
    legend: Legend,
    rule: GateRule,
    *,
    block_of: Callable[[str], str] | None = None,
    region_of: Callable[[str], str] | None = None,
) -> GateVerdict:
    """The verdict on the candidate, from both reports on the same held-out patches.

    ``block_of`` and ``region_of`` name a patch key's spatial block and region; without them each patch is a block
    of its own and there are no regions. It passes only if the lower bound of the gain in mIoU exceeds the margin
    and no upper bound of a class or region lies below the largest loss allowed. Regions of fewer than
    ``smallest_blocks`` blocks are not judged. Raises ValueError for reports on different patches.
    """
    keys = _common_keys(parent.patch_confusion, candidate.patch_confusion)
    blocks = [block_of(key) if block_of else key for key in keys]
    if (lack := _lack(len(keys), len(set(blocks)), rule)) is not None:
        return GateVerdict(False, lack, None, (), (), None, len(keys), len(set(blocks)), rule)
    regions = _judgeable_regions(keys, blocks, region_of, rule)
    gains = gain_intervals(
        _counts(parent, keys),
        _counts(candidate, keys),
        blocks=blocks,
        groups=regions,
        confidence=rule.confidence,
    )
    return _judge(gains, legend, rule, len(keys))


def _common_keys(parent: Mapping[str, object], candidate: Mapping[str, object]) -> list[str]:
    if parent.keys() != candidate.keys():
        raise ValueError("parent and candidate must be measured on the same patches to be compared")
    return sorted(parent)


def _counts(report: EvaluateReport, keys: list[str]) -> Counts:
    return np.array([report.patch_confusion[key] for key in keys], np.int64)


def _lack(patches: int, blocks: int, rule: GateRule) -> str | None:
    """What is missing before anything can be decided."""
    if patches < rule.smallest_patches:
        what = "patch was" if patches == 1 else "patches were"
        return (
            f"{patches} held-out {what} measured and {rule.smallest_patches} are needed to tell a gain from chance: "
            "not passed. Approve more patches; about a quarter of them is held out."
        )
    if blocks < rule.smallest_blocks:
        return (
            f"The {patches} held-out patches lie in {blocks} block{'' if blocks == 1 else 's'} of neighbours and "
            f"{rule.smallest_blocks} blocks are needed to tell a gain from chance: not passed. Approve patches "
            "farther apart."
        )
    return None


def _judgeable_regions(
    keys: list[str], blocks: list[str], region_of: Callable[[str], str] | None, rule: GateRule
) -> list[str] | None:
    """Each patch's region, "" where it has too few blocks; None where fewer than two regions can be judged."""
    if region_of is None:
        return None
    regions = [region_of(key) for key in keys]
    blocks_in = {
        region: len({block for block, other in zip(blocks, regions, strict=True) if other == region})
        for region in set(regions)
    }
    large = {region for region, count in blocks_in.items() if count >= rule.smallest_blocks}
    return [region if region in large else "" for region in regions] if len(blocks_in) > 1 and large else None


def _judge(gains: GainIntervals, legend: Legend, rule: GateRule, patches: int) -> GateVerdict:
    miou = _named("mIoU", gains.miou)
    classes = tuple(
        _named(c.name, interval) for c, interval in zip(legend.classes, gains.iou, strict=True) if interval
    )
    regions = tuple(_named(f"region {name}", interval) for name, interval in gains.group_miou.items() if name)
    worst = min((*classes, *regions), key=lambda gain: gain.high, default=None)
    is_lost = worst is not None and worst.high < -rule.worst_class_loss
    passed = miou.low > rule.margin and not is_lost
    return GateVerdict(
        passed,
        _sentence(miou, worst if is_lost else None, passed, bool(regions), rule),
        miou,
        classes,
        regions,
        worst,
        patches,
        gains.blocks,
        rule,
    )


def _named(name: str, interval: Interval) -> Gain:
    return Gain(name, interval.value, interval.low, interval.high)


def _sentence(miou: Gain, lost: Gain | None, passed: bool, has_regions: bool, rule: GateRule) -> str:
    """For example: mIoU +0.041 (90 % interval +0.012 to +0.066), no class lost more than 0.02: passed."""
    parts = [f"mIoU {miou.value:+.3f} ({100 * rule.confidence:g} % interval {_range(miou)})"]
    if miou.low <= rule.margin:
        parts.append(f"the lower bound is not above {rule.margin:+g}")
    if lost is not None:
        parts.append(
            f"{lost.name} lost more than {rule.worst_class_loss:g} ({lost.value:+.3f}, {_range(lost)})"
        )
    else:
        parts.append(
            f"no class{' or region' if has_regions else ''} lost more than {rule.worst_class_loss:g}"
        )
    return f"{', '.join(parts)}: {'passed' if passed else 'not passed'}."


def _range(gain: Gain) -> str:
    return f"{gain.low:+.3f} to {gain.high:+.3f}"
