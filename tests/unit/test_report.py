"""A report's folder has all numbers as JSON and a readable plot of each thing that was measured."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from mlservice.contracts import EvaluateReport, Legend, LegendClass, ReliabilityCurve, RetentionCurve
from mlservice.report import WIDTH_PX, report_document, write_report

LEGEND = Legend(
    (
        LegendClass(0, "rest", "#000000", is_null=True),
        LegendClass(2, "bund", "#ffffff", is_boundary=True),
        LegendClass(5, "a very long name of a crop in three languages", "#00ff00"),
    )
)
REPORT = EvaluateReport(
    patch_count=2,
    miou=0.5,
    iou={0: 0.75, 2: 0.25},
    pixel_accuracy=0.9,
    boundary_f1=None,
    ece=0.1,
    error_auroc=None,
    confusion=((9, 1, 0), (2, 8, 0), (0, 0, 0)),
    patch_miou={"0123": 0.5},
    ece_by_class={0: 0.1, 2: 0.2},
    reliability=ReliabilityCurve((0, 0.5, 1), (None, 0.8), (None, 0.7), (0, 20)),
    retention=RetentionCurve((0, 0.5, 1), (0, 0.05, 0.3), 0.1),
    retention_area=0.1,
    unsaid_pixels=(0, 0, 0),
)
PLOTS = {"reliability.png", "retention.png", "confusion.png", "iou.png"}


def test_the_folder_holds_the_numbers_and_four_plots_of_one_width(tmp_path: Path):
    written = write_report(REPORT, tmp_path / "new" / "folder", LEGEND, "Starter")
    assert {path.name for path in written} == {"report.json", *PLOTS}
    for path in written[1:]:
        with Image.open(path) as plot:
            assert plot.width == WIDTH_PX
            # More than a blank canvas was drawn.
            assert len(plot.convert("RGB").getcolors(maxcolors=1 << 20)) > 50


def test_the_document_is_flat_and_its_keys_are_text(tmp_path: Path):
    write_report(REPORT, tmp_path, LEGEND, "Starter")
    document = json.loads((tmp_path / "report.json").read_text())
    assert document == json.loads(json.dumps(report_document(REPORT, LEGEND, "Starter")))
    assert document["title"] == "Starter"
    assert document["classes"]["2"] == "bund"
    assert document["iou"] == {"0": 0.75, "2": 0.25}
    assert document["ece_by_class"] == {"0": 0.1, "2": 0.2}
    assert document["reliability_accuracy"] == [None, 0.7]
    assert document["retention_error"] == [0, 0.05, 0.3]
    assert document["boundary_f1"] is None
    assert not {"reliability", "retention"} & set(document)


def test_what_was_not_measured_has_no_plot_and_leaves_none_of_an_earlier_report(tmp_path: Path):
    write_report(REPORT, tmp_path, LEGEND, "before")
    uncalibrated = replace(REPORT, ece=None, reliability=None, retention=None, retention_area=None)
    written = write_report(uncalibrated, tmp_path, LEGEND, "after")
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()}
    assert {path.name for path in written} == {"report.json", "confusion.png", "iou.png"}


def test_a_report_with_no_errors_and_one_with_unsaid_pixels_are_drawn(tmp_path: Path):
    flawless = replace(REPORT, retention=RetentionCurve((0, 1), (0, 0), 0), retention_area=0)
    assert len(write_report(flawless, tmp_path, LEGEND, "")) == 5
    assert len(write_report(replace(REPORT, unsaid_pixels=(3, 0, 1)), tmp_path, LEGEND, "")) == 5


def test_a_legend_of_twenty_classes_is_drawn(tmp_path: Path):
    classes = tuple(LegendClass(i, f"$_{i} or ${i}^", "#123456", is_null=not i) for i in range(20))
    many = replace(REPORT, confusion=((1,) * 20,) * 20, unsaid_pixels=(0,) * 20)
    assert len(write_report(many, tmp_path, Legend(classes), "Many classes")) == 5


def test_a_number_that_json_cannot_say_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_report(replace(REPORT, ece=float("nan")), tmp_path, LEGEND, "")


def test_only_writing_loads_matplotlib():
    code = "import sys, mlservice.report; print({'torch', 'matplotlib'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
