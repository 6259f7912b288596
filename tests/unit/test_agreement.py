from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlservice.agreement import class_alphas, compare, krippendorff_alpha
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


def pairs_of(first: str, second: str) -> dict[tuple[int, int], int]:
    return dict(Counter((ord(a), ord(b)) for a, b in zip(first, second, strict=True)))


@pytest.mark.parametrize(
    ("first", "second", "alpha"),
    [
        # Krippendorff 2011, A: binary data of two observers.
        ("0100000010", "1110010000", 0.095),
        # The same, B: nominal data of two observers.
        ("aabbdcccedda", "babbbccceddd", 0.692),
    ],
)
def test_alpha_is_that_of_the_published_examples(first: str, second: str, alpha: float) -> None:
    assert krippendorff_alpha(pairs_of(first, second)) == pytest.approx(alpha, abs=5e-4)


def test_alpha_of_perfect_of_none_and_of_a_single_value() -> None:
    assert krippendorff_alpha({(0, 0): 5, (1, 1): 7}) == 1
    assert krippendorff_alpha({(0, 1): 50, (1, 0): 50}) == pytest.approx(-1, abs=0.02)
    assert krippendorff_alpha({(3, 3): 9}) is None
    assert krippendorff_alpha({}) is None


def test_a_classs_alpha_is_that_of_two_values() -> None:
    pairs = {(0, 0): 40, (0, 1): 5, (1, 1): 30, (1, 2): 9, (2, 2): 16}
    alphas = class_alphas(pairs)
    assert set(alphas) == {0, 1, 2}
    assert alphas[0] == krippendorff_alpha({(1, 1): 40, (1, 0): 5, (0, 0): 55})
    assert alphas[2] < alphas[0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=60))
def test_alpha_is_what_its_definition_says_value_by_value(units: list[tuple[int, int]]) -> None:
    """D_o over pixels, D_e over all pairs of values whoever gave them."""
    values = [value for unit in units for value in unit]
    expected = sum(a != b for i, a in enumerate(values) for j, b in enumerate(values) if i != j)
    found = krippendorff_alpha(Counter(units))
    if not expected:
        assert found is None
        return
    n = len(values)
    disagreement = sum(a != b for a, b in units) / len(units)
    assert found == pytest.approx(1 - disagreement / (expected / (n * (n - 1))))
