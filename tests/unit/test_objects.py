"""Parcels are counted and matched as one does by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mlservice.contracts import UNSURE, Legend, LegendClass
from mlservice.objects import IOU_PERCENTS, SMALLEST_OBJECT_PX, ObjectCounts, count_objects, parcel_values

FIELD, BOUNDARY, RICE = 1, 2, 3
masks = npst.arrays(np.uint8, (6, 8), elements=st.sampled_from((0, FIELD, BOUNDARY, RICE)))


def land(*squares: tuple[slice, slice], value: int = FIELD) -> np.ndarray:
    mask = np.zeros((30, 30), np.uint8)
    for square in squares:
        mask[square] = value
    return mask


def square(row: int, col: int, rows: int = 10, cols: int = 10) -> tuple[slice, slice]:
    return slice(row, row + rows), slice(col, col + cols)


def grown(mask: np.ndarray) -> np.ndarray:
    """Every pixel as a square of 4 x 4, so that no object is too small."""
    return mask.repeat(4, axis=0).repeat(4, axis=1)


def test_two_squares_that_overlap_match_up_to_their_iou():
    # 10 x 10 squares two columns apart: 80 px shared of 120, an IoU of 0.667.
    counts = count_objects(land(square(0, 0)), land(square(0, 2)), (FIELD,))
    assert counts == ObjectCounts(said=1, true=1, matched=(1, 1, 1, 1, 0, 0, 0, 0, 0, 0))
    assert (counts.precision, counts.recall, counts.f1) == (1, 1, 1)
    assert counts.mean_f1 == pytest.approx(0.4)


def test_an_iou_of_exactly_the_threshold_matches():
    # 11 of 20 px and 20 of 20: an IoU of 0.55, which binary fractions do not hold.
    truth, said = land(square(0, 0, 1, 20)), land(square(0, 0, 1, 20))
    truth[0, 11:], said[1:3] = 0, 0
    grow = np.ones((4, 1), np.uint8)
    counts = count_objects(np.kron(truth, grow), np.kron(said, grow), (FIELD,))
    assert counts.matched == (1, 1, 0, 0, 0, 0, 0, 0, 0, 0)


def test_precision_asks_of_what_is_said_and_recall_of_what_is_true():
    truth = land(square(0, 0), square(0, 12), square(12, 0))
    said = land(square(0, 0), square(20, 20))
    counts = count_objects(truth, said, (FIELD,))
    assert (counts.precision, counts.recall) == (1 / 2, 1 / 3)
    assert counts.f1 == pytest.approx(2 * 1 / 5)
    assert counts.mean_f1 == pytest.approx(2 * 1 / 5)


def test_a_boundary_tells_fields_apart_and_fields_that_touch_are_one():
    apart = land(square(0, 0), square(0, 10))
    apart[:, 9] = BOUNDARY
    assert count_objects(apart, apart, (FIELD,)).true == 2
    merged = land(square(0, 0, 10, 20))
    counts = count_objects(apart, merged, (FIELD,))
    # The merged field has 100 of its 200 px in one of the two: an IoU of one half.
    assert counts == ObjectCounts(said=1, true=2, matched=(1,) + (0,) * 9)


def test_corners_that_touch_do_not_connect():
    assert count_objects(land(square(0, 0), square(10, 10)), land(), (FIELD,)).true == 2


def test_classes_side_by_side_are_two_objects_and_match_whatever_their_class():
    crops = land(square(0, 0))
    crops[square(0, 10)] = RICE
    assert count_objects(crops, crops, (FIELD, RICE)).matched[-1] == 2
    other_crop = np.where(crops == RICE, FIELD, np.where(crops == FIELD, RICE, 0)).astype(np.uint8)
    assert count_objects(crops, other_crop, (FIELD, RICE)).matched[-1] == 2


def test_two_halves_match_the_whole_once_in_either_direction():
    halves = land(square(0, 0, 10, 5))
    halves[square(0, 5, 10, 5)] = RICE
    whole = land(square(0, 0))
    assert count_objects(halves, whole, (FIELD, RICE)).matched[0] == 1
    assert count_objects(whole, halves, (FIELD, RICE)).matched[0] == 1


@pytest.mark.parametrize(("size_px", "objects"), [(SMALLEST_OBJECT_PX - 1, 0), (SMALLEST_OBJECT_PX, 1)])
def test_objects_smaller_than_a_cell_count_in_neither_mask(size_px, objects):
    small = land(square(0, 0, 1, size_px))
    assert count_objects(small, land(), (FIELD,)).true == objects
    assert count_objects(land(), small, (FIELD,)).said == objects


def test_unsure_pixels_belong_to_no_object_and_split_none_that_is_said():
    truth = land(square(0, 0, 10, 12))
    truth[:, 12:] = UNSURE
    # What is said reaches into the unsure part, and comes back as one object.
    assert count_objects(truth, land(square(0, 0, 10, 25)), (FIELD,)) == ObjectCounts(1, 1, (1,) * 10)
    assert count_objects(truth, land(square(0, 15)), (FIELD,)) == ObjectCounts(0, 1)
    bridge = land(square(0, 0, 10, 12))
    bridge[4:6, 3:9] = UNSURE
    bridge[:, 5] = UNSURE
    assert count_objects(bridge, land(square(0, 0, 10, 12)), (FIELD,)).said == 1


def test_nothing_to_find_and_nothing_found_is_no_score():
    nothing = count_objects(land(), land(), (FIELD,))
    assert nothing == ObjectCounts()
    assert (nothing.precision, nothing.recall, nothing.f1, nothing.mean_f1) == (None, None, None, None)


def test_everything_unsure_has_no_objects():
    unsure = np.full((30, 30), UNSURE, np.uint8)
    assert count_objects(unsure, land(square(0, 0)), (FIELD,)) == ObjectCounts()


def test_missing_and_inventing_everything_scores_zero():
    missed = count_objects(land(square(0, 0)), land(), (FIELD,))
    assert (missed.precision, missed.recall, missed.f1) == (None, 0, 0)
    invented = count_objects(land(), land(square(0, 0)), (FIELD,))
    assert (invented.precision, invented.recall, invented.f1) == (0, None, 0)


def test_counts_of_patches_add_up():
    counts = ObjectCounts(3, 2, tuple(range(10))) + ObjectCounts(1, 1, (1,) * 10)
    assert counts == ObjectCounts(4, 3, tuple(range(1, 11)))


@given(masks)
def test_a_perfect_answer_matches_every_object_at_every_threshold(mask):
    counts = count_objects(grown(mask), grown(mask), (FIELD, RICE))
    assert counts.matched == (counts.true,) * len(IOU_PERCENTS)


@given(masks, masks)
def test_matches_are_the_same_in_either_direction_and_as_a_greedy_search_finds(truth, said):
    counts = count_objects(grown(truth), grown(said), (FIELD, RICE))
    swapped = count_objects(grown(said), grown(truth), (FIELD, RICE))
    assert (swapped.said, swapped.true, swapped.matched) == (counts.true, counts.said, counts.matched)
    assert counts.matched == tuple(greedy(truth, said, percent) for percent in IOU_PERCENTS)


def greedy(truth: np.ndarray, said: np.ndarray, percent: int) -> int:
    """The textbook's matching: pairs from the highest IoU down, each object once."""
    pairs = []
    for i, t in enumerate(flooded(truth)):
        for j, s in enumerate(flooded(said)):
            if 100 * len(t & s) >= percent * len(t | s):
                pairs.append((len(t & s) / len(t | s), i, j))
    taken_true, taken_said = set(), set()
    for _, i, j in sorted(pairs, reverse=True):
        if i not in taken_true and j not in taken_said:
            taken_true.add(i)
            taken_said.add(j)
    return len(taken_true)


