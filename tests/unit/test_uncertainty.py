"""Entropy is 0 for certainty, ln C for ignorance, and rises with temperature."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mlservice.uncertainty import cell_entropy, largest_entropy_nats, tempered_softmax

logits = npst.arrays(np.float32, (4, 3, 2), elements=st.floats(-20, 20, width=32))


def test_a_certain_cell_has_no_entropy_and_an_even_one_has_the_logarithm_of_the_classes():
    probabilities = np.array([[[1.0, 0.25]], [[0.0, 0.25]], [[0.0, 0.25]], [[0.0, 0.25]]], np.float32)
    entropy = cell_entropy(probabilities)
    assert entropy.dtype == np.float32
    np.testing.assert_allclose(entropy, [[0, np.log(4)]], rtol=1e-6)
    assert largest_entropy_nats(4) == pytest.approx(np.log(4))


def test_entropy_is_in_nats():
    assert cell_entropy(np.full((2, 1, 1), 0.5, np.float32))[0, 0] == pytest.approx(0.693147, abs=1e-6)


@given(logits)
def test_entropy_lies_between_nothing_and_the_largest(values):
    entropy = cell_entropy(tempered_softmax(values, 1.0))
    assert entropy.shape == (3, 2)
    assert (entropy >= 0).all()
    assert (entropy <= largest_entropy_nats(4) + 1e-5).all()


@given(logits, st.floats(1, 10))
def test_a_higher_temperature_never_lowers_entropy(values, temperature):
    plain, hot = (cell_entropy(tempered_softmax(values, t)) for t in (1.0, temperature))
    assert (hot >= plain - 1e-5).all()


@given(logits, st.floats(0.2, 5))
def test_log_probabilities_serve_as_logits(values, temperature):
    again = tempered_softmax(np.log(tempered_softmax(values, 1.0) + np.float32(1e-30)), temperature)
    np.testing.assert_allclose(again, tempered_softmax(values, temperature), atol=1e-4)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_not_above_zero_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature"):
        tempered_softmax(np.zeros((2, 1, 1), np.float32), temperature)
