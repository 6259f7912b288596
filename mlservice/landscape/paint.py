"""What things look like: the colours of a laid-out scene as they leave the ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlservice.landscape.features import Roof, window_around
from mlservice.landscape.layout import FARMED, PROPERTY_ROWS, Layout
from mlservice.landscape.noise import Float, smooth_noise
from mlservice.landscape.region import Region, Rgb

OTHER, FIELD, BOUNDARY, TREES, WATER, BUILDINGS = range(6)


def paint(
    rng: np.random.Generator, layout: Layout, region: Region, gsd_m: float
) -> tuple[Float, NDArray[np.uint8]]:
    """Colours ``(row, col, 3)`` in 0..1, and the class of every pixel."""
    shape = layout.field.shape
    patchy = smooth_noise(rng, shape, max(3.0, layout.side_px * 0.35))
    broad = smooth_noise(rng, shape, layout.side_px * 5)
    grain = smooth_noise(rng, shape, 2.2)
    soil = _vary(rng, region.soils[rng.integers(len(region.soils))], 0.06)
    grass = _vary(rng, region.grass[rng.integers(len(region.grass))], 0.05)
    canopy = _vary(rng, region.canopy, 0.04)

    truth = np.full(shape, OTHER, np.uint8)
    farmed = (layout.kind == FARMED) & ~layout.yard
    truth[farmed] = FIELD
    colours = _fields(rng, layout, region, gsd_m, soil, patchy)
    rough = ~farmed
    tuft = np.clip(0.5 + 0.3 * patchy[rough] + 0.15 * grain[rough], 0, 1)[:, None]
    colours[rough] = tuft * grass + (1 - tuft) * soil
    lines = farmed & (layout.edge_px < layout.half_boundary_px)
    truth[lines] = BOUNDARY
    _blend(
        colours,
        farmed * _boundary_cover(rng, layout, patchy),
        _boundary_colours(rng, layout, soil, grass, canopy),
    )

    _blend(colours, layout.yard * np.float32(0.8), _vary(rng, soil, 0.05) * 1.15)
    road_colour = _vary(rng, (0.62, 0.57, 0.50), 0.09)
    _blend(colours, np.clip(0.5 - layout.road_px, 0, 1), road_colour)
    truth[layout.road_px < 0] = OTHER
    water = _vary(rng, region.waters[rng.integers(len(region.waters))], 0.03)
    _blend(colours, 0.5 * np.clip(3 - layout.shore_px, 0, 1), grass * 0.8)
    _blend(colours, np.clip(0.5 - layout.shore_px, 0, 1), water)
    truth[layout.shore_px < 0] = WATER

    colours *= (1 + np.float32(rng.uniform(0.01, 0.06)) * grain * (layout.shore_px > 0))[..., None]
    bearing = rng.uniform(0, 2 * np.pi)
    lean = np.array([np.sin(bearing), np.cos(bearing)]) * rng.uniform(0.4, 1.3)
    _shade_crowns(rng, colours, layout, lean, canopy, grain, gsd_m)
    truth[layout.canopy] = TREES
    for roof in layout.roofs:
        _shadow(colours, roof, lean)
    for roof in layout.roofs:
        _raise(rng, colours, truth, roof, region)
    colours *= (1 + np.float32(rng.uniform(0, 0.06)) * broad)[..., None]
    return colours, truth


def _vary(rng: np.random.Generator, colour: Rgb | Float, spread: float) -> Float:
    varied = np.asarray(colour) + rng.normal(0, spread) + rng.normal(0, spread / 2, 3)
    return np.clip(varied, 0.03, 0.97).astype(np.float32)


def _blend(colours: Float, cover: Float, paint_colour: Float) -> None:
    """Lay a colour, or one a pixel, over the scene where ``cover`` is above 0."""
    at = cover > 0
    share = cover[at][:, None]
    over = paint_colour[at] if paint_colour.ndim == 3 else paint_colour
    colours[at] += share * (over - colours[at])


def _fields(
    rng: np.random.Generator, layout: Layout, region: Region, gsd_m: float, soil: Float, patchy: Float
) -> Float:
    """Crop over soil: every field has its crop, its cover, its rows and its unevenness."""
    table = PROPERTY_ROWS
    # The season decides how much of the land is green; blocks lean to a crop of their own.
    grown = rng.beta(1.2, 1.0)
    weights = rng.gamma(0.7, size=len(region.crops)) + 0.05
    crop = rng.choice(len(region.crops), table, p=weights / weights.sum())
    tones = np.array([_vary(rng, colour, 0.04) for colour in region.crops])
    crops = tones[crop] + rng.normal(0, 0.03, (table, 1)) + rng.normal(0, 0.018, (table, 3))
    soils = soil + rng.normal(0, 0.045, (table, 1)) + rng.normal(0, 0.014, (table, 3))
    other_soil = np.array(region.soils)[rng.integers(len(region.soils), size=table)]
    soils += rng.uniform(0, 0.6, (table, 1)) * (rng.random((table, 1)) < 0.3) * (other_soil - soils)
    cover = np.where(rng.random(table) < grown, rng.beta(4, 1.2, table), rng.beta(1, 6, table))
    unevenness = rng.uniform(0, 0.16, table) * rng.uniform(0.3, 1.3)
    flooded = rng.random(table) < rng.uniform(0, 0.8)

    field = layout.field
    share = cover.astype(np.float32)[field] + unevenness.astype(np.float32)[field] * patchy
    spacing_px = rng.uniform(*region.row_spacing_m, table) / gsd_m
    # Rows closer than the grid can carry would only alias.
    contrast = rng.uniform(*region.row_contrast, table) * (rng.random(table) < 0.7) * (spacing_px > 2.4)
    if contrast.any():
        pitch = (2 * np.pi / spacing_px).astype(np.float32)
        share += contrast.astype(np.float32)[field] * np.sin(pitch[field] * layout.along)
    share = np.clip(share, 0, 1)[..., None]
    soils_here = np.clip(soils, 0.05, 0.95).astype(np.float32)[field]
    colours: Float = soils_here + share * (np.clip(crops, 0.05, 0.95).astype(np.float32)[field] - soils_here)
    wet = layout.paddy & flooded[field]
    if wet.any():
        sheen = np.float32(0.6) * (1 - np.float32(0.5) * share[wet])
        colours[wet] += sheen * (_vary(rng, region.waters[0], 0.05) * 1.25 - colours[wet])
    return colours


def _boundary_cover(rng: np.random.Generator, layout: Layout, patchy: Float) -> Float:
    """How much of a pixel its boundary line hides: fading in and out along the line."""
    seen = rng.uniform(0.25, 1.1, PROPERTY_ROWS).astype(np.float32)[layout.block % PROPERTY_ROWS]
    seen = np.clip(seen + np.float32(0.2) * patchy, 0.12, 1)
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


def _shade_crowns(
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


def _shadow(colours: Float, roof: Roof, lean: NDArray[np.float64]) -> None:
    down, right = lean * roof.height
    window, under, _ = _inside((colours.shape[0], colours.shape[1]), roof, (down, right))
    colours[window][under] *= np.float32(0.5)


def _raise(
    rng: np.random.Generator, colours: Float, truth: NDArray[np.uint8], roof: Roof, region: Region
) -> None:
    tone = _vary(rng, region.roofs[rng.integers(len(region.roofs))], 0.05)
    window, under, far = _inside((truth.shape[0], truth.shape[1]), roof)
    slopes = np.where(far[..., None], tone * np.float32(rng.uniform(0.7, 1)), tone)
    colours[window][under] = slopes[under]
    truth[window][under] = BUILDINGS
