"""The plot of submissions per day, by matplotlib, as inline SVG."""

from __future__ import annotations

import io

from django.utils.html import format_html
from django.utils.safestring import SafeString

from annotator.queries.pace import Pace

WIDTH_INCHES, HEIGHT_INCHES = 8.0, 2.6


def pace_plot(pace: Pace) -> SafeString:
    """A figure of bars with the mean as a line; empty without a day. The table beside it holds the same numbers."""
    if not pace.days:
        return SafeString("")
    # Only this page needs it, and it takes a second to load.
    from matplotlib.figure import Figure

    figure = Figure((WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
    axes = figure.add_subplot()
    totals = pace.totals
    axes.bar([day.strftime("%-d %b") for day in pace.days], totals, color="#0072b2")
    axes.axhline(sum(totals) / len(totals), color="#d55e00", linestyle="--", label="mean")
    axes.set_ylabel("patches submitted")
    axes.tick_params(axis="x", labelrotation=60, labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    # The header of the file is of no use inside a page.
    svg = drawn.getvalue()[drawn.getvalue().index("<svg") :]
    words = f"Patches submitted on each of {len(totals)} days, {sum(totals)} in all."
    # All text in it is ours: dates, numbers and the words above.
    return format_html(
        '<figure class="pace-plot" role="img" aria-label="{}">{}</figure>', words, SafeString(svg)
    )
