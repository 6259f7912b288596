"""Agreement over time and the cost of corrections, as plots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from annotator.domain.quality_report import Agreement, QualityReport
from annotator.enums import ReadingPurpose
from annotator.plots import Frame, Plot, Point, Series, Style, round_range
from annotator.queries.quality import CorrectionCost

Measure = Callable[[Agreement], float | None]
MOST_CLASSES = 12
SMALLEST_SPAN = 0.1
"""Of an axis of agreement, so that thousandths look like what they are."""
_NAMES: dict[ReadingPurpose, tuple[str, Style]] = {
    ReadingPurpose.SECOND: ("two annotators", "first"),
    ReadingPurpose.GOLD: ("annotators and gold", "second"),
}


def quality_plots(report: QualityReport) -> list[Plot]:
    """What there is to plot: agreement from two months on, corrections from two versions on."""
    return [*_agreement_plots(report), *_correction_plots(report.costs)]


def _agreement_plots(report: QualityReport) -> list[Plot]:
    months = sorted({month for _, month, _ in report.by_month})
    if len(months) < 2:
        return []
    classes = sorted({name for _, _, one in report.by_month for name in one.class_alphas})
    measures: list[tuple[str, str, Measure]] = [
        ("Agreement over time", "mIoU", lambda one: one.miou),
        ("Agreement on boundaries over time", "boundary F1", lambda one: one.boundary_f1),
        ("Krippendorff's alpha over time", "alpha", lambda one: one.alpha),
        *((f"Alpha of {name} over time", "alpha", _alpha_of(name)) for name in classes[:MOST_CLASSES]),
    ]
    return [plot for measure in measures if (plot := _over_time(report, months, *measure))]


def _alpha_of(name: str) -> Measure:
    return lambda one: one.class_alphas.get(name)


def _over_time(
    report: QualityReport, months: list[date], caption: str, measured: str, measure: Measure
) -> Plot | None:
    """One measure, month by month; None before there are two months that have it."""
    series = [
        Series(
            name,
            style,
            [(_months_since(months[0], month), value) for month, value, _ in rows],
            has_marks=True,
            notes=[f"{month:%B %Y}: {measured} {value:.3f}, {count} patches" for month, value, count in rows],
        )
        for purpose, (name, style) in _NAMES.items()
        if (
            rows := [
                (month, value, one.patches)
                for month, one in _of(report, purpose)
                if (value := measure(one)) is not None
            ]
        )
    ]
    if len({x for one in series for x, _ in one.points}) < 2:
        return None
    return Plot(
        caption=caption,
        description=f"The {measured} of masks of the same patches, month by month from {months[0]:%B %Y}.",
        frame=Frame(
            (0.0, float(_months_since(months[0], months[-1]))),
            _span([y for one in series for _, y in one.points]),
        ),
        x_label=f"months since {months[0]:%B %Y}",
        y_label=measured,
        series=series,
    )


def _span(values: Sequence[float]) -> Point:
    middle = (min(values) + max(values)) / 2
    return round_range([*values, middle - SMALLEST_SPAN / 2, middle + SMALLEST_SPAN / 2])


def _of(report: QualityReport, purpose: ReadingPurpose) -> list[tuple[date, Agreement]]:
    return [(month, one) for some, month, one in report.by_month if some == purpose]


def _months_since(first: date, month: date) -> float:
    return float(12 * (month.year - first.year) + month.month - first.month)


def _correction_plots(costs: Sequence[CorrectionCost]) -> list[Plot]:
    shown = [cost for cost in costs if not cost.is_hidden and cost.miou is not None]
    if len({cost.version for cost in shown}) < 2:
        return []
    sides: tuple[tuple[str, Style, bool], ...] = (
        ("proposals of patches by chance", "first", True),
        ("proposals of other patches", "second", False),
    )
    series = [
        Series(
            name,
            style,
            [(float(cost.version), cost.miou or 0.0) for cost in rows],
            has_marks=True,
            notes=[
                f"Version {cost.version}: mIoU {cost.miou:.3f}, {cost.measured} patches, "
                f"{cost.seconds:.0f} s and {cost.strokes:.1f} strokes each"
                for cost in rows
            ],
            intervals=[_interval(cost) for cost in rows],
        )
        for name, style, is_audit in sides
        if (rows := [cost for cost in shown if cost.is_audit == is_audit])
    ]
    ends = [y for one in series for span in one.intervals if span for y in span]
    versions = [x for one in series for x, _ in one.points]
    return [
        Plot(
            caption="What is left of proposals",
            description="The mean mIoU of proposals with the masks that people made of them, by model version.",
            frame=Frame(
                (min(versions), max(versions)),
                round_range([y for one in series for _, y in one.points] + ends),
            ),
            x_label="model version",
            y_label="mIoU with the final mask",
            series=series,
        )
    ]


def _interval(cost: CorrectionCost) -> Point | None:
    if cost.miou is None or cost.miou_deviation is None or cost.measured < 2:
        return None
    half = 1.645 * cost.miou_deviation / cost.measured**0.5
    return cost.miou - half, cost.miou + half
