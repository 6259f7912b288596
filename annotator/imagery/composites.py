"""Other ways to see a scene: false colour with near infrared, and the vegetation index NDVI."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from annotator.imagery.bands import infrared_bands
from annotator.imagery.drawing import Paint
from annotator.imagery.grid import TILE_PX
from annotator.imagery.inspect import propose_stretch
from annotator.imagery.rendering import picture_of, stretch_paint, webp_of
from annotator.models import Scene

NATURAL, INFRARED, NDVI = "natural", "infrared", "ndvi"

# From water over bare soil to dense crops, ever darker from soil on, so that the order is seen without colour.
_NDVI_STOPS = (-0.3, 0.05, 0.2, 0.45, 0.85)
_NDVI_STEPS = 1000
_NDVI_COLORS = ((52, 84, 140), (236, 224, 196), (214, 180, 110), (128, 166, 62), (16, 74, 34))


def composites_of(band_names: Sequence[str]) -> list[str]:
    """The band combinations that a scene with these bands can be seen in; its own colours come first."""
    return [NATURAL, INFRARED, NDVI] if infrared_bands(band_names) else [NATURAL]


def picture_of_composite(
    scene: Scene, composite: str, x: int, y: int, z: int, *, size_px: int = TILE_PX
) -> Image.Image | None:
    """The scene's tile in one of `composites_of` its bands, as `picture_of` gives it.

    ``infrared`` shows near infrared, red and green as red, green and blue, stretched as ingest would do it.
    ``ndvi`` is (near infrared - red) / (near infrared + red) of the stored values (Rouse et al. 1974) in colours.
    Raises SceneFileGone when the file cannot be read.
    """
    bands, paint = _look(scene, composite)
    return picture_of(
        scene.cog_path, x, y, z, size_px=size_px, bands=bands, paint=paint, shift_m=scene.shift_m
    )


def render_composite(scene: Scene, composite: str, x: int, y: int, z: int) -> bytes:
    """Likewise as a WebP image of 256 x 256 pixels."""
    return webp_of(picture_of_composite(scene, composite, x, y, z))


def _look(scene: Scene, composite: str) -> tuple[Sequence[int], Paint]:
    bands = infrared_bands(scene.band_names)
    if composite == NATURAL or bands is None:
        return scene.display_bands, stretch_paint(scene.stretch)
    if composite == INFRARED:
        return bands, stretch_paint(_stretch_of(scene.cog_path, bands))
    return bands[:2], _paint_ndvi


@lru_cache(maxsize=256)
def _stretch_of(path: Path, bands: tuple[int, int, int]) -> list[list[float]]:
    # A COG is never rewritten under its name.
    return propose_stretch(path, list(bands))


def _paint_ndvi(values: np.ndarray, masks: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    near, red = values.astype(np.float32)
    total = near + red
    valid = total > 0
    if masks is not None:
        valid &= masks.all(axis=0)
    index = np.divide(near - red, total, out=np.zeros_like(total), where=valid)
    steps = ((index - _NDVI_STOPS[0]) * (_NDVI_STEPS / (_NDVI_STOPS[-1] - _NDVI_STOPS[0]))).round()
    rgb = _ndvi_ramp()[np.clip(steps, 0, _NDVI_STEPS).astype(np.int16)]
    rgb[~valid] = 0
    return rgb, valid


@lru_cache(maxsize=1)
def _ndvi_ramp() -> np.ndarray:
    """Colours (steps + 1, 3) from the first of the stops to the last."""
    stops = np.linspace(_NDVI_STOPS[0], _NDVI_STOPS[-1], _NDVI_STEPS + 1)
    channels = np.array(_NDVI_COLORS, np.float32).T
    return np.stack([np.interp(stops, _NDVI_STOPS, c) for c in channels], axis=-1).round().astype(np.uint8)
