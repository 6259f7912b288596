"""Colours move what is said of cells to the edges inside them, and move nothing where there is no edge."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mlservice.sharpen import sharpen
from mlservice.token_grid import upsample_probabilities

SIDE = 64


def cells_of(mask: np.ndarray, classes: int) -> np.ndarray:
    """What a model that is right about cells of 4 px would say: the share of each class in each cell."""
    onehot = (mask == np.arange(classes)[:, None, None]).astype(np.float32)
    side = SIDE // 4
    return onehot.reshape(classes, side, 4, side, 4).mean((2, 4))


def painted(mask: np.ndarray, colours: list[int], noise: float = 6.0) -> np.ndarray:
    grey = np.array(colours)[mask] + np.random.default_rng(0).normal(0, noise, mask.shape)
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def test_an_edge_inside_cells_is_found_by_its_colours():
    mask = (np.arange(SIDE)[None, :] + np.zeros((SIDE, 1)) >= 29).astype(int)
    blurred = upsample_probabilities(np.round(cells_of(mask, 2)))
    sharp = sharpen(blurred, painted(mask, [80, 150]))
    assert (blurred.argmax(0) != mask).mean() > 0.01
    assert (sharp.argmax(0) == mask).all()


def test_a_line_thinner_than_a_cell_gets_its_width_back():
    mask = np.zeros((SIDE, SIDE), int)
    mask[:, 30:32] = 1
    said = upsample_probabilities(np.clip(cells_of(mask, 2) * [[[0.6]], [[1.4]]], 0, 1).astype(np.float32))
    said /= said.sum(0)
    wide = said.argmax(0)
    thin = sharpen(said, painted(mask, [90, 170])).argmax(0)
    assert (wide != mask).sum() > 2 * (thin != mask).sum()
    assert (thin[:, 30:32] == 1).mean() > 0.95


def test_without_an_edge_in_the_image_the_likeliest_class_stays():
    mask = (np.arange(SIDE)[None, :] + np.zeros((SIDE, 1)) >= 30).astype(int)
    said = upsample_probabilities(cells_of(mask, 2))
    plain = np.full((SIDE, SIDE, 3), 120, np.uint8)
    assert np.array_equal(sharpen(said, plain).argmax(0), said.argmax(0))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 5))
def test_probabilities_stay_probabilities_and_no_class_appears_from_nowhere(seed, classes):
    rng = np.random.default_rng(seed)
    said = upsample_probabilities(rng.dirichlet(np.full(classes, 0.4), (16, 16)).transpose(2, 0, 1))
    said = np.concatenate([said, np.zeros((1, SIDE, SIDE), np.float32)]).astype(np.float32)
    sharp = sharpen(said, rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
    np.testing.assert_allclose(sharp.sum(0), 1, atol=1e-4)
    assert (sharp >= 0).all()
    assert (sharp[-1] == 0).all()
