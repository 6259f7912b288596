"""The loss curve and the table of measures, drawn from numbers alone."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from annotator.admin.measures import measure_rows
from annotator.admin.plots import loss_curve, ticks
from annotator.models import Evaluation, LabelClass


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (60, [0, 20, 40, 60]),
        (0.013, [0, 0.005, 0.01, 0.015]),
        (7, [0, 2, 4, 6, 8]),
    ],
)
def test_ticks_are_round_and_reach_the_end(end: float, expected: list[float]) -> None:
    assert ticks(end) == pytest.approx(expected)


@pytest.mark.parametrize("losses", [[], [0.0], [2.5], [3.0, 1.0, 0.5, 0.25], [1e-9] * 100])
def test_the_curve_is_well_formed_and_stays_inside(losses: list[float]) -> None:
    svg = ET.fromstring(loss_curve(losses, steps=60))
    _, _, width, height = (float(number) for number in svg.attrib["viewBox"].split())
    pairs = [pair.split(",") for pair in svg.find("polyline").attrib["points"].split()]
    assert len(pairs) == len(losses)
    assert all(0 <= float(x) <= width and 0 <= float(y) <= height for x, y in pairs)


def test_the_curve_falls_from_left_to_right() -> None:
    svg = ET.fromstring(loss_curve([2.0, 1.0], steps=2))
    (x1, y1), (x2, y2) = (
        (float(x), float(y)) for x, y in (p.split(",") for p in svg.find("polyline").attrib["points"].split())
    )
    assert x1 < x2
    assert y1 < y2, "SVG counts y downwards"
    assert svg.find("title").text == "Training loss from 2.000 to 1.000 after 2 of 2 steps."


def test_measures_say_what_became_better() -> None:
    before = Evaluation(miou=0.4, metrics={"iou": {"1": 0.5}, "ece": 0.1, "boundary_f1": None})
    after = Evaluation(miou=0.5, metrics={"iou": {"1": 0.4}, "ece": 0.05, "boundary_f1": 0.2})
    rows = {row.name: row for row in measure_rows([before, after], [LabelClass(value=1, name="field")])}
    assert (rows["mIoU"].change_text, rows["mIoU"].verdict) == ("+0.100", "better")
    assert rows["expected calibration error"].verdict == "better"
    assert rows["IoU of field"].verdict == "worse"
    assert rows["boundary F1 (within 2 px)"].change is None
    assert rows["pixel accuracy"].values == (None, None)
