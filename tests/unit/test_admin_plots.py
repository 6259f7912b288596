"""The plots of runs, of reports and of label cost, and the table of measures, drawn from numbers alone."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from annotator.admin.measures import MeasureRow, row_groups
from annotator.admin.report_plots import uncertainty_plots
from annotator.admin.run_plots import loss_plot, miou_plot, run_plots
from annotator.models import Evaluation, LabelClass, ModelVersion, TrainingRun
from annotator.plots import Frame, Plot, envelope, round_range, ticks

VALIDATIONS = [
    {"step": 0, "loss": 1.2, "miou": 0.40},
    {"step": 20, "loss": 0.8, "miou": 0.47},
    {"step": 40, "loss": 0.9, "miou": 0.52},
]


def drawn(plot: Plot) -> ET.Element:
    svg = ET.fromstring(plot.figure()).find("svg")
    assert svg is not None
    return svg


def lines_of(plot: Plot) -> list[list[tuple[float, float]]]:
    return [
        [(float(x), float(y)) for x, y in (pair.split(",") for pair in line.attrib["points"].split())]
        for line in drawn(plot).iter("polyline")
    ]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0, 60, [0, 20, 40, 60]),
        (0, 0.013, [0, 0.005, 0.01, 0.015]),
        (0, 7, [0, 2, 4, 6, 8]),
        (0.41, 0.52, [0.4, 0.45, 0.5, 0.55]),
        (-0.02, 0.03, [-0.02, -0.01, 0, 0.01, 0.02, 0.03]),
        (0.5, 0.5, [0.5, 0.6]),
    ],
)
def test_ticks_are_round_and_reach_both_ends(start: float, end: float, expected: list[float]) -> None:
    assert ticks(end, start) == pytest.approx(expected)


def test_a_range_of_nothing_and_of_one_value_has_a_width() -> None:
    for values in ([], [0.0], [0.7], [-1.0]):
        low, high = round_range(values)
        assert low < high


def test_every_tick_lies_inside_the_plot() -> None:
    # Round ends of other ticks than those that are drawn between them.
    frame = Frame((0.0, 38.0), (0.63, 0.69))
    svg = drawn(Plot("mIoU", "", frame, "patches", "mIoU"))
    heights = [float(line.attrib["y1"]) for line in svg.iter("line")]
    assert len(heights) == 3
    assert all(frame.y_at(0.69) <= y <= frame.y_at(0.63) for y in heights)


def test_a_long_line_keeps_its_peaks() -> None:
    points = [(float(step), 1.0) for step in range(20_000)]
    points[12_345] = (12_345.0, 9.0)
    kept = envelope(points)
    assert len(kept) <= 700
    assert (12_345.0, 9.0) in kept
    assert kept == sorted(kept)


@pytest.mark.parametrize("losses", [[0.0], [2.5], [3.0, 1.0, 0.5, 0.25], [1e-9] * 100, [2.0] * 5000])
def test_the_loss_plot_is_well_formed_and_stays_inside(losses: list[float]) -> None:
    plot = loss_plot(TrainingRun(losses=losses, steps=len(losses) + 3))
    _, _, width, height = (float(number) for number in drawn(plot).attrib["viewBox"].split())
    for line in lines_of(plot):
        assert all(0 <= x <= width and 0 <= y <= height for x, y in line)


def test_the_loss_falls_from_left_to_right_and_is_told_in_words() -> None:
    plot = loss_plot(TrainingRun(losses=[2.0, 1.0], steps=2, state="training"))
    ((x1, y1), (x2, y2)) = lines_of(plot)[0]
    assert x1 < x2
    assert y1 < y2, "SVG counts y downwards"
    assert drawn(plot).attrib["aria-label"] == "Training loss from 2.000 to 1.000 after 2 of 2 steps."


def test_nothing_is_drawn_before_the_first_step() -> None:
    assert run_plots(TrainingRun(steps=60)) == []


def test_the_best_step_is_that_of_least_validation_loss_until_it_is_known() -> None:
    run = TrainingRun(losses=[1.0] * 40, steps=120, validations=VALIDATIONS, state="training")
    texts = [text.text for text in drawn(loss_plot(run)).iter("text")]
    assert "best so far: step 20" in texts
    run.state, run.best_step = "succeeded", 40
    texts = [text.text for text in drawn(miou_plot(run)).iter("text")]
    assert "best: step 40" in texts


def test_the_validation_plot_shows_the_parent_as_a_level() -> None:
    plot = miou_plot(TrainingRun(losses=[1.0] * 40, steps=120, validations=VALIDATIONS, state="training"))
    measured, parent = lines_of(plot)
    assert len(measured) == 3
    assert parent[0][1] == parent[1][1] == measured[0][1]
    assert "the parent's 0.400" in drawn(plot).attrib["aria-label"]
    notes = [title.text for title in drawn(plot).iter("title")]
    assert "Step 40: mIoU 0.520" in notes


def evaluation(number: int, **metrics: object) -> Evaluation:
    return Evaluation(model_version=ModelVersion(number=number), miou=0.4, metrics=metrics)


def test_reliability_leaves_out_empty_bins_and_says_which_way_it_errs() -> None:
    curve = {"confidence": [None, 0.5, 0.9], "accuracy": [None, 0.4, 0.7], "counts": [0, 100, 100]}
    (plot,) = uncertainty_plots([evaluation(2, reliability=curve, ece=0.15)])
    _, line = lines_of(plot)
    assert len(line) == 2
    assert "Version 2 is 15.0% surer than it is right on average" in drawn(plot).attrib["aria-label"]


def test_retention_is_drawn_by_what_is_corrected() -> None:
    curve = {"share_kept": [0.0, 0.8, 1.0], "error": [0.0, 0.05, 0.2], "area": 0.05}
    (plot,) = uncertainty_plots([evaluation(1, retention=curve), evaluation(2, reliability=None)])
    line, any_order = lines_of(plot)
    assert (line[0], line[-1]) == (any_order[0], any_order[-1])
    assert [y for _, y in line] == sorted((y for _, y in line)), "the error falls as more is corrected"
    assert "20.0% of the cells are wrong; with the least certain 20% corrected, 5.0%." in plot.description


def test_measures_say_what_surely_became_better() -> None:
    before = Evaluation(
        miou=0.4, metrics={"iou": {"1": 0.5}, "ece": 0.1, "boundary_f1": None, "error_auroc": 0.7}
    )
    after = Evaluation(
        miou=0.5, metrics={"iou": {"1": 0.4}, "ece": 0.05, "boundary_f1": 0.2, "error_auroc": 0.71}
    )
    verdict = {
        "intervals": {
            "miou": {"value": 0.1, "low": 0.02, "high": 0.18},
            "iou.1": {"value": -0.1, "low": -0.15, "high": -0.01},
            "ece": {"value": -0.05, "low": -0.08, "high": -0.02},
            "error_auroc": {"value": 0.01, "low": -0.02, "high": 0.04},
            "boundary_f1": None,
        }
    }
    rows = by_key([before, after], verdict)
    assert (rows["miou"].change_text, rows["miou"].verdict) == ("+0.100", "better")
    assert rows["ece"].verdict == "better"
    assert rows["iou.1"].verdict == "worse"
    assert rows["error_auroc"].verdict == "maybe chance"
    assert rows["boundary_f1"].change is None
    assert rows["boundary_f1"].verdict == ""
    assert "pixel_accuracy" not in rows, "what was never measured has no row"


def test_older_verdicts_give_the_intervals_that_they_have() -> None:
    evaluations = [
        Evaluation(miou=0.4, metrics={"iou": {"1": 0.5}}),
        Evaluation(miou=0.5, metrics={"iou": {"1": 0.6}}),
    ]
    gain = {"name": "field", "value": 0.1, "low": 0.02, "high": 0.18}
    rows = by_key(evaluations, {"miou": {**gain, "name": "mIoU"}, "classes": [gain]})
    assert rows["miou"].interval_text == rows["iou.1"].interval_text == "+0.020 to +0.180"


def test_a_boundary_s_tolerance_is_told_in_metres() -> None:
    groups = row_groups(
        [Evaluation(miou=0.4, metrics={"boundary_f1": 0.3, "boundary_tolerance_m": 2.38})], []
    )
    names = [row.measure.name for group in groups for row in group.rows]
    assert "Boundary F1, within 2 px (2.4 m)" in names


def by_key(evaluations: list[Evaluation], verdict: dict[str, object]) -> dict[str, MeasureRow]:
    groups = row_groups(evaluations, [LabelClass(value=1, name="field")], verdict)
    return {
        row.measure.key if row.measure.class_value is None else f"iou.{row.measure.class_value}": row
        for group in groups
        for row in group.rows
    }
