"""Where things are: blocks of land, the fields in them, roads, water, crowns and roofs.

A scene is a Voronoi diagram of blocks, each divided into fields in a way of its own. Every pixel knows its
distance to the nearest cut, so boundaries have any width without a search.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mlservice.landscape.blocks import FARMED, OUTSIDE_PX, PADDIES, ROUGH, WOODED, Blocks, divide
from mlservice.landscape.crowns import crowns, plant_orchards
from mlservice.landscape.district import NO_PARCEL, Cues, Parcels, draw_district
from mlservice.landscape.features import Roof, hamlets, roads, value_at, waters
from mlservice.landscape.noise import Float, Int, nearest_point, smooth_noise
from mlservice.landscape.region import Region


@dataclass(frozen=True)
class Layout:
    """The places of a scene, each ``(row, col)`` of one shape.

    ``field`` and ``block`` number the fields and blocks. ``edge_px`` is the distance to the nearest
    boundary line, ``half_boundary_px`` half the width of that line. ``road_px`` and ``shore_px`` are
    negative inside roads and water; ``sand_px`` is how far sand lies beyond the shore. ``wetness`` is the
    season, 0 dry to 1 wet. ``roofs`` are those of hamlets and of towns.
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
    sand_px: float
    wetness: float
    cues: Cues
    parcels: Parcels
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
    blocks = Blocks.draw(rng, len(centres), region, side, sensor_px)
    field, along, edge = divide(rng, x, y, block, blocks, side)
    kind = blocks.kind[block]
    kind[(edge < OUTSIDE_PX) & (kind == FARMED)] = ROUGH
    edge = np.minimum(edge, block_edge)
    half = blocks.half_boundary_px[block]
    half = np.where(block_edge < edge + 0.5, np.maximum(half, blocks.border_px[block]), half)

    wetness = float(rng.random())
    road, (shore, sand) = roads(rng, shape, side, gsd_m), waters(rng, shape, side, region, wetness)
    yard, roofs = hamlets(rng, shape, gsd_m, road, shore)
    cues, parcels = draw_district(rng, sensor_px, free=(shore > sand + 2) & ~yard, wet=shore < 2)
    yard |= cues.town_px < 0
    roofs = tuple(r for r in roofs if value_at(cues.canal_px, r) > cues.half_canal_px + r.half_length)
    in_fields = rng.uniform(0.04, 0.14) if rng.random() < region.agroforestry_chance else 0.012
    density = np.array([in_fields, 0.97, 0.0, 0.13], np.float32)[kind]
    density *= blocks.tree_factor[block]
    density[(block_edge < 3.5) & blocks.hedged[block]] = 0.55
    density[yard] = 0.3
    density[(shore > 0) & (shore < 9)] += np.float32(0.25 * rng.random())
    treeless = (road < 2) | (shore < 1) | (parcels.kind != NO_PARCEL)
    treeless |= (cues.canal_px < cues.half_canal_px + 3) | cues.street
    density[treeless] = 0
    crown, shade = crowns(rng, x, y, density, rng.uniform(*region.crown_m) / gsd_m)
    plant_orchards(rng, x, y, kind, block, blocks, gsd_m, crown, shade)
    crown &= ~treeless
    canopy = crown
    if sensor_px > 1.5:
        # A lone crown within one sensor pixel is no mapped tree: it takes a stand of them, two pixels wide.
        canopy = ndimage.uniform_filter(crown.astype(np.float32), round(2 * sensor_px)) > 0.4
    canopy = (canopy | ((kind == WOODED) & ~yard)) & ~treeless
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
        sand_px=sand,
        wetness=wetness,
        cues=cues,
        parcels=parcels,
        yard=yard,
        crown=crown,
        crown_shade=shade,
        canopy=canopy,
        roofs=(*roofs, *cues.roofs),
        side_px=side,
    )
