"""The whole order of a queue from worths, embeddings, chance and land."""

from dataclasses import replace

import numpy as np
import pytest

from mlservice.queue_order import CANDIDATES, Waiting, arrange, candidates, is_audited


def waiting(
    worth, *, seed=0, share=0.0, embeddings=None, labelled=(), is_diverse=False, done=0, done_drawn=0
):
    count = len(worth)
    keys = tuple(f"{n:06d}" for n in range(count))
    worth = np.array(worth, dtype=np.float64)
    embedded = candidates(worth, keys) if embeddings is not None else np.empty(0, np.intp)
    return Waiting(
        keys=keys,
        xy=np.stack([np.arange(count) % 8, np.arange(count) // 8], axis=1),
        worth=worth,
        embedded=embedded,
        embeddings=np.array(embeddings, np.float32)[embedded] if embeddings is not None else np.empty((0, 1)),
        labelled=np.array(labelled, np.float32).reshape(len(labelled), 3),
        is_diverse=is_diverse,
        seed=seed,
        audit_share=share,
        done=done,
        done_drawn=done_drawn,
    )


def test_the_worthiest_come_first_and_the_unknown_after_them():
    order = arrange(waiting([0.1, np.nan, 0.9, np.nan, 0.5]))
    assert order.order.tolist()[:3] == [2, 4, 0]
    assert sorted(order.order.tolist()[3:]) == [1, 3]
    assert order.worth_rank.tolist() == [3, 0, 1, 0, 2]


def test_without_any_worth_the_beginning_is_spread_over_the_land():
    order = arrange(waiting([np.nan] * 64))
    quarters = {(i % 8 // 4, i // 8 // 4) for i in order.order[:4].tolist()}
    assert len(quarters) == 4


def test_a_tenth_is_drawn_whatever_the_worths_say_and_both_seeds_can_be_repeated():
    rng = np.random.default_rng(1)
    worth = rng.random(400)
    one = arrange(waiting(worth, share=0.1, seed=7))
    other = arrange(waiting(worth[::-1], share=0.1, seed=7))
    assert (one.is_drawn == other.is_drawn).all(), "the sample knows nothing of the worths"
    assert one.is_drawn[one.order[:100]].sum() == 10
    assert (one.order == arrange(waiting(worth, share=0.1, seed=7)).order).all()
    assert (one.is_drawn != arrange(waiting(worth, share=0.1, seed=8)).is_drawn).any()
    assert (one.is_drawn == is_audited(waiting(worth).keys, 7, 0.1)).all()


def test_the_mean_over_the_sample_is_unbiased_and_that_over_the_queue_is_not():
    """What the share is for: a quantity that goes with the worth is estimated right from the drawn patches."""
    rng = np.random.default_rng(5)
    worth = rng.random(600)
    first = [arrange(waiting(worth, share=0.2, seed=seed)) for seed in range(60)]
    served = [order.order[:120] for order in first]
    sample = np.mean([worth[o[f.is_drawn[o]]].mean() for o, f in zip(served, first, strict=True)])
    everything = np.mean([worth[o].mean() for o in served])
    assert sample == pytest.approx(worth.mean(), abs=0.03)
    assert everything > worth.mean() + 0.2


def test_diversity_looks_past_what_is_labelled_and_says_what_is_novel():
    embeddings = [[1, 0, 0], [0.999, 0.04, 0], [0, 1, 0], [0, 0, 1]]
    labelled = [[1, 0, 0], [0.995, 0.1, 0]]
    plain = waiting([0.9, 0.8, 0.5, 0.4], embeddings=embeddings, labelled=labelled)
    order = arrange(replace(plain, is_diverse=True))
    assert order.order.tolist() == [2, 3, 1, 0]
    assert order.is_novel.tolist() == [False, False, True, True]
    assert order.is_chosen.all()
    assert arrange(plain).order.tolist() == [0, 1, 2, 3]
    assert arrange(plain).is_novel.tolist() == [False, False, True, True]


def test_only_the_worthiest_are_candidates():
    worth = np.arange(CANDIDATES + 5, dtype=float)
    keys = tuple(f"{n:06d}" for n in range(len(worth)))
    assert candidates(worth, keys).tolist() == list(range(CANDIDATES + 4, 4, -1))


def test_nothing_waits():
    assert arrange(waiting([])).order.tolist() == []
