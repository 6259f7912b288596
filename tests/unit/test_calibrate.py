"""Temperature scaling finds the temperature that the truth was drawn at."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlservice.calibrate import TEMPERATURES, fit_temperature, shrunk_temperature
from mlservice.metrics import expected_calibration_error
from mlservice.uncertainty import tempered_softmax


def drawn_at(temperature: float, cells: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and truths drawn from their probabilities at a temperature."""
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 2, (cells, 4)).astype(np.float32)
    shares = tempered_softmax(logits, temperature, axis=1).cumsum(axis=1)
    return logits, np.minimum((shares < rng.random((cells, 1))).sum(axis=1), 3)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_of_the_truth_is_found(temperature):
    assert fit_temperature(*drawn_at(temperature)) == pytest.approx(temperature, rel=0.05)


def test_overconfidence_is_mended_and_no_answer_is_changed():
    logits, truth = drawn_at(3.0)
    before = tempered_softmax(logits, 1.0, axis=1)
    after = tempered_softmax(logits, fit_temperature(logits, truth), axis=1)
    right = before.argmax(axis=1) == truth
    assert (after.argmax(axis=1) == before.argmax(axis=1)).all()
    assert expected_calibration_error(before.max(axis=1), right) > 0.2
    assert expected_calibration_error(after.max(axis=1), right) < 0.02


@settings(deadline=None, max_examples=20)
@given(st.floats(-50, 50))
def test_a_constant_added_to_a_cells_logits_changes_nothing(constant):
    logits, truth = drawn_at(2.0, cells=500)
    assert fit_temperature(logits.astype(np.float64) + constant, truth) == pytest.approx(
        fit_temperature(logits, truth), rel=1e-3
    )


def test_the_search_ends_at_its_bounds_when_every_answer_is_right_or_wrong():
    logits = np.eye(3)[[0, 1, 2] * 10]
    assert fit_temperature(logits, np.array([0, 1, 2] * 10)) == pytest.approx(TEMPERATURES[0], rel=0.01)
    assert fit_temperature(logits, np.array([1, 2, 0] * 10)) == pytest.approx(TEMPERATURES[1], rel=0.01)


def test_a_temperature_needs_cells():
    with pytest.raises(ValueError, match="at least one cell"):
        fit_temperature(np.empty((0, 3)), np.empty(0, np.int64))


def test_a_temperature_is_drawn_towards_what_is_known_as_if_that_were_more_patches():
    # One patch beside a known temperature of the weight of one: the geometric mean of the two.
    assert shrunk_temperature(4.0, 1.0, patches=1, known_patches=1) == pytest.approx(2.0)
    assert shrunk_temperature(8.0, 1.0, patches=2, known_patches=1) == pytest.approx(4.0)
    assert shrunk_temperature(0.25, 1.0, patches=1, known_patches=1) == pytest.approx(0.5)
    assert shrunk_temperature(4.0, 1.0, patches=10_000, known_patches=1) == pytest.approx(4.0, rel=0.001)


def test_without_a_weight_for_what_is_known_the_fit_stands_alone():
    assert shrunk_temperature(4.0, 1.0, patches=1, known_patches=0) == 4.0
    with pytest.raises(ValueError, match="at least one patch"):
        shrunk_temperature(4.0, 1.0, patches=0, known_patches=0)


@given(st.floats(0.05, 20), st.floats(0.05, 20), st.integers(0, 100))
def test_a_shrunk_temperature_lies_between_and_nearer_the_fit_with_more_patches(fitted, known, patches):
    few, more = (shrunk_temperature(fitted, known, n, known_patches=2) for n in (patches, patches + 1))
    assert min(fitted, known) * 0.999 <= few <= max(fitted, known) * 1.001
    assert abs(np.log(more / fitted)) <= abs(np.log(few / fitted)) + 1e-9
