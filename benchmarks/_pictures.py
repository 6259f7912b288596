"""A large drawn scene, and how far apart two pictures are."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from PIL import Image
from rasterio.windows import Window
from scipy.ndimage import zoom

# Farmland in Maharashtra, in UTM zone 43 north.
_EAST_M, _NORTH_M = 613_000.0, 2_190_000.0
_STRIP_PX = 512
_FIELD_PX = 40
BANDS = ("blue", "green", "red", "nir")


def write_scene(path: Path, side_px: int, *, seed: int = 1) -> None:
    """Four bands of 8 bits at 1 m, of fields with borders, soils that drift, and noise; written strip by strip."""
    rng = np.random.default_rng(seed)
    cells = side_px // _FIELD_PX + 2
    fields = rng.normal(0, 22, (len(BANDS), cells, cells))
    soils = np.stack([zoom(rng.normal(0, 14, (8, 8)), cells / 8, order=1)[:cells, :cells] for _ in BANDS])
    # Borders wander, so that they lie on no grid.
    drift = np.cumsum(rng.integers(-1, 2, side_px + _STRIP_PX))
    cols = np.arange(side_px)
    with rasterio.open(
        path, "w", driver="GTiff", width=side_px, height=side_px, count=len(BANDS), dtype="uint8",
        crs="EPSG:32643", transform=Affine(1, 0, _EAST_M, 0, -1, _NORTH_M),
        tiled=True, blockxsize=256, blockysize=256, photometric="MINISBLACK",
    ) as dataset:  # fmt: skip
        for band, name in enumerate(BANDS, start=1):
            dataset.set_band_description(band, name)
        for top in range(0, side_px, _STRIP_PX):
            rows = np.arange(top, min(top + _STRIP_PX, side_px))
            across = cols[None, :] + (drift[rows] - drift.min())[:, None]
            down = rows[:, None] + (drift[cols] - drift.min())[None, :]
            row_cells, col_cells = (places // _FIELD_PX % cells for places in (down, across))
            is_border = (across % _FIELD_PX < 2) | (down % _FIELD_PX < 2)
            values = 110 + fields[:, row_cells, col_cells] + soils[:, row_cells, col_cells]
            values = np.where(is_border, values * 0.6, values) + rng.normal(0, 5, values.shape)
            window = Window(0, top, side_px, len(rows))
            dataset.write(np.clip(values, 1, 255).astype("uint8"), window=window)


def mean_difference(first: bytes, second: bytes) -> float:
    """Grey levels by which two images differ on average where both are opaque."""
    a, b = (
        np.asarray(Image.open(io.BytesIO(image)).convert("RGBA")).astype(int) for image in (first, second)
    )
    both = (a[..., 3] == 255) & (b[..., 3] == 255)
    return float(np.abs(a - b)[both][:, :3].mean()) if both.any() else 0.0
