"""Masks become cells and cells become masks, by rules that a person could check with a pencil."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlservice.contracts import UNSURE, Legend, LegendClass
from mlservice.token_grid import (
    CELL_PX,
    IGNORED_INDEX,
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


@st.composite
def legends(draw):
    """Two to eight classes of any values, with or without a boundary class."""
    values = draw(st.lists(st.integers(1, 254), min_size=1, max_size=7, unique=True))
    boundary = draw(st.sampled_from([None, *values]))
    others = [LegendClass(v, f"class {v}", "#123456", is_boundary=v == boundary) for v in values]
    return Legend((LegendClass(0, "other", "#000000", is_null=True), *others))


def class_arrays(legend: Legend, sides: tuple[int, int]):
    return hnp.arrays(np.uint8, sides, elements=st.sampled_from([*legend.values, UNSURE]))


sides = st.tuples(st.integers(1, 9), st.integers(1, 9))
cell_sizes = st.integers(1, 9)


def one_cell(counts: dict[int, int]) -> int:
    """The cell of a 4 × 4 px mask that has so many pixels of each value."""
    pixels = [value for value, count in counts.items() for _ in range(count)]
    return int(mask_to_cells(np.array(pixels, np.uint8).reshape(4, 4), LEGEND)[0, 0])


@settings(deadline=None)
@given(st.data(), legends(), sides, cell_sizes)
def test_cells_survive_being_a_mask(data, legend, shape, cell_px):
    cells = data.draw(class_arrays(legend, shape))
    mask = cells_to_mask(cells, cell_px)
    assert mask.shape == (shape[0] * cell_px, shape[1] * cell_px)
    assert np.array_equal(mask_to_cells(mask, legend, cell_px), cells)


@given(st.data(), legends(), sides)
def test_cells_survive_being_class_indices(data, legend, shape):
    cells = data.draw(class_arrays(legend, shape))
    indices = cells_to_indices(cells, legend)
    assert set(np.unique(indices)) <= {IGNORED_INDEX, *range(len(legend.values))}
    assert np.array_equal(indices_to_cells(indices, legend), cells)


@settings(deadline=None)
@given(st.data(), legends(), st.tuples(st.integers(1, 3), st.integers(1, 3)), st.integers(1, 5))
def test_every_cell_is_what_its_own_pixels_vote_for(data, legend, shape, cell_px):
    mask = data.draw(class_arrays(legend, (shape[0] * cell_px, shape[1] * cell_px)))
    cells = mask_to_cells(mask, legend, cell_px)
    for (row, col), said in np.ndenumerate(cells):
        top, left = row * cell_px, col * cell_px
        pixels = mask[top : top + cell_px, left : left + cell_px].ravel().tolist()
        assert said == voted_for(pixels, legend)


def voted_for(pixels: list[int], legend: Legend) -> int:
    """The rule as one would do it by hand; `max` takes the first of those that are level."""
    if 2 * pixels.count(UNSURE) > len(pixels):
        return UNSURE
    weight = {c.value: 2 if c.is_boundary else 1 for c in legend.classes}
    return max(legend.values, key=lambda value: weight[value] * pixels.count(value))


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.integers(1, 20))
def test_token_patches_survive_being_split_and_joined(down, right, lead, side):
    rows, cols = down * side, right * side
    shape = (*([3, 2, 5][:lead]), rows, cols)
    grid = np.arange(np.prod(shape)).reshape(shape)
    patches = split_token_patches(grid, side)
    assert patches.shape == (down * right, *shape[:lead], side, side)
    assert np.array_equal(join_token_patches(patches, rows, cols), grid)


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 6), cell_sizes, st.integers(0, 3), st.integers(0, 3))
def test_origins_are_where_token_patches_are_cut_out(patches, side_cells, cell_px, down, right):
    size_px = patches * side_cells * cell_px
    row, col = down * cell_px, right * cell_px
    image = np.arange((row + size_px) * (col + size_px)).reshape(row + size_px, col + size_px)
    corners = split_token_patches(image[row::cell_px, col::cell_px], side_cells)[:, 0, 0]
    origins = token_patch_origins(row, col, size_px, side_cells * cell_px)
    assert np.array_equal(image[tuple(origins.T)], corners)


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
    with pytest.raises(ValueError, match="at least 1 px"):
        mask_to_cells(np.zeros((6, 8), np.uint8), LEGEND, 0)
    with pytest.raises(ValueError, match=r"\[9\]"):
        mask_to_cells(np.full((4, 4), 9, np.uint8), LEGEND)
    with pytest.raises(ValueError, match=r"\[9\]"):
        cells_to_indices(np.full((4, 4), 9, np.uint8), LEGEND)


@pytest.mark.parametrize("index", [-1, 3, 255])
def test_an_index_that_is_no_class_never_becomes_one(index):
    with pytest.raises(ValueError, match="below 3"):
        indices_to_cells(np.array([[0, index]]), LEGEND)


def test_what_is_not_made_of_whole_token_patches_is_refused():
    with pytest.raises(ValueError, match=r"100 px .* 64 px"):
        token_patch_origins(0, 0, 100)
    with pytest.raises(ValueError, match=r"32 × 24 cells .* 16 × 16"):
        split_token_patches(np.zeros((32, 24)))
    with pytest.raises(ValueError, match="3 token patches of 16 × 16 cells do not make 32 × 32"):
        join_token_patches(np.zeros((3, 16, 16)), 32, 32)
    with pytest.raises(ValueError, match="divided"):
        join_token_patches(np.zeros((4, 16, 16)), 24, 32)


@given(hnp.arrays(np.float32, (3, 5, 4), elements=st.floats(0.0625, 1, width=32)), cell_sizes)
def test_upsampled_probabilities_still_add_up_to_one(raw, cell_px):
    probabilities = raw / raw.sum(0)
    pixels = upsample_probabilities(probabilities, cell_px)
    assert pixels.shape == (3, 5 * cell_px, 4 * cell_px)
    np.testing.assert_allclose(pixels.sum(0), 1, atol=1e-5)
    assert pixels.max() <= probabilities.max() + 1e-5


def test_upsampling_moves_evenly_from_one_cells_centre_to_the_next():
    pixels = upsample_probabilities(np.array([[[0.0, 1.0]]], np.float32))[0, 0]
    np.testing.assert_allclose(pixels, [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])


def test_a_cell_that_is_sure_gives_its_class_to_its_pixels():
    indices = np.array([[0, 1], [2, 2]])
    probabilities = (indices == np.arange(3)[:, None, None]).astype(np.float32)
    mask = probabilities_to_mask(upsample_probabilities(probabilities), LEGEND)
    assert np.array_equal(mask[1::4, 1::4], [[NULL, BOUNDARY], [FIELD, FIELD]])


def test_a_boundary_wins_where_it_is_nearly_as_likely_as_the_land_beside_it():
    nearly = np.array([[[0.0]], [[0.45]], [[0.55]]], np.float32)
    hardly = np.array([[[0.0]], [[0.35]], [[0.65]]], np.float32)
    assert (probabilities_to_mask(nearly, LEGEND) == BOUNDARY).all()
    assert (probabilities_to_mask(hardly, LEGEND) == FIELD).all()
