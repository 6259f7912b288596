"""A report has the numbers that its masks and cells give by hand, and never one that is no number."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest

from mlservice.contracts import (
    UNSURE,
    EvaluateReport,
    EvaluateSpec,
    LabelledPatch,
    Legend,
    LegendClass,
    PatchSegmentation,
)
from mlservice.errors import MethodError
from mlservice.evaluate import answers, evaluate, evaluate_answers
from mlservice.landscape import LANDSCAPE_LEGEND
from mlservice.starter import starter_model
from mlservice.starter.measure import held_out_patches
from mlservice.token_grid import cells_to_indices, mask_to_cells
from mlservice.uncertainty import cell_entropy

LEGEND = Legend(
    (
        LegendClass(0, "rest", "#000000", is_null=True),
        LegendClass(2, "bund", "#ffffff", is_boundary=True),
        LegendClass(3, "field", "#00ff00"),
    )
)
REST, BUND, FIELD = 0, 2, 3
IMAGE = np.zeros((32, 32, 3), np.uint8)


def fields(*, shifted_px: int = 0) -> np.ndarray:
    """Two fields of 12 x 12 px in a patch of 32 px, with their bunds two pixels wide."""
    mask = np.zeros((32, 32), np.uint8)
    for col in (0, 16):
        mask[:16, col : col + 16] = BUND
        mask[2:14, col + 2 : col + 14] = FIELD
    return np.roll(mask, shifted_px, axis=1)


def labelled(mask: np.ndarray, key: str = "patch", pixel_m: float | None = None) -> LabelledPatch:
    return LabelledPatch(key, IMAGE, mask, pixel_m=pixel_m)


def answer(mask: np.ndarray, confidence: float = 0.8) -> PatchSegmentation:
    """An answer whose cells are as sure of the mask as they are told to be."""
    cells = cells_to_indices(mask_to_cells(mask, LEGEND), LEGEND)
    probabilities = np.full((3, *cells.shape), (1 - confidence) / 2, np.float32)
    np.put_along_axis(probabilities, cells[None], confidence, axis=0)
    return PatchSegmentation(
        "patch", mask, cell_entropy(probabilities), probabilities, np.zeros(1, np.float32)
    )


def measured(truth: np.ndarray, said: np.ndarray, confidence: float = 0.8) -> EvaluateReport:
    return evaluate_answers(LEGEND, [(labelled(truth), answer(said, confidence))])


def numbers_in(value: object) -> list[float]:
    if isinstance(value, dict):
        return [n for part in value.values() for n in numbers_in(part)]
    if isinstance(value, (tuple, list)):
        return [n for part in value for n in numbers_in(part)]
    return [value] if isinstance(value, float) else []


def test_a_perfect_answer_is_perfect_by_every_measure():
    report = measured(fields(), fields())
    assert report.miou == report.pixel_accuracy == report.cell_miou == 1
    assert report.boundary_f1 == report.boundary_f1_1px == 1
    assert report.object_precision == report.object_recall == report.object_f1 == report.object_mean_f1 == 1
    assert (report.true_objects, report.said_objects) == (2, 2)
    assert report.retention_area == 0
    assert report.patch_miou == {"patch": 1}
    # Right everywhere and four fifths sure.
    assert report.ece == pytest.approx(0.2)
    assert report.error_auroc is None


def test_a_shifted_answer_loses_what_the_shift_takes():
    report = measured(fields(), fields(shifted_px=2))
    # Each field keeps 10 of its 12 columns, of 14 that either has: an IoU of 0.714.
    assert report.iou[FIELD] == pytest.approx(10 / 14)
    assert report.object_f1 == 1
    assert report.object_mean_f1 == pytest.approx(0.5)
    assert report.boundary_f1 > report.boundary_f1_1px > 0.5


def test_cells_are_measured_by_their_likeliest_class_against_what_a_model_is_trained_to_say():
    truth, said = np.zeros((32, 32), np.uint8), np.zeros((32, 32), np.uint8)
    truth[:16] = FIELD
    said[:16, :16] = FIELD
    report = measured(truth, said)
    # 16 of 64 cells are wrong: 16 of 32 fields are found, and 48 cells are said to be rest.
    assert report.cell_miou == pytest.approx((16 / 32 + 32 / 48) / 2)
    assert report.ece == pytest.approx(abs(0.75 - 0.8))
    assert report.ece_by_class[FIELD] == pytest.approx(16 / 64 * 0.2 + 48 / 64 * abs(16 / 48 - 0.1))
    assert report.reliability.counts[12] == 64
    assert report.reliability.accuracy[12] == 0.75
    # All are equally sure, so that entropy tells nothing.
    assert report.error_auroc == 0.5
    assert report.retention_area == pytest.approx(0.25 / 2)
    assert report.cell_count == 64


def test_patches_that_are_less_sure_where_they_are_wrong_rank_in_order():
    right, wrong = fields(), np.full((32, 32), FIELD, np.uint8)
    report = evaluate_answers(
        LEGEND, [(labelled(right, "a"), answer(right, 0.9)), (labelled(right, "b"), answer(wrong, 0.5))]
    )
    assert report.entropy_rank_correlation == pytest.approx(1)
    assert report.error_auroc > 0.5
    assert report.retention_area < (1 - np.trace(report.confusion) / np.sum(report.confusion)) / 2
    assert list(report.patch_miou) == ["a", "b"]


def test_patches_add_up_whatever_their_order():
    pairs = [(labelled(fields(), f"{i}"), answer(fields(shifted_px=i), 0.5 + i / 10)) for i in range(4)]
    forwards = evaluate_answers(LEGEND, pairs)
    backwards = evaluate_answers(LEGEND, reversed(pairs))
    by_patch = {"patch_miou": {}, "patch_confusion": {}, "patch_statistics": {}}
    np.testing.assert_allclose(
        numbers_in(asdict(replace(backwards, **by_patch))), numbers_in(asdict(replace(forwards, **by_patch)))
    )
    for name in by_patch:
        assert getattr(forwards, name) == getattr(backwards, name)
    assert forwards.confusion == backwards.confusion
    assert forwards.patch_count == 4


def test_the_tolerance_of_boundaries_is_told_in_metres_of_each_patchs_latitude():
    pairs = [
        (labelled(fields(), "equator", 1.2), answer(fields())),
        (labelled(fields(), "north", 0.8), answer(fields())),
        (labelled(fields(), "unknown"), answer(fields())),
    ]
    report = evaluate_answers(LEGEND, pairs)
    assert report.boundary_tolerance_m == pytest.approx(2.0)
    tolerances = {key: patch.boundary_tolerance_m for key, patch in report.patch_statistics.items()}
    assert tolerances == {"equator": 2.4, "north": 1.6, "unknown": None}
    assert measured(fields(), fields()).boundary_tolerance_m is None


def test_without_a_boundary_class_there_is_no_tolerance():
    legend = Legend((LegendClass(0, "rest", "#000000", is_null=True), LegendClass(3, "field", "#00ff00")))
    land = np.where(fields() == FIELD, FIELD, REST).astype(np.uint8)
    whole = answer(fields())
    two_classes = replace(whole, mask=land, class_probabilities=whole.class_probabilities[[0, 2]])
    report = evaluate_answers(legend, [(labelled(land, pixel_m=1.0), two_classes)])
    assert (report.boundary_f1, report.boundary_tolerance_m) == (None, None)


def test_anything_with_the_parts_of_an_answer_can_be_measured():
    whole = answer(fields())
    parts = ("mask", "class_probabilities", "entropy_nats", "unparsed")
    other = SimpleNamespace(**{part: getattr(whole, part) for part in parts})
    assert evaluate_answers(LEGEND, [(labelled(fields()), other)]) == measured(fields(), fields())


def half_unparsed(mask: np.ndarray) -> PatchSegmentation:
    """The answer for a mask, but nothing said in its right half."""
    whole = answer(mask)
    unparsed = np.zeros((8, 8), bool)
    unparsed[:, 4:] = True
    said, probabilities = mask.copy(), whole.class_probabilities.copy()
    said[:, 16:], probabilities[:, unparsed] = UNSURE, 1 / 3
    return replace(
        whole,
        mask=said,
        class_probabilities=probabilities,
        entropy_nats=cell_entropy(probabilities),
        unparsed=unparsed,
        unparsed_cells=32,
    )


def test_where_no_class_was_said_nothing_is_right():
    rest = np.zeros((32, 32), np.uint8)
    report = evaluate_answers(LEGEND, [(labelled(rest), half_unparsed(rest))])
    assert (report.unparsed_cells, report.cell_count) == (32, 64)
    assert report.unsaid_pixels == (512, 0, 0)
    assert report.confusion[0] == (512, 0, 0)
    assert report.miou == report.pixel_accuracy == report.cell_miou == report.patch_miou["patch"] == 0.5
    # The other half has the largest entropy: a person gets exactly the cells that nothing was said of.
    assert report.error_auroc == 1


def test_an_answer_that_says_nothing_at_all_scores_zero():
    truth = fields()
    nothing = replace(
        answer(truth),
        mask=np.full((32, 32), UNSURE, np.uint8),
        unparsed=np.ones((8, 8), bool),
        unparsed_cells=64,
    )
    report = evaluate_answers(LEGEND, [(labelled(truth), nothing)])
    assert report.miou == report.cell_miou == report.object_f1 == report.boundary_f1 == 0


def all_cells_unsure() -> np.ndarray:
    """One pixel of every cell is sure, so that pixels can be measured and cells cannot."""
    mask = np.full((32, 32), UNSURE, np.uint8)
    mask[::4, ::4] = FIELD
    return mask


@pytest.mark.parametrize(
    "truth",
    [
        all_cells_unsure,
        lambda: np.zeros((32, 32), np.uint8),
        lambda: np.full((32, 32), BUND, np.uint8),
        lambda: np.full((32, 32), FIELD, np.uint8),
    ],
)
def test_no_report_holds_what_json_has_no_word_for(truth: Callable[[], np.ndarray]):
    for said in (fields(), np.zeros((32, 32), np.uint8)):
        report = measured(truth(), said)
        assert np.isfinite(numbers_in(asdict(report))).all()
        json.dumps(asdict(report), allow_nan=False)


def test_cells_that_are_all_unsure_have_no_calibration():
    report = measured(all_cells_unsure(), np.full((32, 32), FIELD, np.uint8))
    assert report.miou == 1
    assert (report.ece, report.cell_miou, report.retention, report.reliability) == (None,) * 4
    assert report.ece_by_class == {}


def test_a_patch_that_is_all_unsure_counts_nowhere():
    nothing = labelled(np.full((32, 32), UNSURE, np.uint8), "unsure")
    report = evaluate_answers(
        LEGEND, [(labelled(fields()), answer(fields())), (nothing, answer(fields(shifted_px=5)))]
    )
    alone = measured(fields(), fields())
    assert replace(report, patch_count=1, cell_count=64) == alone
    assert list(report.patch_statistics) == ["patch"]


def test_single_points_are_measured_as_cells_and_show_no_outlines():
    points = np.full((32, 32), UNSURE, np.uint8)
    for row, col in ((0, 0), (4, 4), (8, 20), (28, 28)):
        points[row : row + 4, col : col + 4] = fields()[row : row + 4, col : col + 4]
    report = measured(points, fields())
    assert report.miou == report.cell_miou == report.pixel_accuracy == 1
    assert np.sum(report.confusion) == 4 * 16
    assert report.boundary_f1 is report.boundary_f1_1px is report.object_f1 is report.object_recall is None
    assert report.true_objects == report.said_objects == 0
    half = np.where(np.arange(32) < 16, fields(), np.uint8(UNSURE))
    both = evaluate_answers(
        LEGEND, [(labelled(m, k), answer(fields())) for k, m in (("a", points), ("b", half))]
    )
    assert (both.boundary_f1, both.true_objects) == (1, 1), (
        "the patch of which enough is sure is counted still"
    )


@pytest.mark.parametrize("pairs", [[], [(labelled(np.full((32, 32), UNSURE, np.uint8)), answer(fields()))]])
def test_nothing_sure_cannot_be_measured(pairs):
    with pytest.raises(MethodError, match="nothing to measure"):
        evaluate_answers(LEGEND, pairs)


def test_broken_weights_are_told_and_not_scored():
    broken = answer(fields())
    broken.class_probabilities[1, 3, 3] = np.nan
    with pytest.raises(MethodError, match="no numbers"):
        evaluate_answers(LEGEND, [(labelled(fields()), broken)])


def test_probabilities_of_another_grid_are_refused():
    whole = answer(fields())
    coarse = replace(whole, class_probabilities=whole.class_probabilities[:, ::2, ::2])
    with pytest.raises(MethodError, match="3 classes of 8 × 8 cells"):
        evaluate_answers(LEGEND, [(labelled(fields()), coarse)])


def test_the_starter_is_measured_as_its_answers_are():
    patches = held_out_patches("a", 1.0, 1.0, 3, 6_000_000_000, LANDSCAPE_LEGEND)
    spec = EvaluateSpec(starter_model(), LANDSCAPE_LEGEND, patches)
    report = evaluate(spec)
    assert report == evaluate_answers(LANDSCAPE_LEGEND, answers(spec))
    assert report.patch_count == 3
    assert report.cell_count == 3 * 64 * 64
    assert 0.1 < report.object_f1 < 1
    assert report.object_mean_f1 < report.object_f1
    assert report.boundary_f1_1px < report.boundary_f1
    assert report.cell_miou > 0.4
    # Entropy hands over wrong cells first: well under the half that no order would leave.
    assert report.retention_area < 0.35 * report.retention.error[-1]


def test_no_held_out_patches_cannot_be_measured():
    with pytest.raises(MethodError, match="no held-out patches"):
        evaluate(EvaluateSpec(starter_model(), LANDSCAPE_LEGEND, ()))


def test_measuring_loads_no_torch():
    code = "import sys, mlservice.evaluate, mlservice.objects; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
