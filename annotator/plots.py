"""Plots as inline SVG, drawn from numbers alone.

Series differ in colour (of the palette of Okabe and Ito), in dash and in the shape of their marks, so that they
are told apart with any colour vision and in print. The viewBox is narrow, so that a phone shows readable text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 18, 44
MARK = 4.0

Point = tuple[float, float]
Style = Literal["first", "second", "third", "quiet"]


@dataclass(frozen=True)
class Frame:
    """The ranges of both axes, low end first."""

    x_range: Point
    y_range: Point

    def x_at(self, value: float) -> float:
        low, high = self.x_range
        return round(LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT), 1)

    def y_at(self, value: float) -> float:
        low, high = self.y_range
        return round(HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)


@dataclass(frozen=True)
class Series:
    """Points in the order of x. ``notes`` are read when a mark is pointed at; ``intervals`` are y from and to."""

    name: str
    style: Style
    points: Sequence[Point]
    has_line: bool = True
    has_marks: bool = False
    notes: Sequence[str] = ()
    intervals: Sequence[Point | None] = ()
    in_key: bool = True


@dataclass(frozen=True)
class Plot:
    """A figure: its caption, what it shows in words, and what is drawn in it, in this order."""

    caption: str
    description: str
    frame: Frame
    x_label: str
    y_label: str
    series: Sequence[Series] = ()
    verticals: Sequence[tuple[float, str]] = ()

    def figure(self) -> SafeString:
        """The figure as HTML, with a key of its series below it."""
        return format_html(
            '<figure class="plot-box"><figcaption>{}</figcaption>'
            '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>'
            '<ul class="plot-key">{}</ul></figure>',
            *(self.caption, WIDTH, HEIGHT, self.description),
            _axes(self.frame, self.x_label, self.y_label),
            format_html_join("", "{}", ((_vertical(self.frame, *line),) for line in self.verticals)),
            format_html_join("", "{}", ((_drawn(self.frame, series),) for series in self.series)),
            format_html_join("", "<li>{} {}</li>", ((_swatch(s), s.name) for s in self.series if s.in_key)),
        )


def ticks(end: float, start: float = 0.0, count: int = 5) -> list[float]:
    """Round numbers from at most ``start`` to at least ``end``, about ``count`` steps apart."""
    rough = ((end - start) or abs(end) or 1.0) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(start / step + 1e-9), math.ceil(end / step - 1e-9)
    return [round(step * n, 10) for n in range(first, max(last, first + 1) + 1)]


def round_range(values: Sequence[float], *, from_zero: bool = False) -> Point:
    """A range that holds the values and ends on round numbers."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    found = ticks(high, 0.0 if from_zero else low)
    return found[0], found[-1]


def envelope(points: Sequence[Point], most: int = 600) -> list[Point]:
    """At most about ``most`` of the points: the lowest and the highest of each stretch, so that peaks stay."""
    if len(points) <= most:
        return list(points)
    size = math.ceil(2 * len(points) / most)
    kept: list[Point] = []
    for start in range(0, len(points), size):
        stretch = points[start : start + size]
        ends = {min(stretch, key=lambda p: p[1]), max(stretch, key=lambda p: p[1])}
        kept.extend(sorted(ends))
    return kept


def _axes(frame: Frame, x_label: str, y_label: str) -> SafeString:
    return format_html(
        '{}{}<text class="plot-label" x="{}" y="{}">{}</text>'
        '<text class="plot-label" transform="rotate(-90)" x="{}" y="14">{}</text>',
        format_html_join(
            "",
            '<line class="plot-grid" x1="{}" x2="{}" y1="{}" y2="{}"/>'
            '<text class="plot-tick" x="{}" y="{}" text-anchor="end">{}</text>',
            (
                (LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, f"{tick:g}")
                for tick in _ticks_within(frame.y_range)
                for y in (frame.y_at(tick),)
            ),
        ),
        format_html_join(
            "",
            '<text class="plot-tick" x="{}" y="{}" text-anchor="middle">{}</text>',
            ((frame.x_at(tick), HEIGHT - BOTTOM + 16, f"{tick:g}") for tick in _ticks_within(frame.x_range)),
        ),
        *((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, x_label),
        *(-(TOP + HEIGHT - BOTTOM) / 2, y_label),
    )


def _ticks_within(ends: Point) -> list[float]:
    low, high = ends
    return [tick for tick in ticks(high, low) if low - 1e-9 <= tick <= high + 1e-9]


def _vertical(frame: Frame, value: float, label: str) -> SafeString:
    """A line across the plot; its label stands on the side with more room."""
    x = frame.x_at(value)
    is_left = x > (LEFT + WIDTH - RIGHT) / 2
    return format_html(
        '<line class="plot-vertical" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text class="plot-note" x="{}" y="{}" text-anchor="{}">{}</text>',
        *(x, x, TOP - 6, HEIGHT - BOTTOM),
        *(x - 4 if is_left else x + 4, TOP - 6, "end" if is_left else "start", label),
    )


def _drawn(frame: Frame, series: Series) -> SafeString:
    places = [(frame.x_at(x), frame.y_at(y)) for x, y in series.points]
    notes = [*series.notes, *[""] * (len(places) - len(series.notes))]
    spans = zip(places, series.intervals, strict=False)
    return format_html(
        '<g class="plot-series plot-series--{}">{}{}{}</g>',
        series.style,
        format_html_join(
            "",
            '<line class="plot-interval" x1="{}" x2="{}" y1="{}" y2="{}"/>',
            ((x, x, frame.y_at(span[0]), frame.y_at(span[1])) for (x, _), span in spans if span),
        ),
        _line(places) if series.has_line else "",
        format_html_join(
            "", "{}", ((_mark(series.style, *p, n),) for p, n in zip(places, notes, strict=True))
        )
        if series.has_marks
        else "",
    )


def _line(places: Sequence[Point]) -> SafeString:
    return format_html(
        '<polyline class="plot-line" points="{}"/>', " ".join(f"{x:g},{y:g}" for x, y in places)
    )


def _mark(style: Style, x: float, y: float, note: str = "") -> SafeString:
    shape = {
        "first": f"M{x - MARK},{y}a{MARK},{MARK} 0 1,0 {2 * MARK},0a{MARK},{MARK} 0 1,0 {-2 * MARK},0",
        "second": f"M{x - MARK},{y - MARK}h{2 * MARK}v{2 * MARK}h{-2 * MARK}z",
        "third": f"M{x},{y - 2 * MARK}l{2 * MARK},{2 * MARK}l{-2 * MARK},{2 * MARK}l{-2 * MARK},{-2 * MARK}z",
        "quiet": f"M{x - MARK},{y}h{2 * MARK}M{x},{y - MARK}v{2 * MARK}",
    }[style]
    title = format_html("<title>{}</title>", note) if note else ""
    return format_html('<path class="plot-mark" d="{}">{}</path>', shape, title)


def _swatch(series: Series) -> SafeString:
    line = mark_safe('<line class="plot-line" x1="1" x2="27" y1="7" y2="7"/>') if series.has_line else ""
    return format_html(
        '<svg class="plot-swatch" viewBox="0 0 28 14" aria-hidden="true">'
        '<g class="plot-series plot-series--{}">{}{}</g></svg>',
        series.style,
        line,
        _mark(series.style, 14, 7) if series.has_marks else "",
    )
