"""Plots as inline SVG, drawn from numbers alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 40


def loss_curve(losses: Sequence[float], steps: int) -> SafeString:
    """The training loss after each step so far; the x axis spans all ``steps`` of the run."""
    x_ticks = ticks(max(steps, len(losses), 1))
    y_ticks = ticks(max(losses, default=1.0) or 1.0)
    x_end, y_end = max(steps, len(losses), 1), y_ticks[-1]

    def x_at(step: float) -> float:
        return round(LEFT + step / x_end * (WIDTH - LEFT - RIGHT), 1)

    def y_at(loss: float) -> float:
        return round(HEIGHT - BOTTOM - loss / y_end * (HEIGHT - TOP - BOTTOM), 1)

    points = [(x_at(step), y_at(loss)) for step, loss in enumerate(losses, start=1)]
    return format_html(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-labelledby="loss-title">'
        '<title id="loss-title">{}</title>{}{}'
        '<text class="plot-label" x="{}" y="{}">step</text>'
        '<text class="plot-label" transform="rotate(-90)" x="{}" y="14">training loss</text>'
        '<polyline class="plot-line" points="{}"/>{}</svg>',
        WIDTH,
        HEIGHT,
        _sentence(losses, steps),
        _horizontal_lines([(y_at(tick), tick) for tick in y_ticks]),
        _step_ticks([(x_at(tick), tick) for tick in x_ticks if tick <= x_end]),
        (LEFT + WIDTH - RIGHT) / 2,
        HEIGHT - 4,
        -(TOP + HEIGHT - BOTTOM) / 2,
        " ".join(f"{x},{y}" for x, y in points),
        format_html('<circle class="plot-dot" cx="{}" cy="{}" r="3"/>', *points[-1]) if points else "",
    )


def ticks(end: float, count: int = 5) -> list[float]:
    """Round numbers from 0 to at least ``end``, about ``count`` of them apart from 0."""
    rough = end / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    return [round(step * n, 10) for n in range(math.ceil(end / step - 1e-9) + 1)]


def _sentence(losses: Sequence[float], steps: int) -> str:
    if not losses:
        return f"No step of {steps} is done yet."
    return f"Training loss from {losses[0]:.3f} to {losses[-1]:.3f} after {len(losses)} of {steps} steps."


def _horizontal_lines(places: Sequence[tuple[float, float]]) -> SafeString:
    return format_html_join(
        "",
        '<line class="plot-grid" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text class="plot-tick" x="{}" y="{}" text-anchor="end">{}</text>',
        ((LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, f"{tick:g}") for y, tick in places),
    )


def _step_ticks(places: Sequence[tuple[float, float]]) -> SafeString:
    return format_html_join(
        "",
        '<text class="plot-tick" x="{}" y="{}" text-anchor="middle">{}</text>',
        ((x, HEIGHT - BOTTOM + 16, f"{tick:g}") for x, tick in places),
    )
