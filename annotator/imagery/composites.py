"""Other ways to see a scene: false colour with near infrared, and the vegetation index NDVI."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from annotator.imagery.bands import infrared_bands
from annotator.imagery.inspect import propose_stretch
from annotator.imagery.tiles import EMPTY_TILE, TileImage, read_values, render_tile, webp_of
from annotator.models import Scene

NATURAL, INFRARED, NDVI = "natural", "infrared", "ndvi"

# From water over bare soil to dense crops, ever darker from soil on, so that the order is seen without colour.
_NDVI_STOPS = (-0.3, 0.05, 0.2, 0.45, 0.85)
_NDVI_COLORS = ((52, 84, 140), (236, 224, 196), (214, 180, 110), (128, 166, 62), (16, 74, 34))


def composites_of(band_names: Sequence[str]) -> list[str]:
    """The band combinations that a scene with these bands can be seen in; its own colours come first."""
    return [NATURAL, INFRARED, NDVI] if infrared_bands(band_names) else [NATURAL]


def render_composite(scene: Scene, composite: str, x: int, y: int, z: int) -> bytes:
    """The scene's tile in one of `composites_of` its bands, as `render_tile` gives it.

    ``infrared`` shows near infrared, red and green as red, green and blue, stretched as ingest would do it.
    ``ndvi`` is (near infrared - red) / (near infrared + red) of the stored values (Rouse et al. 1974) in colours.
    Raises SceneFileGone when the file cannot be read.
    """
    bands = infrared_bands(scene.band_names)
    if composite == NATURAL or bands is None:
        return render_tile(scene.cog_path, x, y, z, display_bands=scene.display_bands, stretch=scene.stretch)
    if composite == INFRARED:
        stretch = _stretch_of(scene.cog_path, bands)
        return render_tile(scene.cog_path, x, y, z, display_bands=bands, stretch=stretch)
    values, valid = read_values(scene.cog_path, x, y, z, bands=bands[:2])
    tile = _ndvi_tile(values, valid)
    return webp_of(tile) if tile.valid.any() else EMPTY_TILE


@lru_cache(maxsize=256)
def _stretch_of(path: Path, bands: tuple[int, int, int]) -> list[list[float]]:
    # A COG is never rewritten under its name.
    return propose_stretch(path, list(bands))


def _ndvi_tile(values: np.ndarray, valid: np.ndarray) -> TileImage:
    near, red = values.astype(np.float32)
    total = near + red
    valid = valid & (total > 0)
    index = np.divide(near - red, total, out=np.zeros_like(total), where=valid)
    colors = np.array(_NDVI_COLORS, np.float32).T
    rgb = np.stack([np.interp(index, _NDVI_STOPS, channel) for channel in colors], axis=-1)
    rgb = np.where(valid[..., None], rgb, 0).round().astype(np.uint8)
    return TileImage(rgb, valid)
