"""Tiles as WebP images, made while somebody waits for them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from annotator.imagery.drawing import Paint, SeenFromAfar, draw
from annotator.imagery.grid import TILE_PX
from annotator.imagery.tiles import read_values, stretched
from annotator.models import Scene

CONTENT_TYPE = "image/webp"
MAX_TILE_ZOOM = 24


def picture_of(
    path: Path,
    x: int,
    y: int,
    z: int,
    *,
    size_px: int = TILE_PX,
    bands: Sequence[int],
    paint: Paint,
    shift_m: Sequence[float] = (0.0, 0.0),
) -> Image.Image | None:
    """The scene on a tile: RGB where it covers all of it, else RGBA; None where there is nothing of it.

    Raises SceneFileGone when the file cannot be read.
    """
    try:
        return draw(path, x, y, z, size_px=size_px, bands=bands, paint=paint, shift_m=shift_m)
    except SeenFromAfar:
        values, valid = read_values(path, x, y, z, size_px=size_px, bands=bands, shift_m=shift_m)
    if not valid.any():
        return None
    colours, counts = paint(values, valid[None])
    image = Image.fromarray(colours)
    if counts is not None and not counts.all():
        image.putalpha(Image.fromarray(counts.astype(np.uint8) * 255))
    return image


def render_tile(
    path: Path,
    x: int,
    y: int,
    z: int,
    *,
    display_bands: Sequence[int],
    stretch: Sequence[Sequence[float]],
    shift_m: Sequence[float] = (0.0, 0.0),
) -> bytes:
    """The tile as a WebP image of 256 x 256 pixels, transparent where the scene has no data."""
    paint = stretch_paint(stretch)
    return webp_of(picture_of(path, x, y, z, bands=display_bands, paint=paint, shift_m=shift_m))


def stretch_paint(stretch: Sequence[Sequence[float]]) -> Paint:
    """Three bands as red, green and blue, each from the value shown as 0 to the one shown as 255."""

    def paint(values: np.ndarray, masks: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        rgb = np.ascontiguousarray(stretched(values, stretch).transpose(1, 2, 0))
        return rgb, None if masks is None else masks.any(axis=0)

    return paint


def webp_of(picture: Image.Image | None) -> bytes:
    """The picture as a WebP image; None is a tile without anything."""
    if picture is None:
        return EMPTY_TILE
    buffer = io.BytesIO()
    # The fastest method: a tile is made while somebody waits for it, and a few per cent of size matter less.
    picture.save(buffer, "WEBP", quality=80, method=0)
    return buffer.getvalue()


EMPTY_TILE = webp_of(Image.new("RGBA", (TILE_PX, TILE_PX)))


def tile_stamp(scene: Scene) -> str:
    """Changes whenever the scene's tiles look different; known from the row alone."""
    parts = [scene.pk, scene.cog_name, scene.display_bands, scene.stretch, scene.shift_m]
    if scene.band_names_number:
        # By their names bands are found for the vegetation index and the like.
        parts.append(scene.band_names_number)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
