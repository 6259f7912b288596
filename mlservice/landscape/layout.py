"""Where things are: blocks of land, the fields in them, roads, water, crowns and roofs.

A scene is a Voronoi diagram of blocks. A block has one way of being divided: its pixels are turned
to the block's direction, bent, and cut at irregular intervals, first across and then along, which gives
rectangles, strips, terraces and paddies; or it is a finer Voronoi diagram. Every pixel knows its distance
to the nearest cut, so boundaries have any width without a search.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mlservice.landscape.features import Roof, hamlets, roads, waters
from mlservice.landscape.noise import Float, Int, nearest_point, smooth_noise
from mlservice.landscape.region import Region

FARMED, WOODED, ORCHARD, ROUGH = range(4)
RECTANGLES, STRIPS, TERRACES, PADDIES, IRREGULAR = range(5)
PROPERTY_ROWS = 4096
"""Fields and blocks take their properties from tables of this length, by their number modulo it."""


@dataclass(frozen=True)
class Layout:
    """The places of a scene, each ``(row, col)`` of one shape.

    ``field`` and ``block`` number the fields and blocks. ``edge_px`` is the distance to the nearest
    boundary line, ``half_boundary_px`` half the width of that line. ``road_px`` and ``shore_px`` are
    negative inside roads and water.
    """

    field: Int
    block: Int
    kind: NDArray[np.uint8]
    paddy: NDArray[np.bool_]
    along: Float
    edge_px: Float
    half_boundary_px: Float
    road_px: Float
    shore_px: Float
    yard: NDArray[np.bool_]
    crown: NDArray[np.bool_]
    crown_shade: Float
    canopy: NDArray[np.bool_]
    roofs: tuple[Roof, ...]
    side_px: float


def lay_out(
    rng: np.random.Generator, shape: tuple[int, int], region: Region, gsd_m: float, sensor_px: float
) -> Layout:
    """Draw the places of a scene that a sensor with pixels ``sensor_px`` wide can tell apart."""
    low, high = region.field_side_px
    low = min(max(low, 3 * sensor_px), 0.8 * high)
    side = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    rows, cols = shape
    y, x = np.mgrid[0:rows, 0:cols].astype(np.float32)
    wander = side * rng.uniform(0.03, 0.2)
    x = x + wander * smooth_noise(rng, shape, side * rng.uniform(1.2, 3.0))
    y = y + wander * smooth_noise(rng, shape, side * rng.uniform(1.2, 3.0))

    block, _, block_edge, centres = nearest_point(
        x, y, side * rng.uniform(3.0, 6.0), rng, rng.uniform(0.4, 1)
    )
    blocks = _Blocks.draw(rng, len(centres), region, side, smallest_px=max(9.0, 2.2 * sensor_px))
    field, along, edge = _divide(rng, x, y, block, blocks, side)
    edge = np.minimum(edge, block_edge)
    half = blocks.half_boundary_px[block]
    half = np.where(block_edge < edge + 0.5, np.maximum(half, blocks.border_px[block]), half)

    kind = blocks.kind[block]
    road, shore = roads(rng, shape, side, gsd_m), waters(rng, shape, side)
    yard, roofs = hamlets(rng, shape, gsd_m, road, shore)
    density = np.array([0.012, 0.97, 0.0, 0.13], np.float32)[kind]
    density *= blocks.tree_factor[block]
    density[(block_edge < 3.5) & blocks.hedged[block]] = 0.55
    density[yard] = 0.3
    density[(shore > 0) & (shore < 9)] += np.float32(0.25 * rng.random())
    density[(road < 2) | (shore < 1)] = 0
    crown, shade = _crowns(rng, x, y, density, rng.uniform(*region.crown_m) / gsd_m)
    _plant_orchards(rng, x, y, kind, block, blocks, gsd_m, crown, shade)
    crown &= (shore > 0) & (road > 0)
    canopy = crown
    if sensor_px > 1.5:
        # A lone crown within one sensor pixel is no mapped tree: it takes a stand of them, two pixels wide.
        canopy = ndimage.uniform_filter(crown.astype(np.float32), round(2 * sensor_px)) > 0.4
    canopy = (canopy | ((kind == WOODED) & ~yard)) & (shore > 0) & (road > 0)
    return Layout(
        field=field,
        block=block,
        kind=kind,
        paddy=(blocks.shape == PADDIES)[block],
        along=along,
        edge_px=edge,
        half_boundary_px=half,
        road_px=road,
        shore_px=shore,
        yard=yard,
        crown=crown,
        crown_shade=shade,
        canopy=canopy,
        roofs=roofs,
        side_px=side,
    )


@dataclass(frozen=True)
class _Blocks:
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
        cls, rng: np.random.Generator, count: int, region: Region, side: float, smallest_px: float
    ) -> _Blocks:
        def between(low: float, high: float) -> Float:
            return rng.uniform(low, high, count).astype(np.float32)

        rough = rng.uniform(0.0, 0.12)
        wooded, orchard = rng.uniform(0.0, 0.09), rng.uniform(0.0, 0.06)
        kind = rng.choice(4, count, p=[1 - rough - wooded - orchard, wooded, orchard, rough])
        # A scene keeps to one or two shapes of field, as neighbours divide their land alike.
        weights = np.array(region.shape_weights) * rng.gamma(0.6, size=5) + 0.002
        shape = rng.choice(5, count, p=weights / weights.sum())
        stretch = np.choose(
            shape, [between(1, 1.8), between(2.5, 7), between(2, 5), between(1, 2), between(1, 2.2)]
        )
        size = side * np.exp(0.33 * rng.standard_normal(count)) * np.choose(shape, [1, 0.6, 0.7, 0.75, 1])
        # Blocks follow the lie of the land or, as often, a surveyor's north; a quarter-turn is as likely
        # as none.
        lie = rng.uniform(0, np.pi) if rng.random() < 0.5 else rng.normal(0, 0.12)
        angle = lie + rng.normal(0, rng.uniform(0.02, 0.5), count)
        angle += np.pi / 2 * rng.integers(0, 2, count)
        bend = np.choose(
            shape, [between(0, 0.05), between(0, 0.3), between(0.8, 2), between(0.1, 0.6), between(0, 0.2)]
        )
        # Small fields are worth no wide boundaries.
        half = np.minimum(between(*region.half_boundary_px), 0.5 + 0.04 * size).astype(np.float32)
        return cls(
            kind=kind.astype(np.uint8),
            shape=shape,
            cos=np.cos(angle).astype(np.float32),
            sin=np.sin(angle).astype(np.float32),
            across_px=np.maximum(size, smallest_px).astype(np.float32),
            along_px=np.maximum(size * stretch, smallest_px).astype(np.float32),
            bend_px=(bend * side).astype(np.float32),
            slant=(between(-1, 1) * np.float32(rng.uniform(0, 0.5))).astype(np.float32),
            jitter=between(0.1, 0.85),
            half_boundary_px=half,
            border_px=np.maximum(half, between(0.8, 2.2)),
            hedged=rng.random(count) < rng.uniform(0, 0.5),
            tree_factor=(between(0, 2) ** 2).astype(np.float32),
        )


def _divide(
    rng: np.random.Generator, x: Float, y: Float, block: Int, blocks: _Blocks, side: float
) -> tuple[Int, Float, Float]:
    """Number the fields; give the coordinate across crop rows and the distance to the nearest cut."""
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


def _crowns(
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


def _plant_orchards(
    rng: np.random.Generator,
    x: Float,
    y: Float,
    kind: NDArray[np.uint8],
    block: Int,
    blocks: _Blocks,
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
    crown[planted], shade[planted] = _crowns(rng, across, along, full, rng.uniform(4, 8) / gsd_m, jitter=0.15)
