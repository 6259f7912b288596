"""The gate: whether a candidate is so surely better than its parent that it may take its place.

Whoever judges many candidates on the same held-out patches will in the end pass one by chance. So each look asks
for more: of the chance of error that the rule allows, 1 − confidence, the k-th look spends the share
1 / (k (k + 1)). These add up to 1, so that the chance that any candidate passes which is no better than its parent
stays below what the rule allows, however many there are. This is a union bound: looks need not be independent (the
idea of spending is that of Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials"). The first
look spends one half, which is one tail of the rule's own interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mlservice.contracts import EvaluateReport, Legend
from mlservice.intervals import Interval, Intervals, NameOf, common_keys, compare, region_gains


@dataclass(frozen=True)
class GateRule:
    """What a candidate has to show; checked where it is made.

    ``margin``: the lower bound of the gain in mIoU has to be above it. ``confidence``: the share of what chance
    could have given that an interval holds, with equal tails outside; the interval of the gain in mIoU is that of
    `confidence_at` the look, so that 1 − confidence is also the chance that any of all candidates judged on the
    same held-out patches passes without being better. ``worst_class_loss``: no class's IoU, and no region's mIoU,
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

    def confidence_at(self, look: int) -> float:
        """The confidence asked of the k-th candidate judged on the same held-out patches; the rule's of the first."""
        return 1 - 2 * (1 - self.confidence) / (look * (look + 1))


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

    ``miou`` is the gain with an interval of ``confidence``, None where nothing could be compared. All others are
    of the rule's confidence: ``classes`` are the gains in IoU of the classes that could be compared, in the
    legend's order; ``regions`` the gains in mIoU of the regions with blocks enough; ``worst`` is whichever of both
    lost most by its upper bound; ``intervals`` are those of `mlservice.intervals.compare`, of every measure of the
    report by its name. ``looks`` counts the candidates judged on these patches so far, this one included.
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
    looks: int
    confidence: float
    intervals: Intervals


def decide(
    parent: EvaluateReport,
    candidate: EvaluateReport,
    legend: Legend,
    rule: GateRule,
    *,
    block_of: NameOf | None = None,
    region_of: NameOf | None = None,
    looks: int = 1,
) -> GateVerdict:
    """The verdict on the candidate, from both reports on the same held-out patches.

    ``block_of`` and ``region_of`` name a patch key's spatial block and region; without them each patch is a block
    of its own and there are no regions. It is the ``looks``-th candidate judged on these patches, and passes only
    if the lower bound of the gain in mIoU exceeds the margin and no upper bound of a class or region lies below
    the largest loss allowed. Regions of fewer than ``smallest_blocks`` blocks, and a region that is all there is,
    are not judged. Raises ValueError for reports on different patches or fewer looks than one.
    """
    if looks < 1:
        raise ValueError(f"looks must be at least 1, got {looks}")
    keys = common_keys(parent, candidate)
    blocks = {block_of(key) if block_of else key for key in keys}
    confidence = rule.confidence_at(looks)
    if (lack := _lack(len(keys), len(blocks), rule)) is not None:
        return GateVerdict(
            False, lack, None, (), (), None, len(keys), len(blocks), rule, looks, confidence, {}
        )
    intervals = compare(parent, candidate, legend, block_of=block_of, confidence=rule.confidence)
    miou = (
        intervals
        if looks == 1
        else compare(parent, candidate, legend, block_of=block_of, confidence=confidence)
    )["miou"]
    assert miou is not None, "a patch is only in a report where a pixel of it was counted"
    gain = _named("mIoU", miou)
    classes = tuple(
        _named(c.name, iou) for c in legend.classes if (iou := intervals[f"iou.{c.value}"]) is not None
    )
    regions = _regions(parent, candidate, rule, block_of, region_of)
    worst = min((*classes, *regions), key=lambda part: part.high, default=None)
    is_lost = worst is not None and worst.high < -rule.worst_class_loss
    passed = gain.low > rule.margin and not is_lost
    likeliest = min((*classes, *regions), key=lambda part: part.value, default=None)
    reason = _sentence(gain, worst if is_lost else None, likeliest, passed, bool(regions), rule, looks)
    return GateVerdict(
        passed,
        reason,
        gain,
        classes,
        regions,
        worst,
        len(keys),
        len(blocks),
        rule,
        looks,
        confidence,
        intervals,
    )


def _regions(
    parent: EvaluateReport,
    candidate: EvaluateReport,
    rule: GateRule,
    block_of: NameOf | None,
    region_of: NameOf | None,
) -> tuple[Gain, ...]:
    """The gains of the regions that can be judged; none where all patches lie in one."""
    if region_of is None or len({region_of(key) for key in parent.patch_confusion}) < 2:
        return ()
    gains = region_gains(
        parent,
        candidate,
        region_of,
        block_of=block_of,
        smallest_blocks=rule.smallest_blocks,
        confidence=rule.confidence,
    )
    return tuple(_named(f"region {name}", interval) for name, interval in gains.items())


def _lack(patches: int, blocks: int, rule: GateRule) -> str | None:
    """What is missing before anything can be decided, in one sentence."""
    if patches < rule.smallest_patches:
        return (
            f"{patches} held-out {'patch was' if patches == 1 else 'patches were'} measured and "
            f"{rule.smallest_patches} are needed to tell a gain from chance, so approve more patches, of which about "
            "a quarter is held out: not passed."
        )
    if blocks < rule.smallest_blocks:
        return (
            f"The {patches} held-out patches lie in {blocks} block{'' if blocks == 1 else 's'} of neighbours and "
            f"{rule.smallest_blocks} blocks are needed to tell a gain from chance, so approve patches farther apart: "
            "not passed."
        )
    return None


def _named(name: str, interval: Interval) -> Gain:
    return Gain(name, interval.value, interval.low, interval.high)


def _sentence(
    miou: Gain,
    lost: Gain | None,
    likeliest: Gain | None,
    passed: bool,
    has_regions: bool,
    rule: GateRule,
    looks: int,
) -> str:
    """For example: mIoU +0.041 (90 % interval +0.012 to +0.066) and no class surely lost more than 0.02: passed."""
    level = f"{_percent(rule.confidence_at(looks))} interval {_range(miou)}"
    if looks > 1:
        level += f", as {looks} candidates were judged on these patches"
    gained = f"mIoU {miou.value:+.3f} ({level})"
    if miou.low <= rule.margin:
        gained += f" has a lower bound that is not above {rule.margin:+g}"
    if lost is not None:
        kept = f"{lost.name} lost more than {rule.worst_class_loss:g} ({lost.value:+.3f}, {_range(lost)})"
    else:
        kept = (
            f"no class{' or region' if has_regions else ''} surely lost more than {rule.worst_class_loss:g}"
        )
        if likeliest is not None and likeliest.value < -rule.worst_class_loss:
            kept += f", though {likeliest.name} may have ({likeliest.value:+.3f}, {_range(likeliest)})"
    return f"{gained} and {kept}: {'passed' if passed else 'not passed'}."


def _percent(confidence: float) -> str:
    """With as many places as what is left to 100 % needs: 90 %, 96.7 %, 99.82 %."""
    left = 100 * (1 - confidence)
    return f"{round(100 - left, max(0, math.ceil(-math.log10(left))) + 1):.12g} %"


def _range(gain: Gain) -> str:
    return f"{gain.low:+.3f} to {gain.high:+.3f}"
