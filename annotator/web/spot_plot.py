"""The plot of what spot checks found, by annotator and week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from annotator.queries.spot_checks import SpotTally

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_WEEKS, MOST_ANNOTATORS = 26, 12
ROW_INCHES, REST_INCHES = 0.55, 1.0
_BAR_SHARE = 0.85
# What was found, its colour (of the palette of Okabe and Ito) and its hatching, for print and for any colour vision.
_FOUND = (
    ("passed", "passed", "#0072b2", ""),
    ("returned", "returned", "#e69f00", "//////"),
    ("fixed", "fixed by a lead", "#d55e00", "......"),
    ("open", "not looked at", "#ffffff", ""),
)


@dataclass(frozen=True)
class SpotPlot:
    """The weeks (their Mondays, the oldest first) and, of each annotator by name, what was found in each of them."""

    weeks: list[date]
    rows: list[tuple[str, list[SpotTally | None]]]
    left_out: int
    """How many annotators were checked less often than those shown."""

    @property
    def height_inches(self) -> float:
        return REST_INCHES + ROW_INCHES * len(self.rows)

    @property
    def words(self) -> str:
        """What it shows, for whoever does not see it."""
        people = f"{len(self.rows)} annotator{'' if len(self.rows) == 1 else 's'}"
        return f"What spot checks found in {len(self.weeks)} weeks, a row of bars for each of {people}."


def spot_plot(by_week: Sequence[SpotTally]) -> SpotPlot | None:
    """The newest weeks of the people who were checked most; None before there are two weeks to compare."""
    last = max((one.day for one in by_week if one.day), default=None)
    if last is None:
        return None
    oldest = last - timedelta(weeks=MOST_WEEKS - 1)
    shown = [one for one in by_week if one.day and one.day >= oldest]
    first = min(one.day for one in shown if one.day)
    weeks = [first + timedelta(weeks=n) for n in range((last - first).days // 7 + 1)]
    if len(weeks) < 2:
        return None
    drawn: dict[str, int] = {}
    for one in shown:
        drawn[one.annotator] = drawn.get(one.annotator, 0) + one.drawn
    names = sorted(sorted(drawn, key=lambda name: (-drawn[name], name))[:MOST_ANNOTATORS])
    found = {(one.annotator, one.day): one for one in shown}
    rows = [(name, [found.get((name, week)) for week in weeks]) for name in names]
    return SpotPlot(weeks, rows, len(drawn) - len(names))


def draw_spots(axes: Axes, plot: SpotPlot) -> None:
    """A row of stacked bars for each annotator, all at one scale. The table beside it holds the same numbers."""
    most = max(one.drawn for _, found in plot.rows for one in found if one)
    scale = _BAR_SHARE / most
    for row, (_, found) in enumerate(reversed(plot.rows)):
        tops = {week: float(row) for week, one in enumerate(found) if one}
        for field, _, color, hatch in _FOUND:
            heights = {week: scale * getattr(found[week], field) for week in tops}
            some = [week for week, height in heights.items() if height]
            axes.bar(
                some,
                [heights[week] for week in some],
                bottom=[tops[week] for week in some],
                color=color,
                hatch=hatch,
                edgecolor="#3a3a3a",
                linewidth=0.5,
            )
            tops = {week: top + heights[week] for week, top in tops.items()}
        axes.axhline(row, color="#8a8a8a", linewidth=0.6)
    axes.set_yticks([row + 0.4 for row in range(len(plot.rows))], [name for name, _ in reversed(plot.rows)])
    axes.tick_params(axis="y", length=0)
    named = range(len(plot.weeks) - 1, -1, -(1 + len(plot.weeks) // 9))
    axes.set_xticks(list(named), [f"{plot.weeks[n]:%-d %b %Y}" for n in named])
    axes.set_xlabel(f"week from Monday; the tallest bar is {most} patch{'' if most == 1 else 'es'}")
    axes.set(xlim=(-0.7, len(plot.weeks) - 0.3), ylim=(0, len(plot.rows)))
    _key(axes)


def _key(axes: Axes) -> None:
    from matplotlib.patches import Patch

    marks = [
        Patch(facecolor=color, hatch=hatch, edgecolor="#3a3a3a", linewidth=0.5, label=label)
        for _, label, color, hatch in _FOUND
    ]
    axes.legend(handles=marks, ncols=4, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0))
