"""Smooth random surfaces and nearest random points: the two primitives that landscapes are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Float = NDArray[np.float32]
Int = NDArray[np.int32]


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], scale_px: float) -> Float:
    """A smooth surface of mean 0 and deviation of about 1 whose hills are ``scale_px`` apart.

    Bicubic interpolation of white noise on a coarse grid at a random phase.
    """
    rows, cols = shape
    tall, wide = rows / scale_px, cols / scale_px
    knots = rng.standard_normal((int(tall) + 5, int(wide) + 5)).astype(np.float32)
    left, top = 1 + rng.random(2)
    box = (left, top, left + wide, top + tall)
    surface = Image.fromarray(knots).resize((cols, rows), Image.Resampling.BICUBIC, box=box)
    return np.asarray(surface, dtype=np.float32) * np.float32(1.3)


def nearest_point(
    x: Float, y: Float, spacing_px: float, rng: np.random.Generator, jitter: float
) -> tuple[Int, Float, Float, NDArray[np.float64]]:
    """The nearest of the points of a jittered grid, for every ``(x, y)``: a Voronoi diagram.

    Returns the index of the nearest point, the distance to it, the distance to the border with the second
    nearest point's region, and all points as ``(n, 2)`` of x, y. ``jitter`` is 0 for a regular grid and
    1 for points anywhere in their grid square.
    """
    left, top = float(x.min()) - 2 * spacing_px, float(y.min()) - 2 * spacing_px
    across = int((float(x.max()) - left) / spacing_px) + 3
    down = int((float(y.max()) - top) / spacing_px) + 3
    grid = np.stack(np.meshgrid(np.arange(across), np.arange(down)), axis=-1).reshape(-1, 2)
    points = (grid + 0.5 + jitter * (rng.random(grid.shape) - 0.5)) * spacing_px + (left, top)
    px, py = points.astype(np.float32).T.copy()

    home = ((y - np.float32(top)) / np.float32(spacing_px)).astype(np.int32) * across
    home += ((x - np.float32(left)) / np.float32(spacing_px)).astype(np.int32)
    first = np.full(x.shape, np.inf, np.float32)
    second = first.copy()
    first_at, second_at = home.copy(), home.copy()
    for step in (row * across + col for row in (-1, 0, 1) for col in (-1, 0, 1)):
        at = home + np.int32(step)
        distance = (x - px[at]) ** 2 + (y - py[at]) ** 2
        closer = distance < first
        runner_up = ~closer & (distance < second)
        np.copyto(second, first, where=closer)
        np.copyto(second_at, first_at, where=closer)
        np.copyto(first, distance, where=closer)
        np.copyto(first_at, at, where=closer)
        np.copyto(second, distance, where=runner_up)
        np.copyto(second_at, at, where=runner_up)
    apart = np.hypot(px[first_at] - px[second_at], py[first_at] - py[second_at])
    border = (second - first) / (2 * np.maximum(apart, np.float32(1e-3)))
    return first_at, np.sqrt(first), border, points
