"""The plot of submissions per day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from annotator.queries.pace import Pace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT_INCHES = 2.6


def draw_pace(axes: Axes, pace: Pace) -> None:
    """Bars of the days with their mean as a line. The table beside it holds the same numbers."""
    totals = pace.totals
    axes.bar(range(len(totals)), totals, color="#0072b2")
    axes.axhline(sum(totals) / len(totals), color="#d55e00", linestyle="--", label="mean")
    # The newest day is named, and from it every so many days back.
    named = range(len(totals) - 1, -1, -(1 + len(totals) // 10))
    axes.set_xticks(list(named), [f"{pace.days[n]:%-d %b}" for n in named])
    axes.set_ylabel("patches submitted")
    axes.legend(frameon=False, loc="upper left")


def pace_words(pace: Pace) -> str:
    """What the plot shows, for whoever does not see it."""
    days = len(pace.days)
    return f"Patches submitted on each of {days} day{'' if days == 1 else 's'}, {sum(pace.totals):,} in all."
