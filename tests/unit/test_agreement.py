from __future__ import annotations

import numpy as np
import pytest

from mlservice.agreement import compare
from mlservice.contracts import UNSURE


def mask(rows: list[str]) -> np.ndarray:
    """A mask in digits; ``?`` is unsure."""
    return np.array([[UNSURE if c == "?" else int(c) for c in row] for row in rows], np.uint8)


def test_equal_masks_agree_wholly_and_two_unsure_ones_too() -> None:
    same = mask(["0112", "0112"])
    assert compare(same, same, None).miou == 1
    unsure = mask(["????", "????"])
    assert (compare(unsure, unsure, None).miou, compare(unsure, unsure, None).pairs) == (1, {})


def test_what_one_leaves_unsure_is_no_agreement() -> None:
    first, second = mask(["0011"]), mask(["0?11"])
    assert compare(first, second, None).miou == pytest.approx((1 / 2 + 1) / 2)
    assert compare(first, second, None).miou == compare(second, first, None).miou
    assert compare(first, second, None).pairs == {(0, 0): 1, (1, 1): 2}
    assert compare(mask(["1111"]), mask(["????"]), None).miou == 0


def test_where_a_truth_is_unsure_nothing_counts() -> None:
    truth, answer = mask(["00?1"]), mask(["0011"])
    assert compare(truth, answer, None, first_is_truth=True).miou == 1
    assert compare(truth, answer, None).miou == pytest.approx((1 + 1 / 2) / 2)
    assert compare(answer, truth, None, first_is_truth=True).miou < 1, "an answer that is missing counts"


def test_pairs_and_boundaries_are_those_of_the_two_people_in_order() -> None:
    first, second = mask(["0122", "0122"]), mask(["0112", "0222"])
    found = compare(first, second, 2)
    assert found.pairs == {(0, 0): 2, (1, 1): 1, (1, 2): 1, (2, 1): 1, (2, 2): 3}
    assert (found.boundaries.true, found.boundaries.said) == (4, 4)
    assert found.boundaries.f1 == 1, "all within two pixels"
