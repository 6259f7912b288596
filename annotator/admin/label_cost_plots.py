"""mIoU against what labels cost, as plots."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from annotator.plots import Frame, Plot, Point, Series, round_range
from annotator.queries.label_cost import LabelCost, MeasuredVersion, Round

CostOf = Callable[[LabelCost], float]


def cost_plots(rounds: Sequence[Round]) -> list[Plot]:
    """mIoU against the patches learned from and against the minutes drawn; none without a round of known cost."""
    known = [row for row in rounds if row.parent.cost is not None and row.candidate.cost is not None]
    if not known:
        return []
    return [
        _plot(known, "patches", "mIoU against patches", lambda cost: float(cost.patches)),
        _plot(known, "minutes", "mIoU against minutes of annotation", lambda cost: cost.seconds / 60),
    ]


def _plot(rounds: Sequence[Round], unit: str, caption: str, cost_of: CostOf) -> Plot:
    label = "patches learned from" if unit == "patches" else "minutes of annotation"
    series = [part for i, row in enumerate(rounds) for part in _round(row, i, unit, cost_of)]
    promoted = [
        (_point(version, cost_of), version)
        for row in rounds
        for version in (row.parent, row.candidate)
        if version.was_promoted
    ]
    series.append(
        Series(
            "promoted then or later",
            "third",
            [point for point, _ in promoted],
            has_line=False,
            has_marks=True,
            notes=[_note(version, unit, cost_of) for _, version in promoted],
        )
    )
    heights = [y for s in series for _, y in s.points]
    heights += [y for s in series for span in s.intervals if span for y in span]
    widest = max(x for s in series for x, _ in s.points)
    return Plot(
        caption=caption,
        description=" ".join(_sentence(row, unit, cost_of) for row in rounds),
        frame=Frame((0.0, (widest or 1.0) * 1.05), round_range(heights)),
        x_label=label,
        y_label="mIoU on held-out patches",
        series=series,
    )


def _round(row: Round, index: int, unit: str, cost_of: CostOf) -> list[Series]:
    """A line from the parent to the candidate, and the candidate with the interval of its gain."""
    start, end = _point(row.parent, cost_of), _point(row.candidate, cost_of)
    span = (row.parent.miou + row.gain.low, row.parent.miou + row.gain.high) if row.gain else None
    is_first = index == 0
    return [
        Series("a round, from its parent on", "quiet", [start, end], in_key=is_first),
        Series(
            "candidate, with the interval of its gain",
            "first",
            [end],
            has_line=False,
            has_marks=True,
            notes=[_note(row.candidate, unit, cost_of)],
            intervals=[span],
            in_key=is_first,
        ),
    ]


def _point(version: MeasuredVersion, cost_of: CostOf) -> Point:
    assert version.cost is not None, "only rounds of known cost are drawn"
    return cost_of(version.cost), version.miou


def _note(version: MeasuredVersion, unit: str, cost_of: CostOf) -> str:
    cost, miou = _point(version, cost_of)
    return f"Version {version.number}: mIoU {miou:.3f} after {cost:.0f} {unit}"


def _sentence(row: Round, unit: str, cost_of: CostOf) -> str:
    (before, parent), (after, candidate) = _point(row.parent, cost_of), _point(row.candidate, cost_of)
    return (
        f"Run {row.run_id}, held-out set {row.held_out_set}: from {before:.0f} to {after:.0f} {unit}, "
        f"mIoU {parent:.3f} to {candidate:.3f}."
    )
