"""What lies across the fields without regard to them: roads, rivers, ponds and hamlets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlservice.landscape.noise import Float, smooth_noise
from mlservice.landscape.region import Region


@dataclass(frozen=True)
class Roof:
    """One building: centre, half sides and height in pixels, angle in radians."""

    x: float
    y: float
    half_length: float
    half_width: float
    angle: float
    height: float


def _line(rng: np.random.Generator, shape: tuple[int, int], swing_px: float, scale_px: float) -> Float:
    """The signed distance to a winding line through the scene."""
    rows, cols = shape
    angle = rng.uniform(0, np.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    y, x = np.ogrid[0:rows, 0:cols]
    through_x, through_y = rng.random() * cols, rng.random() * rows
    straight = (cos * (x - through_x) + sin * (y - through_y)).astype(np.float32)
    winding: Float = straight + np.float32(swing_px) * smooth_noise(rng, shape, scale_px)
    return winding


def roads(rng: np.random.Generator, shape: tuple[int, int], side: float, gsd_m: float) -> Float:
    """The distance in pixels to the edge of the nearest road, negative on it; roads are 4 to 10 m wide."""
    road = np.full(shape, np.inf, np.float32)
    for _ in range(rng.poisson(0.2 + max(shape) / 900)):
        line = _line(rng, shape, side * rng.uniform(0, 0.4), side * 8)
        np.minimum(road, np.abs(line) - np.float32(max(1.2, rng.uniform(2, 5) / gsd_m)), out=road)
    return road


def waters(
    rng: np.random.Generator, shape: tuple[int, int], side: float, region: Region, wetness: float
) -> tuple[Float, float]:
    """The distance in pixels to the shore of the nearest river or pond, and how far sand lies beyond it.

    The distance is negative in the water. Rivers are narrower, and their sand banks wider, in a dry
    season (``wetness`` 0) than in a wet one (1); a river plain has one wide river.
    """
    rows, cols = shape
    shore = np.full(shape, np.inf, np.float32)
    plain = rng.random() < region.river_plain_chance
    full = 0.55 + 0.6 * wetness
    for _ in range(rng.poisson(0.1 + max(shape) / 2500)):
        line = _line(rng, shape, side * rng.uniform(0.5, 1.5), side * 5)
        np.minimum(shore, np.abs(line) - np.float32(rng.uniform(3, 14) * full), out=shore)
    if plain:
        line = _line(rng, shape, rng.uniform(20, 45), rng.uniform(90, 160))
        bars = np.maximum(smooth_noise(rng, shape, 22), 0) * np.float32(rng.uniform(0, 9) * (1.3 - wetness))
        np.minimum(shore, np.abs(line) + bars - np.float32(rng.uniform(12, 26) * full), out=shore)
    sand_px = rng.uniform(3, 12) * (1.2 - wetness) if plain else rng.uniform(0, 3.5) * (1 - wetness)
    for _ in range(rng.poisson(0.6 * rows * cols / 256**2)):
        radius = float(np.exp(rng.uniform(np.log(6), np.log(38))))
        top, left = rng.random() * rows, rng.random() * cols
        window, y, x = window_around(shape, left, top, 2 * radius)
        turn, flat = rng.uniform(0, np.pi), rng.uniform(0.5, 1)
        away = np.hypot(np.cos(turn) * x + np.sin(turn) * y, (np.cos(turn) * y - np.sin(turn) * x) / flat)
        bays = rng.uniform(0, 0.25) * np.sin(rng.integers(2, 5) * np.arctan2(y, x) + rng.uniform(0, 6))
        pond = (away - radius * (1 + bays)).astype(np.float32)
        np.minimum(shore[window], pond, out=shore[window])
    return shore, sand_px


def window_around(
    shape: tuple[int, int], x: float, y: float, reach: float
) -> tuple[tuple[slice, slice], NDArray[np.float64], NDArray[np.float64]]:
    """The part of the scene within ``reach`` of a point, and its coordinates relative to the point."""
    rows = np.arange(max(0, int(y - reach)), max(0, min(shape[0], int(y + reach) + 1)))
    cols = np.arange(max(0, int(x - reach)), max(0, min(shape[1], int(x + reach) + 1)))
    window = (
        slice(rows[0], rows[-1] + 1) if rows.size else slice(0, 0),
        slice(cols[0], cols[-1] + 1) if cols.size else slice(0, 0),
    )
    return window, rows[:, None] - np.float64(y), cols[None, :] - np.float64(x)


def value_at(surface: Float | NDArray[np.bool_], roof: Roof) -> float:
    """A surface's value under the middle of a roof, or where the scene ends on the way there."""
    rows, cols = surface.shape
    return float(surface[min(max(int(roof.y), 0), rows - 1), min(max(int(roof.x), 0), cols - 1)])


def hamlets(
    rng: np.random.Generator, shape: tuple[int, int], gsd_m: float, road: Float, shore: Float
) -> tuple[NDArray[np.bool_], tuple[Roof, ...]]:
    """The trodden ground of hamlets and lone farms, and their buildings, off the roads and the water."""
    rows, cols = shape
    yard = np.zeros(shape, bool)
    roofs: list[Roof] = []
    share = rows * cols / 256**2
    for count in [*rng.integers(3, 9, rng.poisson(0.35 * share)), *rng.integers(1, 3, rng.poisson(share))]:
        reach = (5 + 7.5 * np.sqrt(count)) / gsd_m + 2
        x, y = rng.random() * cols, rng.random() * rows
        window, down, right = window_around(shape, x, y, reach * 1.3)
        wobble = 1 + 0.2 * np.sin(3 * np.arctan2(down, right) + rng.uniform(0, 6))
        yard[window] |= np.hypot(down, right) < reach * wobble
        angle = rng.uniform(0, np.pi)
        for _ in range(count):
            away, bearing = reach * np.sqrt(rng.random()) * 0.85, rng.uniform(0, 2 * np.pi)
            roof = Roof(
                x=x + away * np.cos(bearing),
                y=y + away * np.sin(bearing),
                half_length=max(1.2, rng.uniform(3, 8) / gsd_m),
                half_width=max(1.0, rng.uniform(2, 4.5) / gsd_m),
                angle=angle + rng.normal(0, 0.15) + np.pi / 2 * rng.integers(0, 2),
                height=rng.uniform(2.5, 6) / gsd_m,
            )
            if value_at(road, roof) > roof.half_width and value_at(shore, roof) > roof.half_length:
                roofs.append(roof)
    return yard & (shore > 0), tuple(roofs)
