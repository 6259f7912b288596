"""How far a version's certainty can be trusted: plots of its reliability and of the error that correcting leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from annotator.models import Evaluation
from annotator.plots import Frame, Plot, Series, Style, round_range

# The accuracy of fewer cells is mostly chance.
FEWEST_CELLS = 30
STYLES: tuple[Style, ...] = ("second", "first")


def uncertainty_plots(evaluations: Sequence[Evaluation]) -> list[Plot]:
    """Of one evaluation, or of the parent's and the candidate's in this order; without those not measured."""
    styled = list(zip(evaluations, STYLES if len(evaluations) > 1 else STYLES[1:], strict=True))
    reliable = [(e, style) for e, style in styled if _bins(e)]
    retained = [(e, style) for e, style in styled if e.metrics.get("retention")]
    return [
        *([_reliability(reliable)] if reliable else []),
        *([_retention(retained)] if retained else []),
    ]


def _reliability(measured: Sequence[tuple[Evaluation, Style]]) -> Plot:
    series = [Series("perfectly calibrated", "quiet", [(0.0, 0.0), (1.0, 1.0)])]
    sentences = []
    for evaluation, style in measured:
        bins = _bins(evaluation)
        name = str(evaluation.model_version)
        series.append(
            Series(
                name,
                style,
                [(confidence, accuracy) for confidence, accuracy, _ in bins],
                has_marks=True,
                notes=[
                    f"{name}: of {count} cells said with {confidence:.0%} confidence, {accuracy:.0%} are right"
                    for confidence, accuracy, count in bins
                ],
            )
        )
        sentences.append(_reliability_sentence(evaluation, bins))
    return Plot(
        caption="Reliability",
        description=" ".join(sentences),
        frame=Frame((0.0, 1.0), (0.0, 1.0)),
        x_label="confidence: probability of the likeliest class",
        y_label="cells that are right",
        series=series,
    )


def _bins(evaluation: Evaluation) -> list[tuple[float, float, int]]:
    """Mean confidence, accuracy and cells of the bins with cells enough."""
    curve: dict[str, Any] = evaluation.metrics.get("reliability") or {}
    rows = zip(curve.get("confidence", ()), curve.get("accuracy", ()), curve.get("counts", ()), strict=True)
    return [row for row in rows if row[2] >= FEWEST_CELLS]


def _reliability_sentence(evaluation: Evaluation, bins: Sequence[tuple[float, float, int]]) -> str:
    cells = sum(count for _, _, count in bins)
    surplus = sum(count * (accuracy - confidence) for confidence, accuracy, count in bins) / max(1, cells)
    manner = "less sure than it is right" if surplus > 0 else "surer than it is right"
    ece = evaluation.metrics.get("ece")
    error = "" if ece is None else f", expected calibration error {ece:.3f}"
    return f"{str(evaluation.model_version).capitalize()} is {abs(surplus):.1%} {manner} on average{error}."


def _retention(measured: Sequence[tuple[Evaluation, Style]]) -> Plot:
    series, sentences, highest = [], [], [0.0]
    for evaluation, style in measured:
        curve = evaluation.metrics["retention"]
        # The report tells what is kept; the reader corrects the rest.
        points = sorted(
            (1 - kept, error) for kept, error in zip(curve["share_kept"], curve["error"], strict=True)
        )
        name = str(evaluation.model_version)
        series.append(Series(name, style, points))
        highest.append(points[0][1])
        half = min(points, key=lambda point: abs(point[0] - 0.2))
        sentences.append(
            f"{name.capitalize()}: {points[0][1]:.1%} of the cells are wrong; with the least certain "
            f"{half[0]:.0%} corrected, {half[1]:.1%}."
        )
    if len(measured) == 1:
        series.append(
            Series("corrected in any order", "quiet", [(0.0, highest[-1]), (1.0, 0.0)]),
        )
    return Plot(
        caption="Error left as people correct the least certain cells first",
        description=" ".join(sentences),
        frame=Frame((0.0, 1.0), round_range(highest, from_zero=True)),
        x_label="share of the cells corrected",
        y_label="wrong cells left",
        series=series,
    )
