"""What canals, streets and the parcels they decide look like; a parcel's look knows nothing of its class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlservice.landscape.classes import BARE, BOUNDARY, FALLOW, OTHER, RICE, WATER
from mlservice.landscape.colour import blend, vary
from mlservice.landscape.district import CLEARED, FLOODED, NO_PARCEL
from mlservice.landscape.layout import Layout
from mlservice.landscape.noise import Float
from mlservice.landscape.region import Region

TONES = 256
"""Parcels take their tones from tables of this length, by their number modulo it."""


def paint_parcels(
    rng: np.random.Generator,
    colours: Float,
    detail: NDArray[np.uint8],
    layout: Layout,
    region: Region,
    soil: Float,
    patchy: Float,
) -> None:
    """Paint flooded basins between bunds and cleared soil between ridges, and give them their classes."""
    parcels = layout.parcels
    water = vary(rng, region.basin_water, 0.035)
    cleared = vary(rng, 0.5 * (soil + np.array(region.cleared_soil, np.float32)), 0.03)
    bund = vary(rng, np.clip(soil * 1.05, 0.1, 0.8), 0.04)
    ridge = np.clip(cleared * rng.uniform(0.55, 0.75), 0, 1).astype(np.float32)
    classes = {
        FLOODED: (RICE if layout.cues.irrigated else WATER, water, bund, 0.012),
        CLEARED: (BARE if layout.cues.urban else FALLOW, cleared, ridge, 0.018),
    }
    for kind, (value, tone, line, spread) in classes.items():
        tones = tone + rng.normal(0, spread, (TONES, 1)) + rng.normal(0, spread / 3, (TONES, 3))
        at = parcels.kind == kind
        if not at.any():
            continue
        parcel = np.clip(tones, 0.03, 0.97).astype(np.float32)[parcels.number[at] % TONES]
        colours[at] = parcel * (1 + np.float32(0.02) * patchy[at])[:, None]
        detail[at] = value
        inside = parcels.edge_px[at] - np.float32(parcels.half_bund_px)
        cover = np.zeros_like(layout.edge_px)
        cover[at] = np.clip(0.5 - inside, 0, 1)
        blend(colours, cover, line)
    detail[(parcels.kind != NO_PARCEL) & (parcels.edge_px < parcels.half_bund_px)] = BOUNDARY


def paint_canals(rng: np.random.Generator, colours: Float, detail: NDArray[np.uint8], layout: Layout) -> None:
    """Paint dark water between bright banks of concrete, where the scene is irrigated."""
    cues = layout.cues
    concrete, water = vary(rng, (0.86, 0.85, 0.81), 0.03), vary(rng, (0.12, 0.19, 0.23), 0.02)
    blend(colours, np.clip(np.float32(0.5 + cues.half_canal_px) - cues.canal_px, 0, 1), concrete)
    blend(colours, np.clip(np.float32(0.5 + cues.half_water_px) - cues.canal_px, 0, 1), water)
    detail[cues.canal_px < cues.half_canal_px] = OTHER
    detail[cues.canal_px < cues.half_water_px] = WATER


def paint_streets(rng: np.random.Generator, colours: Float, layout: Layout) -> None:
    """Paint the paved streets of towns."""
    paving = vary(rng, (0.50, 0.50, 0.51), 0.05)
    blend(colours, layout.cues.street * np.float32(0.9), paving)
