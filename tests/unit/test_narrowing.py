"""Measured by a part of the legend: a class that takes land of the others is as wrong there as no answer."""

import numpy as np
import pytest

from mlservice.contracts import UNSURE, LabelledPatch, Legend, LegendClass, PatchSegmentation
from mlservice.evaluate import evaluate_answers
from mlservice.narrowing import narrowed

OLD = (LegendClass(0, "rest", "#000000", is_null=True), LegendClass(1, "field", "#00ff00"))
COUNTED = Legend(OLD)
SAID = Legend((OLD[0], LegendClass(4, "agave", "#0000ff"), OLD[1]))


def answered(said: np.ndarray) -> tuple[LabelledPatch, PatchSegmentation]:
    """A patch of 32 px, its lower half *field* and a corner *agave*, and an answer of these class values by cell."""
    truth = np.zeros((32, 32), np.uint8)
    truth[16:] = 1
    truth[:8, :8] = 4
    probabilities = np.stack([np.where(said == value, 0.8, 0.1) for value in SAID.values]).astype(np.float32)
    answer = PatchSegmentation(
        "1",
        said.repeat(4, axis=0).repeat(4, axis=1),
        np.full((8, 8), 0.6, np.float32),
        probabilities,
        np.ones(1, np.float32),
        unparsed=np.zeros((8, 8), np.bool_),
    )
    return LabelledPatch("1", np.zeros((32, 32, 3), np.uint8), truth), answer


def right() -> np.ndarray:
    said = np.zeros((8, 8), np.uint8)
    said[4:] = 1
    said[:2, :2] = 4
    return said


def test_the_right_answer_is_right_and_land_of_another_class_is_not_measured():
    report = evaluate_answers(COUNTED, narrowed([answered(right())], SAID, COUNTED))
    assert report.miou == 1
    assert np.array(report.confusion).sum() == 32 * 32 - 64


def test_a_class_that_takes_land_of_the_others_costs_them():
    greedy = right()
    greedy[4:6] = 4
    patch, answer = next(narrowed([answered(greedy)], SAID, COUNTED))
    assert (answer.mask[16:24] == UNSURE).all()
    assert answer.unparsed[4:6].all()
    assert (patch.mask == 4).sum() == 0
    report = evaluate_answers(COUNTED, [(patch, answer)])
    assert report.iou == pytest.approx({0: 1, 1: 0.5})
    assert report.unsaid_pixels == (0, 256)


def test_under_the_same_legend_nothing_changes():
    given = answered(right())
    whole = evaluate_answers(SAID, [given])
    assert evaluate_answers(SAID, narrowed([given], SAID, SAID)) == whole
