"""Paired intervals have the answers that can be known beforehand, and cover what they claim to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mlservice import intervals
from mlservice.intervals import Interval, gain_intervals
from mlservice.metrics import class_iou, mean_iou
from mlservice.patch_sums import overlap_measures, overlaps

SIDE_PX = 16


def gains_of(parent: np.ndarray, candidate: np.ndarray, **more: object) -> list[Interval | None]:
    """The gain in mIoU and then in each class's IoU, from counts of pixels."""
    return gain_intervals(overlaps(parent), overlaps(candidate), overlap_measures, **more)


def counts_of(right: np.ndarray) -> np.ndarray:
    """Counts ``(patches, 2, 3)`` of two equally frequent classes, of which that share is right in each patch."""
    pixels = SIDE_PX**2 // 2
    hits = np.rint(right * pixels).astype(np.int64)
    counts = np.zeros((len(right), 2, 3), np.int64)
    for value in (0, 1):
        counts[:, value, value], counts[:, value, 1 - value] = hits, pixels - hits
    return counts


confusions = npst.arrays(np.int64, (6, 3, 4), elements=st.integers(0, 50))


@given(confusions)
def test_a_model_gains_nothing_over_itself(counts: np.ndarray) -> None:
    counts[0, 0, 0] += 1
    gains = gains_of(counts, counts.copy(), draws=50)
    assert all(gain == Interval(0, 0, 0) for gain in gains if gain is not None)
    assert gains[0] is not None


@given(confusions, confusions)
def test_the_values_are_those_of_the_pooled_confusion_and_lie_in_their_interval(
    parent: np.ndarray, candidate: np.ndarray
) -> None:
    for counts in (parent, candidate):
        counts[0, 0, 0] += 1
    miou, *iou = gains_of(parent, candidate, draws=50)
    before, after = parent.sum(axis=0), candidate.sum(axis=0)
    assert miou.value == pytest.approx(mean_iou(after) - mean_iou(before))
    for interval, change in zip(iou, class_iou(after) - class_iou(before), strict=True):
        assert (interval is None) == np.isnan(change)
        assert interval is None or interval.value == pytest.approx(change)
        assert interval is None or interval.low <= interval.value <= interval.high


def test_a_model_that_is_better_everywhere_is_surely_better() -> None:
    right = np.random.default_rng(1).uniform(0.5, 0.8, 12)
    gain = gains_of(counts_of(right), counts_of(right + 0.1))[0]
    assert 0 < gain.low < gain.value < gain.high
    backwards = gains_of(counts_of(right + 0.1), counts_of(right))[0]
    assert backwards.high < 0


def test_pairing_sees_a_gain_that_is_small_beside_the_differences_between_patches() -> None:
    right = np.linspace(0.1, 0.9, 20)
    assert gains_of(counts_of(right), counts_of(right + 0.03))[0].low > 0


def test_neighbours_that_are_alike_make_a_wider_interval_than_as_many_strangers() -> None:
    rng = np.random.default_rng(2)
    gain_of_block = np.repeat(rng.normal(0.02, 0.05, 10), 4)
    right = np.full(40, 0.6)
    blocks = [f"block {i // 4}" for i in range(40)]
    apart = gains_of(counts_of(right), counts_of(right + gain_of_block))[0]
    together = gains_of(counts_of(right), counts_of(right + gain_of_block), blocks=blocks)[0]
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_a_higher_confidence_reaches_farther_even_where_no_draw_does() -> None:
    right = np.full(5, 0.6)
    better = right + np.array([0.01, 0.02, 0.03, 0.02, 0.04])
    lows = [gains_of(counts_of(right), counts_of(better), confidence=c)[0].low for c in (0.9, 0.99, 0.999)]
    # Every block gained, so no draw is below 0; five such signs alone come by chance once in 32 times.
    assert lows[0] > 0 > lows[2]
    assert lows == sorted(lows, reverse=True)


def test_a_class_in_one_patch_only_has_its_own_change_and_no_class_has_none() -> None:
    parent = np.zeros((8, 3, 4), np.int64)
    parent[:, 0, 0] = 100
    parent[3, 1, 0], parent[3, 1, 1] = 50, 50
    candidate = parent.copy()
    candidate[3, 1] = [0, 100, 0, 0]
    gains = gains_of(parent, candidate)
    assert gains[2] == Interval(0.5, 0.5, 0.5)
    assert gains[3] is None


def test_the_same_arguments_give_the_same_interval() -> None:
    rng = np.random.default_rng(3)
    parent, candidate = (counts_of(rng.uniform(0.4, 0.9, 9)) for _ in range(2))
    assert gains_of(parent, candidate) == gains_of(parent, candidate)
    assert gains_of(parent, candidate, seed=1) != gains_of(parent, candidate)


def test_draws_in_parts_are_the_same_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    parent, candidate = (counts_of(rng.uniform(0.4, 0.9, 9)) for _ in range(2))
    whole = gains_of(parent, candidate)
    monkeypatch.setattr(intervals, "LARGEST_TABLE", 100)
    assert gains_of(parent, candidate) == whole


@pytest.mark.parametrize("blocks", [5, 20])
def test_intervals_cover_the_true_gain_about_as_often_as_they_say(blocks: int) -> None:
    """Of 200 experiments: nine tenths of them, give or take three standard errors of 0.021."""
    rng = np.random.default_rng(4)
    everything = rng.normal(0.03, 0.05, 100_000)
    right = np.full(blocks, 0.6)
    true_gain = gains_of(counts_of(np.full(100_000, 0.6)), counts_of(0.6 + everything), draws=1)[0].value
    covered = 0
    for _ in range(200):
        drawn = counts_of(right + rng.choice(everything, blocks))
        interval = gains_of(counts_of(right), drawn, draws=300)[0]
        covered += interval.low <= true_gain <= interval.high
    assert 0.84 <= covered / 200 <= 0.96


@pytest.mark.parametrize(
    ("parent", "candidate", "more", "words"),
    [
        (np.zeros((2, 2, 3), np.int64), np.zeros((3, 2, 3), np.int64), {}, "same patches"),
        (np.zeros((0, 2, 3), np.int64), np.zeros((0, 2, 3), np.int64), {}, "same patches"),
        (counts_of(np.ones(2)), counts_of(np.ones(2)), {"confidence": 1.0}, "between 0 and 1"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    parent: np.ndarray, candidate: np.ndarray, more: dict[str, float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        gains_of(parent, candidate, **more)