def flooded(mask: np.ndarray) -> list[set[tuple[int, int]]]:
    """Objects as sets of pixels, each filled from one of its pixels on."""
    left = {(int(r), int(c)) for r, c in np.argwhere((mask == FIELD) | (mask == RICE))}
    objects = []
    while left:
        front = [left.pop()]
        found = set(front)
        while front:
            r, c = front.pop()
            for near in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
                if near in left and mask[near] == mask[r, c]:
                    left.remove(near)
                    found.add(near)
                    front.append(near)
        objects.append(found)
    return objects


def legend(*names: str, boundary: str = "bund") -> Legend:
    classes = [
        LegendClass(0, "rest", "#000000", is_null=True),
        LegendClass(1, boundary, "#ffffff", is_boundary=True),
    ]
    return Legend((*classes, *(LegendClass(2 + i, name, "#00ff00") for i, name in enumerate(names))))


@pytest.mark.parametrize(
    ("names", "parcels"),
    [
        (("field", "trees", "water", "buildings"), (2,)),
        (("rice", "forest", "paddock of Ana", "maize"), (2, 4, 5)),
        (("trees", "water"), (2, 3)),
        ((), ()),
    ],
)
def test_parcels_are_the_classes_that_are_farmed_or_else_all(names, parcels):
    assert parcel_values(legend(*names)) == parcels
