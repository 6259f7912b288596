"""What things look like: the colours of a laid-out scene as they leave the ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlservice.landscape.blocks import FARMED, PROPERTY_ROWS
from mlservice.landscape.classes import BOUNDARY, FIELD, OTHER, TREES, WATER
from mlservice.landscape.colour import blend, vary
from mlservice.landscape.layout import Layout
from mlservice.landscape.noise import Float, smooth_noise
from mlservice.landscape.paint_district import paint_canals, paint_parcels, paint_streets
from mlservice.landscape.raised import raise_roof, shade_crowns, shadow
from mlservice.landscape.region import Region

LEAST_BOUNDARY_COVER = 0.35
LEAST_CONTRAST = 0.1
"""The least difference in brightness between a boundary line and what it crosses."""


def paint(
    rng: np.random.Generator, layout: Layout, region: Region, gsd_m: float
) -> tuple[Float, NDArray[np.uint8]]:
    """Colours ``(row, col, 3)`` in 0..1, and the class of every pixel, of `DETAILED_LEGEND`."""
    shape = layout.field.shape
    patchy = smooth_noise(rng, shape, max(3.0, layout.side_px * 0.35))
    broad = smooth_noise(rng, shape, layout.side_px * 5)
    grain = smooth_noise(rng, shape, 2.2)
    soil = vary(rng, region.soils[rng.integers(len(region.soils))], 0.06)
    # Grass turns to straw and crowns thin out as the land dries; crops do in their own way.
    dry = np.float32(1 - layout.wetness)
    grass = vary(rng, region.grass[rng.integers(len(region.grass))], 0.05)
    grass += (dry - np.float32(0.5)) * np.array([0.14, 0.02, 0.03], np.float32)
    canopy = vary(rng, region.canopy, 0.035) + dry * np.array([0.07, 0.03, 0.01], np.float32)

    truth = np.full(shape, OTHER, np.uint8)
    farmed = (layout.kind == FARMED) & ~layout.yard
    truth[farmed] = FIELD
    colours = _fields(rng, layout, region, gsd_m, soil, patchy)
    rough = ~farmed
    tuft = np.clip(0.5 + 0.3 * patchy[rough] + 0.15 * grain[rough], 0, 1)[:, None]
    colours[rough] = tuft * grass + (1 - tuft) * soil
    shrubs = (rough & ~layout.yard) * np.clip(1.5 * grain - 1.2 + 0.5 * patchy, 0, 0.8)
    blend(colours, shrubs, 0.5 * (grass * 0.6 + canopy))
    lines = farmed & (layout.edge_px < layout.half_boundary_px)
    truth[lines] = BOUNDARY
    line_colours = _boundary_colours(rng, layout, soil, grass, canopy)
    blend(colours, farmed * _boundary_cover(rng, layout, patchy), _in_contrast(line_colours, colours))
    paint_parcels(rng, colours, truth, layout, region, soil, patchy)

    blend(colours, layout.yard * np.float32(0.8), vary(rng, soil, 0.05) * 1.15)
    sand = vary(rng, (0.80, 0.74, 0.62), 0.04)
    if layout.sand_px < 1:
        blend(colours, 0.5 * np.clip(3 - layout.shore_px, 0, 1), grass * 0.8)
    else:
        reach = np.float32(layout.sand_px) * np.clip(0.6 + 0.4 * patchy, 0, 1) - layout.shore_px
        blend(colours, np.clip(0.5 + reach, 0, 0.9), sand)
        truth[reach > 0] = OTHER
    paint_streets(rng, colours, layout)
    truth[layout.yard] = OTHER
    paint_canals(rng, colours, truth, layout)
    road_colour = vary(rng, (0.62, 0.57, 0.50), 0.09)
    blend(colours, np.clip(0.5 - layout.road_px, 0, 1), road_colour)
    truth[layout.road_px < 0] = OTHER
    water = vary(rng, region.waters[rng.integers(len(region.waters))], 0.03)
    blend(colours, np.clip(0.5 - layout.shore_px, 0, 1), water)
    truth[layout.shore_px < 0] = WATER

    colours *= (1 + np.float32(rng.uniform(0.01, 0.06)) * grain * (layout.shore_px > 0))[..., None]
    bearing = rng.uniform(0, 2 * np.pi)
    lean = np.array([np.sin(bearing), np.cos(bearing)]) * rng.uniform(0.4, 1.3)
    shade_crowns(rng, colours, layout, lean, canopy, grain, gsd_m)
    truth[layout.canopy] = TREES
    for roof in layout.roofs:
        shadow(colours, roof, lean)
    for roof in layout.roofs:
        raise_roof(rng, colours, truth, roof, region)
    colours *= (1 + np.float32(rng.uniform(0, 0.06)) * broad)[..., None]
    return colours, truth


def _fields(
    rng: np.random.Generator, layout: Layout, region: Region, gsd_m: float, soil: Float, patchy: Float
) -> Float:
    """Crop over soil: every field has its crop, its cover, its rows and its unevenness."""
    table = PROPERTY_ROWS
    # The season decides how much of the land is grown, and how green it is.
    grown = 0.15 + 0.8 * layout.wetness**0.7 * rng.uniform(0.6, 1.0)
    ripe = (1 - layout.wetness) * rng.uniform(0, 0.35) * np.array([0.35, 0.05, 0.05])
    weights = rng.gamma(0.7, size=len(region.crops)) + 0.05
    crop = rng.choice(len(region.crops), table, p=weights / weights.sum())
    tones = np.array([vary(rng, colour, 0.04) for colour in region.crops])
    crops = tones[crop] + ripe + rng.normal(0, 0.03, (table, 1)) + rng.normal(0, 0.018, (table, 3))
    soils = soil + rng.normal(0, 0.045, (table, 1)) + rng.normal(0, 0.014, (table, 3))
    other_soil = np.array(region.soils)[rng.integers(len(region.soils), size=table)]
    soils += rng.uniform(0, 0.6, (table, 1)) * (rng.random((table, 1)) < 0.3) * (other_soil - soils)
    cover = np.where(rng.random(table) < grown, rng.beta(4, 1.2, table), 0.08 + rng.beta(1, 6, table))
    unevenness = rng.uniform(0.05, 0.18, table) * rng.uniform(0.5, 1.3)
    flooded = rng.random(table) < rng.uniform(0, 0.8)

    field = layout.field
    share = cover.astype(np.float32)[field] + unevenness.astype(np.float32)[field] * patchy
    spacing_px = rng.uniform(*region.row_spacing_m, table) / gsd_m
    # Rows closer than the grid can carry would only alias.
    contrast = rng.uniform(*region.row_contrast, table) * (rng.random(table) < 0.8) * (spacing_px > 2.4)
    if contrast.any():
        pitch = (2 * np.pi / spacing_px).astype(np.float32)
        share += contrast.astype(np.float32)[field] * np.sin(pitch[field] * layout.along)
    share = np.clip(share, 0, 1)[..., None]
    soils_here = np.clip(soils, 0.05, 0.95).astype(np.float32)[field]
    colours: Float = soils_here + share * (np.clip(crops, 0.05, 0.95).astype(np.float32)[field] - soils_here)
    # Standing water between plants: a paddy is greener than a basin.
    wet = layout.paddy & flooded[field] & (cover[field] > 0.4)
    if wet.any():
        sheen = np.float32(0.45) * (1 - np.float32(0.5) * share[wet])
        colours[wet] += sheen * (vary(rng, region.waters[0], 0.05) * 1.25 - colours[wet])
    return colours


def _boundary_cover(rng: np.random.Generator, layout: Layout, patchy: Float) -> Float:
    """How much of a pixel its boundary line hides: fading in and out along the line."""
    seen = rng.uniform(0.45, 1.1, PROPERTY_ROWS).astype(np.float32)[layout.block % PROPERTY_ROWS]
    seen = np.clip(seen + np.float32(0.2) * patchy, LEAST_BOUNDARY_COVER, 1)
    cover: Float = np.clip(layout.half_boundary_px + np.float32(0.5) - layout.edge_px, 0, 1) * seen
    return cover


def _boundary_colours(
    rng: np.random.Generator, layout: Layout, soil: Float, grass: Float, canopy: Float
) -> Float:
    """Bare path, grass bund, hedge or ditch, one kind a block."""
    kinds = np.stack([np.clip(soil * 1.3, 0, 0.9), grass, 0.5 * (grass + canopy), soil * 0.55, canopy])
    weights = rng.gamma(0.8, size=len(kinds)) + 0.02
    choice = rng.choice(len(kinds), PROPERTY_ROWS, p=weights / weights.sum())
    chosen = kinds[choice] + rng.normal(0, 0.03, (PROPERTY_ROWS, 3))
    return np.clip(chosen, 0.02, 0.95).astype(np.float32)[layout.block % PROPERTY_ROWS]


def _in_contrast(lines: Float, ground: Float) -> Float:
    """Boundary colours moved away from the ground's brightness where they would hardly be seen on it."""
    apart = (lines - ground).mean(axis=2, keepdims=True)
    lacking = np.maximum(np.float32(LEAST_CONTRAST) - np.abs(apart), 0)
    moved: Float = np.clip(lines + np.where(apart < 0, -lacking, lacking), 0.02, 0.97)
    return moved
