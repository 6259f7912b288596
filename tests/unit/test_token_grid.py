"""Masks become cells and cells become masks, by rules that a person could check with a pencil."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlservice.contracts import UNSURE, Legend, LegendClass
from mlservice.token_grid import (
    CELL_PX,
    IGNORED_INDEX,
    TOKEN_PATCH_CELLS,
    cells_to_indices,
    cells_to_mask,
    indices_to_cells,
    join_token_patches,
    mask_to_cells,
    probabilities_to_mask,
    split_token_patches,
    token_patch_origins,
    upsample_probabilities,
)

LEGEND = Legend(
    (
        LegendClass(0, "other", "#000000", is_null=True),
        LegendClass(2, "boundary", "#ffff00", is_boundary=True),
        LegendClass(7, "field", "#00ff00"),
    )
)
NULL, BOUNDARY, FIELD = 0, 2, 7

cells_of_any_class = hnp.arrays(
    np.uint8,
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    elements=st.sampled_from([NULL, BOUNDARY, FIELD, UNSURE]),
)


def one_cell(counts: dict[int, int]) -> int:
    """The cell of a 4 × 4 px mask that has so many pixels of each value."""
    pixels = [value for value, count in counts.items() for _ in range(count)]
    return int(mask_to_cells(np.array(pixels, np.uint8).reshape(4, 4), LEGEND)[0, 0])


@given(cells_of_any_class)
def test_cells_survive_being_a_mask(cells):
    assert np.array_equal(mask_to_cells(cells_to_mask(cells), LEGEND), cells)


@given(cells_of_any_class)
def test_cells_survive_being_class_indices(cells):
    indices = cells_to_indices(cells, LEGEND)
    assert set(np.unique(indices)) <= {IGNORED_INDEX, 0, 1, 2}
    assert np.array_equal(indices_to_cells(indices, LEGEND), cells)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 3))
def test_token_patches_survive_being_split_and_joined(down, right, lead):
    rows, cols = down * TOKEN_PATCH_CELLS, right * TOKEN_PATCH_CELLS
    shape = (*([3, 2, 5][:lead]), rows, cols)
    grid = np.arange(np.prod(shape)).reshape(shape)
    patches = split_token_patches(grid)
    assert patches.shape == (down * right, *shape[:lead], TOKEN_PATCH_CELLS, TOKEN_PATCH_CELLS)
    assert np.array_equal(join_token_patches(patches, rows, cols), grid)


def test_token_patches_are_split_where_their_origins_say():
    cells = np.arange(64 * 64).reshape(64, 64)
    for patch, (row, col) in zip(split_token_patches(cells), token_patch_origins(0, 0, 256), strict=True):
        assert patch[0, 0] == cells[row // CELL_PX, col // CELL_PX]
    assert token_patch_origins(64, 128, 128).tolist() == [[64, 128], [64, 192], [128, 128], [128, 192]]


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({FIELD: 9, NULL: 7}, FIELD),
        ({FIELD: 8, NULL: 8}, NULL),
        ({FIELD: 11, BOUNDARY: 5}, FIELD),
        ({FIELD: 10, BOUNDARY: 6}, BOUNDARY),
        ({UNSURE: 9, FIELD: 7}, UNSURE),
        ({UNSURE: 8, FIELD: 8}, FIELD),
    ],
)
def test_a_cell_has_the_class_of_most_pixels_and_a_boundary_pixel_counts_twice(counts, said):
    assert one_cell(counts) == said


def test_a_mask_that_is_no_grid_or_has_stray_values_is_refused():
    with pytest.raises(ValueError, match="multiples of 4"):
        mask_to_cells(np.zeros((6, 8), np.uint8), LEGEND)
    with pytest.raises(ValueError, match=r"\[9\]"):
        mask_to_cells(np.full((4, 4), 9, np.uint8), LEGEND)


@given(hnp.arrays(np.float32, (3, 5, 4), elements=st.floats(0.0625, 1, width=32)))
def test_upsampled_probabilities_still_add_up_to_one(raw):
    probabilities = raw / raw.sum(0)
    pixels = upsample_probabilities(probabilities)
    assert pixels.shape == (3, 20, 16)
    np.testing.assert_allclose(pixels.sum(0), 1, atol=1e-5)
    assert pixels.max() <= probabilities.max() + 1e-5


def test_upsampling_moves_evenly_from_one_cells_centre_to_the_next():
    pixels = upsample_probabilities(np.array([[[0.0, 1.0]]], np.float32))[0, 0]
    np.testing.assert_allclose(pixels, [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])


def test_a_cell_that_is_sure_gives_its_class_to_its_pixels():
    indices = np.array([[0, 1], [2, 2]])
    probabilities = (indices == np.arange(3)[:, None, None]).astype(np.float32)
    mask = probabilities_to_mask(probabilities, LEGEND)
    assert np.array_equal(mask[1::4, 1::4], [[NULL, BOUNDARY], [FIELD, FIELD]])
