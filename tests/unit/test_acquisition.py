"""The queue's order: most uncertain first, or spread over the land."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlservice.acquisition import (
    balanced_worth,
    boundary_error,
    cell_margin,
    chance_of,
    distance_to_nearest,
    draw_points,
    half_by_chance,
    interleave,
    novel_beyond,
    order_by_worth,
    patch_worths,
    rank_by_diversity,
    spread_order,
    top_entropy,
    weighted_entropies,
)

tiles = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 1 << 20)), max_size=60, unique=True)


def test_the_worthiest_patch_comes_first_and_level_ones_follow_their_keys():
    assert order_by_worth(np.array([0.2, 0.9, 0.2, 0.5]), ["d", "c", "b", "a"]).tolist() == [1, 3, 2, 0]


@given(st.dictionaries(st.text("0123", min_size=1, max_size=8), st.floats(0, 3), max_size=30), st.randoms())
def test_the_order_does_not_depend_on_the_order_it_was_given(worths, random):
    keys = list(worths)
    shuffled = random.sample(keys, len(keys))

    def ordered(names):
        order = order_by_worth(np.array([worths[k] for k in names], dtype=float), names)
        return [names[i] for i in order]

    assert ordered(keys) == ordered(shuffled)
    assert sorted(ordered(keys)) == sorted(keys)
    assert (np.diff([worths[k] for k in ordered(keys)]) <= 0).all()


def test_a_missing_or_extra_worth_is_refused():
    with pytest.raises(ValueError, match="finite"):
        order_by_worth(np.array([0.1, np.nan]), ["a", "b"])
    with pytest.raises(ValueError, match="one worth a key"):
        order_by_worth(np.array([0.1]), ["a", "b"])


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


def test_a_small_doubtful_place_counts_in_the_top_and_not_in_the_mean():
    sure_but_for_a_corner = np.zeros((10, 10))
    sure_but_for_a_corner[:2, :5] = 1.0
    evenly = np.full((10, 10), 0.2)
    assert sure_but_for_a_corner.mean() < evenly.mean()
    assert top_entropy(sure_but_for_a_corner) == pytest.approx(1.0)
    assert top_entropy(evenly) == pytest.approx(0.2)
    assert top_entropy(np.array([[0.1, 0.9]]), share=0.01) == pytest.approx(0.9), "at least one cell"


def test_the_boundary_error_counts_doubts_along_outlines_only():
    probabilities = np.zeros((2, 4, 6))
    probabilities[0, :, :3], probabilities[1, :, 3:] = 0.9, 0.9
    probabilities[1, :, :3], probabilities[0, :, 3:] = 0.1, 0.1
    assert boundary_error(probabilities) == pytest.approx(8 * 0.1 / 24), "two columns lie along the outline"
    doubtful = probabilities.copy()
    doubtful[:, :, 0] = 0.5
    assert boundary_error(doubtful) == pytest.approx(8 * 0.1 / 24), "the doubt lies inside a field"
    assert boundary_error(np.full((1, 4, 4), 1.0)) == 0


def test_doubts_about_a_rare_class_weigh_more_and_the_scale_stays():
    cells = np.array([[99, 1], [100, 0]])
    entropies = np.array([[0.0, 0.5], [0.5, 0.0]])
    worth = weighted_entropies(cells, entropies)
    assert worth[0] > worth[1], "the same doubt, about the rare class and about the common one"
    level = weighted_entropies(cells, cells * 0.3)
    assert np.average(level, weights=cells.sum(axis=1)) == pytest.approx(0.3)
    assert weighted_entropies(np.zeros((1, 2), int), np.zeros((1, 2))).tolist() == [0]


def test_the_measures_of_an_answer_agree_with_its_entropies():
    rng = np.random.default_rng(3)
    probabilities = rng.dirichlet(np.ones(3), size=(8, 8)).transpose(2, 0, 1)
    entropy = -(probabilities * np.log(probabilities)).sum(axis=0)
    worths = patch_worths(probabilities, entropy)
    assert sum(worths.class_cells) == 64
    assert sum(worths.class_entropy_nats) / 64 == pytest.approx(entropy.mean())
    assert worths.top_entropy_nats > entropy.mean()
    assert worths.mean_margin == pytest.approx(cell_margin(probabilities).mean())


def test_diverse_patches_are_unlike_what_is_labelled():
    embeddings = np.eye(3)
    order = rank_by_diversity(np.array([0.9, 0.5, 0.4]), embeddings, 3, labelled=np.array([[1.0, 0.0, 0.0]]))
    assert order.tolist() == [1, 2, 0], "the most uncertain one looks just like a labelled one"
    assert rank_by_diversity(np.empty(0), np.empty((0, 3)), 3).tolist() == []


def test_novel_is_what_lies_farther_than_labelled_patches_lie_from_one_another():
    angles = np.radians([0, 5, 10, 15])
    labelled = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    beyond = novel_beyond(labelled)
    assert beyond == pytest.approx(2 * np.sin(np.radians(2.5)), rel=1e-3)
    far = distance_to_nearest(np.array([[1.0, 0.0], [0.0, 1.0]]), labelled)
    assert (far > beyond).tolist() == [False, True]
    assert novel_beyond(labelled[:1]) == np.inf


@given(st.integers(0, 9), st.floats(0.01, 0.49), st.floats(0.01, 0.49))
@settings(max_examples=15)
def test_a_larger_share_keeps_the_sample_and_another_seed_draws_another(seed, one, other):
    keys = [f"{n:b}" for n in range(500)]
    chance = chance_of(keys, seed)
    assert (chance == chance_of(keys, seed)).all()
    small, large = chance < min(one, other), chance < max(one, other)
    assert (small <= large).all()
    assert (chance != chance_of(keys, seed + 1)).any()


def test_every_patch_is_as_likely_to_be_drawn_as_any_other():
    keys = ["0", "0123", "3333", "120"]
    drawn = np.mean([chance_of(keys, seed) < 0.25 for seed in range(2000)], axis=0)
    # Four standard errors of a share of a quarter in 2,000 draws.
    assert (np.abs(drawn - 0.25) < 0.039).all()


@given(st.integers(0, 80), st.integers(0, 20), st.sampled_from([0.0, 0.1, 0.25, 0.5]), st.integers(0, 30))
@settings(max_examples=40)
def test_wherever_one_stops_the_sample_has_its_share(chosen, drawn, share, done):
    done_drawn = int(share * done)
    order = interleave(
        np.arange(chosen), np.arange(chosen, chosen + drawn), share, done=done, done_drawn=done_drawn
    )
    assert sorted(order.tolist()) == list(range(chosen + drawn))
    is_drawn = order >= chosen
    assert (np.diff(order[~is_drawn]) > 0).all()
    assert (np.diff(order[is_drawn]) > 0).all()
    for place in range(1, len(order) + 1):
        so_far = int(is_drawn[:place].sum())
        if so_far == drawn or place - so_far == chosen:
            break
        assert so_far + done_drawn == int(share * (done + place) + 1e-9)


def test_half_of_the_points_are_drawn_by_chance():
    worth, drawable = np.zeros(1000), np.ones(1000, np.bool_)
    worth[:10] = 1
    drawable[500:] = False
    mixed = half_by_chance(worth, drawable)
    assert mixed[:10].sum() == pytest.approx(1 + 10 / 500)
    assert mixed[10:500].sum() == pytest.approx(490 / 500)
    assert not mixed[500:].any()
    assert half_by_chance(np.zeros(1000), drawable).sum() == pytest.approx(1)
    assert not half_by_chance(worth, np.zeros(1000, np.bool_)).any()
