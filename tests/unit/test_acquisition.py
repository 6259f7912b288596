"""The queue's order: most uncertain first, or spread over the land."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlservice.acquisition import (
    balanced_worth,
    cell_margin,
    draw_points,
    rank_by_diversity,
    rank_by_entropy,
    spread_order,
)

tiles = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 1 << 20)), max_size=60, unique=True)


def test_the_most_uncertain_patch_comes_first_and_level_ones_follow_their_keys():
    ranking = rank_by_entropy(np.array([0.2, 0.9, 0.2, 0.5]), ["d", "c", "b", "a"])
    assert ranking.keys == ("c", "a", "b", "d")
    assert ranking.scores.tolist() == [0.9, 0.5, 0.2, 0.2]


@given(st.dictionaries(st.text("0123", min_size=1, max_size=8), st.floats(0, 3), max_size=30), st.randoms())
def test_the_ranking_does_not_depend_on_the_order_it_was_given(entropies, random):
    keys = list(entropies)
    shuffled = random.sample(keys, len(keys))
    ranking = rank_by_entropy(np.array([entropies[k] for k in keys], dtype=float), keys)
    assert (
        rank_by_entropy(np.array([entropies[k] for k in shuffled], dtype=float), shuffled).keys
        == ranking.keys
    )
    assert sorted(ranking.keys) == sorted(keys)
    assert (np.diff(ranking.scores) <= 0).all()


def test_a_missing_or_extra_entropy_is_refused():
    with pytest.raises(ValueError, match="finite"):
        rank_by_entropy(np.array([0.1, np.nan]), ["a", "b"])
    with pytest.raises(ValueError, match="one entropy a key"):
        rank_by_entropy(np.array([0.1]), ["a", "b"])


@given(tiles, st.integers(0, 1000))
def test_every_tile_has_one_place_in_the_spread_order(xy, seed):
    order = spread_order(np.array(xy, dtype=np.int64).reshape(-1, 2), seed)
    assert sorted(order.tolist()) == list(range(len(xy)))


@given(tiles, st.integers(0, 1000), st.tuples(st.integers(0, 1 << 8), st.integers(0, 1 << 8)))
def test_the_order_is_the_same_wherever_the_land_lies(xy, seed, shift):
    here = np.array(xy, dtype=np.int64).reshape(-1, 2)
    assert spread_order(here, seed).tolist() == spread_order(here + shift, seed).tolist()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("halvings", [1, 2, 3])
def test_the_first_tiles_each_lie_in_another_part_of_the_land(seed, halvings):
    side = 16
    xy = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) + 5000
    first = xy[spread_order(xy, seed)[: 4**halvings]] - 5000
    parts = {tuple(part) for part in (first // (side >> halvings)).tolist()}
    assert len(parts) == 4**halvings


def test_seeds_begin_in_different_places():
    xy = np.stack(np.meshgrid(np.arange(8), np.arange(8)), axis=-1).reshape(-1, 2)
    assert len({int(spread_order(xy, seed)[0]) for seed in range(10)}) > 3


def test_no_tiles_have_an_empty_order_and_one_tile_comes_first():
    assert spread_order(np.empty((0, 2), np.int64)).tolist() == []
    assert spread_order(np.array([[7, 7]])).tolist() == [0]


def test_diverse_patches_are_uncertain_and_unlike_one_another():
    entropy = np.array([0.5, 1.0, 0.99, 0.6])
    like = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.6, 0.8]])
    # The second most uncertain patch looks just like the first, so it is the last one to be asked for.
    assert rank_by_diversity(entropy, like, 4).tolist() == [1, 0, 3, 2]
    assert rank_by_diversity(entropy, like, 2).tolist() == [1, 0]


def test_the_margin_is_one_where_two_classes_are_level():
    probabilities = np.array([[1.0, 0.5, 0.4], [0.0, 0.5, 0.35], [0.0, 0.0, 0.25]])
    np.testing.assert_allclose(cell_margin(probabilities), [0, 1, 0.95])


def test_points_are_drawn_in_proportion_to_their_worth():
    worth = np.array([[0.0, 1.0], [3.0, 0.0]])
    first = [draw_points(worth, 1, np.random.default_rng(seed))[0] for seed in range(400)]
    assert set(first) == {1, 2}
    assert 0.68 < np.mean(np.array(first) == 2) < 0.82
    everything = draw_points(worth, 10, np.random.default_rng(0))
    assert sorted(everything.tolist()) == [1, 2]


@pytest.mark.parametrize("worth", [np.array([1.0, np.nan]), np.array([1.0, -0.1]), np.array([np.inf])])
def test_a_worth_that_is_no_weight_is_refused(worth):
    with pytest.raises(ValueError, match="worth"):
        draw_points(worth, 1, np.random.default_rng(0))


def test_a_rare_class_is_worth_more_than_a_common_one():
    said = np.array([0] * 99 + [1])
    worth = balanced_worth(np.full(100, 0.5), said, 3)
    assert worth[99] == pytest.approx(worth[0] * np.sqrt(99))
    assert balanced_worth(np.zeros(100), said, 3).sum() == 0
