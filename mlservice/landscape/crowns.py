"""Tree crowns: scattered, in stands, along hedges, and in the rows of orchards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlservice.landscape.blocks import ORCHARD, Blocks
from mlservice.landscape.noise import Float, Int, nearest_point


def crowns(
    rng: np.random.Generator, x: Float, y: Float, density: Float, crown_px: float, jitter: float = 0.8
) -> tuple[NDArray[np.bool_], Float]:
    """Tree crowns, where ``density`` is the chance that a crown's place is taken, and their brightness."""
    spacing = max(crown_px, 2.8)
    place, away, _, points = nearest_point(x, y, spacing, rng, jitter)
    taken = np.zeros(len(points), np.float32)
    # A crown's chance is that of its middle; the wandering of x and y shifts it by less than a crown.
    np.maximum.at(taken, place[away < 0.6 * spacing], density[away < 0.6 * spacing])
    radius = spacing * rng.uniform(0.36, 0.62, len(points)).astype(np.float32)
    radius[rng.random(len(points)) >= taken] = 0
    reach = radius[place]
    crown = away < reach
    tone = rng.uniform(0.75, 1.25, len(points)).astype(np.float32)[place]
    shade = tone * (np.float32(1.15) - np.float32(0.4) * (away / np.maximum(reach, np.float32(1))) ** 2)
    return crown, shade


def plant_orchards(
    rng: np.random.Generator,
    x: Float,
    y: Float,
    kind: NDArray[np.uint8],
    block: Int,
    blocks: Blocks,
    gsd_m: float,
    crown: NDArray[np.bool_],
    shade: Float,
) -> None:
    """Put crowns in rows into the orchards of ``crown`` and ``shade``."""
    planted = kind == ORCHARD
    if not planted.any():
        return
    cos, sin = blocks.cos[block[planted]], blocks.sin[block[planted]]
    across, along = cos * x[planted] + sin * y[planted], cos * y[planted] - sin * x[planted]
    full = np.full(across.shape, 0.94, np.float32)
    crown[planted], shade[planted] = crowns(rng, across, along, full, rng.uniform(4, 8) / gsd_m, jitter=0.15)
