"""Blocks of land and how they are divided into fields.

A block has one way of being divided: its pixels are turned to the block's direction, bent, and cut at
irregular intervals, first across and then along, which gives rectangles, strips, terraces and paddies; or
it is a finer Voronoi diagram; or a circle that a pivot waters stands in each of its squares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlservice.landscape.noise import Float, Int, nearest_point, smooth_noise
from mlservice.landscape.region import Region

FARMED, WOODED, ORCHARD, ROUGH = range(4)
RECTANGLES, STRIPS, TERRACES, PADDIES, IRREGULAR, PIVOTS = range(6)
PROPERTY_ROWS = 4096
"""Fields and blocks take their properties from tables of this length, by their number modulo it."""
PIVOT_SIDE_PX = 34
LEAST_HALF_BOUNDARY = 0.2
"""Sensor pixels: a boundary line of which a pixel shows less than this to each side is drawn wider."""
OUTSIDE_PX = -1000.0


@dataclass(frozen=True)
class Blocks:
    """Properties of blocks, one value a block."""

    kind: NDArray[np.uint8]
    shape: NDArray[np.int64]
    cos: Float
    sin: Float
    across_px: Float
    along_px: Float
    bend_px: Float
    slant: Float
    jitter: Float
    half_boundary_px: Float
    border_px: Float
    hedged: NDArray[np.bool_]
    tree_factor: Float

    @classmethod
    def draw(
        cls, rng: np.random.Generator, count: int, region: Region, side: float, sensor_px: float
    ) -> Blocks:
        def between(low: float, high: float) -> Float:
            return rng.uniform(low, high, count).astype(np.float32)

        rough = rng.uniform(0.0, 0.12)
        wooded, orchard = rng.uniform(0.0, 0.09), rng.uniform(0.0, 0.06)
        kind = rng.choice(4, count, p=[1 - rough - wooded - orchard, wooded, orchard, rough])
        # A scene keeps to one or two shapes of field, as neighbours divide their land alike.
        weights = np.array(region.shape_weights) * rng.gamma(0.6, size=5) + 0.002
        shape = rng.choice(5, count, p=weights / weights.sum())
        # Pivots need wide land, and stand beside each other.
        if rng.random() < region.pivot_chance and side > PIVOT_SIDE_PX:
            shape[rng.random(count) < rng.uniform(0.4, 0.9)] = PIVOTS
        stretch = np.choose(
            shape,
            [between(1, 1.8), between(2.5, 7), between(2, 5), between(1, 2), between(1, 2.2), between(1, 1)],
        )
        smallest_px = max(9.0, 2.2 * sensor_px)
        size = (
            side * np.exp(0.33 * rng.standard_normal(count)) * np.choose(shape, [1, 0.6, 0.7, 0.75, 1, 1.3])
        )
        # Blocks follow the lie of the land or, as often, a surveyor's north; a quarter-turn is as likely
        # as none.
        lie = rng.uniform(0, np.pi) if rng.random() < 0.5 else rng.normal(0, 0.12)
        angle = lie + rng.normal(0, rng.uniform(0.02, 0.5), count)
        angle += np.pi / 2 * rng.integers(0, 2, count)
        bend = np.choose(
            shape,
            [between(0, 0.05), between(0, 0.3), between(0.8, 2), between(0.1, 0.6), between(0, 0.2), 0],
        )
        # Small fields are worth no wide boundaries, and a line far below a sensor pixel is not to be seen.
        half = np.minimum(between(*region.half_boundary_px), 0.5 + 0.04 * size)
        half = np.maximum(half, LEAST_HALF_BOUNDARY * sensor_px).astype(np.float32)
        return cls(
            kind=kind.astype(np.uint8),
            shape=shape,
            cos=np.cos(angle).astype(np.float32),
            sin=np.sin(angle).astype(np.float32),
            across_px=np.maximum(size, smallest_px).astype(np.float32),
            along_px=np.maximum(size * stretch, smallest_px).astype(np.float32),
            bend_px=(bend * side).astype(np.float32),
            slant=(between(-1, 1) * (shape != PIVOTS) * rng.uniform(0, 0.5)).astype(np.float32),
            jitter=(between(0.1, 0.85) * (shape != PIVOTS)).astype(np.float32),
            half_boundary_px=half,
            border_px=np.maximum(half, between(0.8, 2.2)),
            hedged=rng.random(count) < rng.uniform(0, 0.5),
            tree_factor=(between(0, 2) ** 2).astype(np.float32),
        )


def divide(
    rng: np.random.Generator, x: Float, y: Float, block: Int, blocks: Blocks, side: float
) -> tuple[Int, Float, Float]:
    """Number the fields; give the coordinate across crop rows and the distance to the nearest cut.

    Land outside a pivot's circle has a distance below `OUTSIDE_PX`.
    """
    hills = smooth_noise(rng, x.shape, side * 4.0)
    slope_y, slope_x = np.gradient(hills)
    cos, sin = blocks.cos[block], blocks.sin[block]
    bend = blocks.bend_px[block]
    across_px, along_px = blocks.across_px[block], blocks.along_px[block]
    jitter = blocks.jitter[block]
    along = cos * x + sin * y + bend * hills
    steepness = np.hypot(cos + bend * slope_x, sin + bend * slope_y) + np.float32(1e-3)

    offsets = rng.random(PROPERTY_ROWS).astype(np.float32)
    u = along / across_px
    column, near_column = _cut(u, jitter, offsets, block * 31)
    lane = block * 31 + column * 7
    v = (cos * y - sin * x) / along_px + blocks.slant[block] * u + offsets[lane % PROPERTY_ROWS]
    row, near_row = _cut(v, jitter, offsets, lane)
    edge = np.minimum(near_column * across_px / np.maximum(steepness, np.float32(0.3)), near_row * along_px)
    field = block * np.int32(7919) + column * np.int32(613) + row * np.int32(101)

    irregular = (blocks.shape == IRREGULAR)[block]
    if irregular.any():
        stretch = along_px[irregular] / across_px[irregular]
        down = (cos * y - sin * x)[irregular] / stretch
        cell, _, cell_edge, _ = nearest_point(along[irregular], down, side, rng, 0.95)
        field[irregular] = block[irregular] * np.int32(7919) + cell * np.int32(17)
        edge[irregular] = cell_edge
    pivots = (blocks.shape == PIVOTS)[block]
    if pivots.any():
        from_middle = np.hypot(u - column - np.float32(0.5), v - row - np.float32(0.5))[pivots]
        inside = (np.float32(0.485) - from_middle) * across_px[pivots]
        edge[pivots] = np.where(inside < 0, np.float32(2 * OUTSIDE_PX), inside)
    return field % PROPERTY_ROWS, along, edge


def _cut(position: Float, jitter: Float, offsets: Float, lane: Int) -> tuple[Int, Float]:
    """The interval between irregular cuts that a position is in, and how far the nearer cut is.

    There is one cut in each unit interval, ``jitter`` times a random part of the interval from its start.
    """
    index = np.floor(position).astype(np.int32)
    index -= position - index < jitter * offsets[(index + lane) % PROPERTY_ROWS]
    lower = index + jitter * offsets[(index + lane) % PROPERTY_ROWS]
    upper = index + 1 + jitter * offsets[(index + 1 + lane) % PROPERTY_ROWS]
    return index, np.minimum(position - lower, upper - position).astype(np.float32)
