"""A report in a folder: its numbers as JSON, and as pictures what numbers alone do not show."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlservice.contracts import EvaluateReport, Legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REPORT_FILE = "report.json"
WIDTH_PX = 800
DOTS_PER_INCH = 100
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#6b6b6b"
"""Of the palette of Okabe and Ito, which people with any colour vision tell apart."""
MOST_CLASSES_WITH_NUMBERS = 12
LONGEST_NAME = 24


def write_report(report: EvaluateReport, folder: Path, legend: Legend, title: str) -> tuple[Path, ...]:
    """Write ``report.json`` and the plots that there is something to plot for; returns the files written.

    The plots are ``reliability.png``, ``retention.png``, ``confusion.png`` and ``iou.png``, 800 px wide. The
    folder is made where it is missing; a plot of an earlier report goes where this one has none. Needs
    matplotlib, which comes with the extra ``ml``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = folder / REPORT_FILE
    document = json.dumps(report_document(report, legend, title), indent=1, allow_nan=False)
    numbers.write_text(document + "\n")
    plots: dict[str, Callable[[], Figure | None]] = {
        "reliability.png": lambda: _reliability(report, title),
        "retention.png": lambda: _retention(report, title),
        "confusion.png": lambda: _confusion(report, legend, title),
        "iou.png": lambda: _class_iou(report, legend, title),
    }
    written = [numbers]
    for name, draw in plots.items():
        figure = draw()
        if figure is None:
            (folder / name).unlink(missing_ok=True)
        else:
            figure.savefig(folder / name)
            written.append(folder / name)
    return tuple(written)


def report_document(report: EvaluateReport, legend: Legend, title: str) -> dict[str, Any]:
    """The report by the names of its fields, with the curves' parts beside the others; all of it is JSON.

    Class values are keys as text, and ``classes`` has their names.
    """
    fields = asdict(report)
    for curve in ("reliability", "retention"):
        parts = fields.pop(curve) or {}
        fields |= {f"{curve}_{part}": values for part, values in parts.items()}
    for by_value in ("iou", "ece_by_class"):
        fields[by_value] = {str(value): share for value, share in fields[by_value].items()}
    classes = {str(c.value): c.name for c in legend.classes}
    return {"title": title, "classes": classes, **fields}


def _canvas(title: str, subject: str, height_px: int = 600) -> tuple[Figure, Axes]:
    """One plot of `WIDTH_PX`; drawn without a display and without matplotlib's global state."""
    from matplotlib.figure import Figure

    size_inches = (WIDTH_PX / DOTS_PER_INCH, height_px / DOTS_PER_INCH)
    figure = Figure(figsize=size_inches, dpi=DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    figure.suptitle(f"{title}\n{subject}" if title else subject, fontsize=14, x=0.01, ha="left")
    axes.tick_params(labelsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _reliability(report: EvaluateReport, title: str) -> Figure | None:
    curve = report.reliability
    if curve is None or report.ece is None:
        return None
    figure, axes = _canvas(title, f"Reliability of cells: expected calibration error {report.ece:.3f}")
    bins = [
        (confidence, accuracy)
        for confidence, accuracy in zip(curve.confidence, curve.accuracy, strict=True)
        if confidence is not None and accuracy is not None
    ]
    confidence, accuracy = np.array(bins).T
    shares = np.array(curve.counts) / sum(curve.counts)
    edges = np.array(curve.edges)
    axes.bar(
        *(edges[:-1], shares, np.diff(edges)),
        align="edge",
        color="#d9d9d9",
        edgecolor="white",
        label="share of all cells",
    )
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.5, label="perfectly calibrated")
    axes.vlines(confidence, accuracy, confidence, color=ORANGE, linewidth=2.5, label="gap")
    axes.plot(
        confidence, accuracy, color=BLUE, marker="o", markersize=7, linewidth=2, label="cells that are right"
    )
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.set_xlabel("confidence: probability of the likeliest class", fontsize=13)
    axes.set_ylabel("share", fontsize=13)
    axes.legend(loc="upper left", fontsize=12, frameon=False)
    return figure


def _retention(report: EvaluateReport, title: str) -> Figure | None:
    curve = report.retention
    if curve is None:
        return None
    figure, axes = _canvas(
        title, f"Error left when a person corrects the most uncertain: area {curve.area:.4f}"
    )
    kept, error = np.array(curve.share_kept), np.array(curve.error)
    total = float(error[-1])
    axes.plot(kept, error, color=BLUE, linewidth=2.5, label="kept by ascending entropy")
    axes.fill_between(kept, error, color=BLUE, alpha=0.12)
    axes.plot(kept, kept * total, color=GREY, linestyle="--", linewidth=1.5, label="kept at random")
    axes.plot(
        [0, 1 - total, 1], [0, 0, total], color=ORANGE, linestyle=":", linewidth=2.5, label="best possible"
    )
    axes.set(xlim=(0, 1), ylim=(0, max(total * 1.05, 0.01)))
    axes.set_xlabel("share of cells kept; a person corrects the others", fontsize=13)
    axes.set_ylabel("wrong cells kept, as a share of all", fontsize=13)
    axes.legend(loc="upper left", fontsize=12, frameon=False)
    return figure


def _confusion(report: EvaluateReport, legend: Legend, title: str) -> Figure:
    names = _names(legend)
    few = len(names) <= MOST_CLASSES_WITH_NUMBERS
    figure, axes = _canvas(title, "Of each true class's pixels, the share said to be …", height_px=700)
    counts, columns = np.array(report.confusion), names
    if any(report.unsaid_pixels):
        counts, columns = np.column_stack([counts, report.unsaid_pixels]), [*names, "nothing"]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    picture = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    size = 12 if few else 8
    axes.set_xticks(
        range(len(columns)), columns, rotation=40, ha="right", rotation_mode="anchor", fontsize=size
    )
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.set_xlabel("said", fontsize=13)
    axes.set_ylabel("true", fontsize=13)
    if few:
        for (row, col), share in np.ndenumerate(shares):
            color = "black" if share > 0.5 else "white"
            axes.text(col, row, f"{share:.2f}", ha="center", va="center", color=color, fontsize=size)
    axes.spines[:].set_visible(False)
    figure.colorbar(picture, ax=axes, fraction=0.04, pad=0.02)
    return figure


def _class_iou(report: EvaluateReport, legend: Legend, title: str) -> Figure:
    height_px = 200 + 45 * len(legend.classes)
    figure, axes = _canvas(
        title, f"Intersection over union by class, dashed: mean {report.miou:.3f}", height_px
    )
    places = range(len(legend.classes))
    shares = [report.iou.get(c.value) for c in legend.classes]
    axes.barh(places, [share or 0 for share in shares], color=BLUE, height=0.65)
    axes.axvline(report.miou, color=ORANGE, linestyle="--", linewidth=2)
    for place, share in zip(places, shares, strict=True):
        text = "absent" if share is None else f"{share:.3f}"
        axes.text(1.02, place, text, va="center", fontsize=12)
    axes.set_yticks(places, _names(legend), fontsize=12)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1))
    return figure


def _names(legend: Legend) -> list[str]:
    """The classes' names as matplotlib writes them, cut where they would push the plot aside."""
    names = [c.name for c in legend.classes]
    short = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in names]
    # Between two dollar signs it would read a formula.
    return [name.replace("$", r"\$") for name in short]
