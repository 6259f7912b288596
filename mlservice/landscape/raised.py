"""What stands up from the land: tree crowns and roofs, and their shadows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlservice.landscape.classes import BUILDINGS
from mlservice.landscape.colour import vary
from mlservice.landscape.features import Roof, window_around
from mlservice.landscape.layout import Layout
from mlservice.landscape.noise import Float
from mlservice.landscape.region import Region


def shade_crowns(
    rng: np.random.Generator,
    colours: Float,
    layout: Layout,
    lean: NDArray[np.float64],
    canopy: Float,
    grain: Float,
    gsd_m: float,
) -> None:
    height_px = rng.uniform(3, 7) / gsd_m
    down, right = (round(float(step) * height_px) for step in lean)
    fallen = np.zeros_like(layout.crown)
    rows, cols = fallen.shape
    fallen[max(down, 0) : rows + min(down, 0), max(right, 0) : cols + min(right, 0)] = layout.crown[
        max(-down, 0) : rows + min(-down, 0), max(-right, 0) : cols + min(-right, 0)
    ]
    colours[fallen] *= np.float32(rng.uniform(0.45, 0.75))
    under = layout.canopy & ~layout.crown
    colours[under] = canopy * np.float32(0.75)
    tone = layout.crown_shade[layout.crown] * (1 + np.float32(0.12) * grain[layout.crown])
    colours[layout.crown] = tone[:, None] * canopy


def _inside(
    shape: tuple[int, int], roof: Roof, shift: tuple[float, float] = (0, 0)
) -> tuple[tuple[slice, slice], NDArray[np.bool_], NDArray[np.bool_]]:
    """The window around a roof, which of its pixels are under it, and which on its far slope."""
    reach = roof.half_length + roof.half_width + 2
    window, down, right = window_around(shape, roof.x + shift[1], roof.y + shift[0], reach)
    cos, sin = np.cos(roof.angle), np.sin(roof.angle)
    along, across = cos * right + sin * down, cos * down - sin * right
    return window, (np.abs(along) < roof.half_length) & (np.abs(across) < roof.half_width), across > 0


def shadow(colours: Float, roof: Roof, lean: NDArray[np.float64]) -> None:
    down, right = lean * roof.height
    window, under, _ = _inside((colours.shape[0], colours.shape[1]), roof, (down, right))
    colours[window][under] *= np.float32(0.5)


def raise_roof(
    rng: np.random.Generator, colours: Float, truth: NDArray[np.uint8], roof: Roof, region: Region
) -> None:
    tone = vary(rng, region.roofs[rng.integers(len(region.roofs))], 0.05)
    window, under, far = _inside((truth.shape[0], truth.shape[1]), roof)
    # A roof the colour of its yard would not be seen.
    around = float(colours[window][under].mean()) if under.any() else 0.0
    if abs(float(tone.mean()) - around) < 0.14:
        tone = np.clip(tone + (0.22 if around < 0.6 else -0.25), 0.03, 0.97).astype(np.float32)
    slopes = np.where(far[..., None], tone * np.float32(rng.uniform(0.7, 1)), tone)
    colours[window][under] = slopes[under]
    truth[window][under] = BUILDINGS
