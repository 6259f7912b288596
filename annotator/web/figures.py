"""Plots by matplotlib, each a file of its own address: the page comes first, and what a browser has stays."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_INCHES = 8.0
"""At 72 points an inch, so wide as the text of a page."""


def plot_file(
    request: HttpRequest, shown: object, draw: Callable[[Axes], None] | None, height_inches: float
) -> HttpResponse:
    """An SVG of one pair of axes that ``draw`` fills; not drawn where the browser has one of what is ``shown``.

    ``shown`` holds all numbers and names of the plot: equal ones have an equal representation. Without ``draw`` it
    says that there is nothing to show.
    """
    etag = f'"{hashlib.sha256(repr(shown).encode()).hexdigest()[:20]}"'
    if (kept := get_conditional_response(request, etag)) is not None:
        return kept
    # Only plots need it, and it takes a second to load.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    file = io.StringIO()
    # Letters as letters are drawn by the browser: half the size, and in the time of half the plot.
    with rc_context({"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}):
        figure = Figure((WIDTH_INCHES, height_inches), layout="tight")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        if draw:
            draw(axes)
        else:
            axes.set_axis_off()
            axes.text(0.5, 0.5, "Nothing to show yet", ha="center", transform=axes.transAxes)
        figure.savefig(file, format="svg", metadata={"Date": None}, transparent=True)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    return HttpResponse(file.getvalue(), content_type="image/svg+xml", headers=headers)
