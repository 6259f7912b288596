"""Measures give the numbers that their definitions give by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mlservice.contracts import UNSURE
from mlservice.metrics import (
    BoundaryCounts,
    auroc,
    class_calibration_errors,
    class_iou,
    class_surpluses,
    confusion_matrix,
    count_boundaries,
    error_retention,
    expected_calibration_error,
    mean_iou,
    pixel_accuracy,
    rank_correlation,
    reliability_curve,
)

VALUES = (0, 1, 2)
masks = npst.arrays(np.uint8, (6, 5), elements=st.sampled_from(VALUES))
masks_with_unsure = npst.arrays(np.uint8, (6, 5), elements=st.sampled_from((*VALUES, UNSURE)))


def mask(*rows: list[int]) -> np.ndarray:
    return np.array(rows, dtype=np.uint8)


def test_confusion_counts_true_in_rows_and_said_in_columns():
    truth, said = mask([0, 1, 1], [2, 2, 2]), mask([0, 1, 2], [2, 0, 2])
    assert confusion_matrix(truth, said, VALUES).tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 2]]


def test_confusion_follows_the_order_of_the_values():
    truth, said = mask([7, 3]), mask([7, 7])
    assert confusion_matrix(truth, said, (3, 7)).tolist() == [[0, 1], [0, 1]]


def test_unsure_pixels_count_nowhere_whatever_was_said():
    truth, said = mask([0, UNSURE], [UNSURE, 1]), mask([0, 2], [UNSURE, 1])
    assert confusion_matrix(truth, said, VALUES).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(("truth", "said"), [(mask([9]), mask([0])), (mask([0]), mask([UNSURE]))])
def test_a_counted_value_outside_the_legend_is_refused(truth, said):
    with pytest.raises(ValueError, match="values other than"):
        confusion_matrix(truth, said, VALUES)


def test_what_was_not_said_is_a_column_of_its_own_and_as_wrong_as_a_wrong_class():
    truth, said = mask([0, 0, 1, 1], [UNSURE, 1, 1, 1]), mask([0, UNSURE, UNSURE, 1], [UNSURE, 1, 1, 0])
    confusion = confusion_matrix(truth, said, (0, 1), unsaid_column=True)
    assert confusion.tolist() == [[1, 0, 1], [1, 3, 1]]
    np.testing.assert_allclose(class_iou(confusion), [1 / 3, 3 / 5])
    assert pixel_accuracy(confusion) == pytest.approx(4 / 7)


def test_iou_is_intersection_over_union_and_leaves_out_absent_classes():
    confusion = np.array([[2, 1, 0], [1, 4, 0], [0, 0, 0]])
    np.testing.assert_array_equal(class_iou(confusion), [0.5, 4 / 6, np.nan])
    assert mean_iou(confusion) == pytest.approx((0.5 + 4 / 6) / 2)
    assert pixel_accuracy(confusion) == 6 / 8


def test_nothing_counted_is_not_a_number_rather_than_a_score():
    nothing = np.zeros((3, 3), np.int64)
    assert np.isnan(mean_iou(nothing))
    assert np.isnan(pixel_accuracy(nothing))


@given(masks_with_unsure, masks)
def test_every_sure_pixel_is_counted_once(truth, said):
    assert confusion_matrix(truth, said, VALUES).sum() == (truth != UNSURE).sum()


@given(masks, masks)
def test_swapping_truth_and_answer_transposes_the_confusion_and_keeps_the_iou(truth, said):
    confusion = confusion_matrix(truth, said, VALUES)
    swapped = confusion_matrix(said, truth, VALUES)
    assert (swapped == confusion.T).all()
    assert mean_iou(swapped) == pytest.approx(mean_iou(confusion))


@given(masks)
def test_a_perfect_answer_scores_one(truth):
    confusion = confusion_matrix(truth, truth, VALUES)
    assert mean_iou(confusion) == pixel_accuracy(confusion) == 1


def line_at(col: int) -> np.ndarray:
    drawn = np.zeros((8, 12), np.uint8)
    drawn[:, col] = 2
    return drawn


@pytest.mark.parametrize(("moved", "f1"), [(0, 1.0), (1, 1.0), (2, 1.0), (3, 0.0)])
def test_a_boundary_moved_by_up_to_two_pixels_is_right(moved, f1):
    assert count_boundaries(line_at(4), line_at(4 + moved), 2).f1 == f1


@pytest.mark.parametrize(("moved", "f1"), [(1, 1.0), (2, 0.0)])
def test_a_stricter_tolerance_forgives_less(moved, f1):
    assert count_boundaries(line_at(4), line_at(4 + moved), 2, tolerance_px=1).f1 == f1


def test_boundary_f1_is_the_harmonic_mean_of_precision_and_recall():
    said = line_at(4) | line_at(10)
    counts = count_boundaries(line_at(4), said, 2)
    assert counts == BoundaryCounts(said=16, said_near_true=8, true=8, true_near_said=8)
    assert counts.f1 == pytest.approx(2 * 0.5 * 1 / 1.5)


def test_two_masks_without_boundaries_have_no_boundary_f1_and_one_sided_boundaries_have_zero():
    bare = np.zeros((8, 12), np.uint8)
    assert count_boundaries(bare, bare, 2).f1 is None
    assert count_boundaries(bare, line_at(4), 2).f1 == 0
    assert count_boundaries(line_at(4), bare, 2).f1 == 0


def test_boundaries_said_where_the_truth_is_unsure_are_left_out():
    truth = line_at(4)
    truth[:, 8:] = UNSURE
    assert count_boundaries(truth, line_at(4) | line_at(10), 2).f1 == 1


def test_boundary_counts_of_patches_add_up():
    counts = BoundaryCounts(4, 3, 2, 1) + BoundaryCounts(1, 1, 1, 1)
    assert counts == BoundaryCounts(5, 4, 3, 2)


def test_calibration_error_weighs_each_bins_gap_by_its_cells():
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55])
    right = np.array([True, True, True, False, True, False])
    expected = 4 / 6 * abs(0.75 - 0.95) + 2 / 6 * abs(0.5 - 0.55)
    assert expected_calibration_error(confidence, right) == pytest.approx(expected)


def test_full_confidence_falls_in_the_last_bin():
    assert expected_calibration_error(np.ones(4), np.array([True, True, True, False])) == pytest.approx(0.25)


def test_no_cells_have_no_calibration_error():
    assert expected_calibration_error(np.empty(0), np.empty(0, bool)) is None


@given(npst.arrays(np.float64, 40, elements=st.floats(0, 1)), npst.arrays(bool, 40))
def test_calibration_error_is_at_least_the_overall_gap_and_at_most_one(confidence, right):
    error = expected_calibration_error(confidence, right)
    assert abs(right.mean() - confidence.mean()) - 1e-9 <= error <= 1 + 1e-9


def test_auroc_is_the_share_of_pairs_in_the_right_order_with_ties_counting_half():
    score = np.array([0.1, 0.4, 0.4, 0.9])
    positive = np.array([False, False, True, True])
    assert auroc(score, positive) == (1 + 1 + 0.5 + 1) / 4


def test_auroc_needs_both_kinds():
    assert auroc(np.array([0.1, 0.2]), np.array([True, True])) is None
    assert auroc(np.array([0.1, 0.2]), np.array([False, False])) is None


@given(npst.arrays(np.float32, 30, elements=st.integers(0, 9)), npst.arrays(bool, 30))
def test_turning_the_scores_round_turns_auroc_round(score, positive):
    forwards, backwards = auroc(score, positive), auroc(-score, positive)
    assert (forwards is None) == (backwards is None)
    if forwards is not None:
        assert forwards == pytest.approx(1 - backwards)


def test_a_reliability_curve_has_the_means_of_its_bins_and_none_for_empty_ones():
    confidence, right = np.array([0.6, 0.7, 0.9, 1.0]), np.array([True, False, True, True])
    curve = reliability_curve(confidence, right, bins=4)
    assert curve.edges == (0, 0.25, 0.5, 0.75, 1)
    assert curve.counts == (0, 0, 2, 2)
    assert curve.confidence == (None, None, pytest.approx(0.65), pytest.approx(0.95))
    assert curve.accuracy == (None, None, 0.5, 1)


@given(npst.arrays(np.float64, 40, elements=st.floats(0, 1)), npst.arrays(bool, 40))
def test_the_calibration_error_is_the_weighted_gap_of_the_reliability_curve(confidence, right):
    curve = reliability_curve(confidence, right)
    gaps = [
        count * abs(accuracy - mean)
        for count, accuracy, mean in zip(curve.counts, curve.accuracy, curve.confidence, strict=True)
        if count
    ]
    assert expected_calibration_error(confidence, right) == pytest.approx(sum(gaps) / 40)


def test_a_class_that_is_said_too_often_shows_in_its_own_calibration_error():
    # Four cells, all given (0.8, 0.2); half are of either class.
    probabilities, truth = np.tile([[0.8], [0.2]], 4), np.array([0, 1, 0, 1])
    surpluses = class_surpluses(probabilities, truth)
    assert class_calibration_errors(surpluses, 4) == pytest.approx([0.3, 0.3])
    assert surpluses.sum(axis=1) / 4 == pytest.approx([-0.3, 0.3])


def test_class_surpluses_of_patches_add_up():
    rng = np.random.default_rng(0)
    probabilities, truth = rng.dirichlet(np.ones(3), 50).T, rng.integers(0, 3, 50)
    parts = class_surpluses(probabilities[:, :20], truth[:20]) + class_surpluses(
        probabilities[:, 20:], truth[20:]
    )
    np.testing.assert_allclose(parts, class_surpluses(probabilities, truth), atol=1e-12)


def test_class_calibration_needs_cells():
    with pytest.raises(ValueError, match="at least one cell"):
        class_calibration_errors(np.zeros((2, 15)), 0)


def test_retention_falls_to_the_errors_among_the_cells_that_are_sure():
    # The two most uncertain of four cells are wrong: with half of the cells kept no error is left.
    curve = error_retention(np.array([0.1, 0.2, 0.3, 0.4]), np.array([False, False, True, True]))
    assert (curve.share_kept[0], curve.share_kept[10], curve.share_kept[-1]) == (0, 0.5, 1)
    assert (curve.error[0], curve.error[10], curve.error[15], curve.error[-1]) == (0, 0, 0.25, 0.5)
    assert curve.area == pytest.approx(0.5 * 0.5 / 2)


def test_retention_without_an_order_is_a_straight_line_to_the_error():
    curve = error_retention(np.ones(4), np.array([True, False, False, False]))
    np.testing.assert_allclose(curve.error, np.array(curve.share_kept) / 4)
    assert curve.area == pytest.approx(0.25 / 2)


def test_no_cells_have_no_retention_curve():
    assert error_retention(np.empty(0), np.empty(0, bool)) is None


@given(npst.arrays(np.float32, 30, elements=st.integers(0, 9)), npst.arrays(bool, 30))
def test_retention_rises_to_the_error_and_gains_what_its_reverse_loses(entropy, wrong):
    curve, reverse = error_retention(entropy, wrong), error_retention(-entropy, wrong)
    assert (np.diff(curve.error) >= -1e-12).all()
    assert curve.error[-1] == pytest.approx(wrong.mean())
    assert curve.area + reverse.area == pytest.approx(wrong.mean())


def test_rank_correlation_asks_for_the_order_alone():
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([1.0, 10, 100])) == pytest.approx(1)
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([9.0, 4, 1])) == pytest.approx(-1)
    # Ranks 1, 2, 3, 4 beside 1.5, 1.5, 4, 3.
    expected = 3.5 / np.sqrt(5 * 4.5)
    assert rank_correlation(np.arange(4.0), np.array([0.0, 0, 2, 1])) == pytest.approx(expected)


@pytest.mark.parametrize("constant", [np.empty(0), np.ones(1), np.ones(3)])
def test_what_does_not_vary_has_no_rank_correlation(constant):
    assert rank_correlation(constant, np.arange(float(constant.size))) is None
