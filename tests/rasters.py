"""Small georeferenced rasters for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

# Farmland in Maharashtra, in UTM zone 43 north.
EAST_M, NORTH_M = 613_000.0, 2_190_000.0


def random_values(bands: int, rows: int, cols: int, dtype: str = "uint8", *, seed: int = 1) -> np.ndarray:
    """Blocks of 8 x 8 equal pixels with values from 20 to 219, so that they survive resampling."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(20, 220, (bands, -(-rows // 8), -(-cols // 8)))
    return np.kron(blocks, np.ones((1, 8, 8)))[:, :rows, :cols].astype(dtype)


def write_raster(
    path: Path,
    values: np.ndarray | None = None,
    *,
    crs: str | None = "EPSG:32643",
    transform: Affine | None = None,
    gsd: float = 1.0,
    nodata: float | None = None,
    names: Sequence[str] = (),
    tags: dict[str, str] | None = None,
    driver: str = "GTiff",
    **options: object,
) -> Path:
    """Writes values (bands, rows, cols), 300 x 200 px of three bands by default, and returns the path."""
    if values is None:
        values = random_values(3, 300, 200)
    if transform is None:
        transform = Affine(gsd, 0, EAST_M, 0, -gsd, NORTH_M)
    count, height, width = values.shape
    with rasterio.open(
        path,
        "w",
        driver=driver,
        width=width,
        height=height,
        count=count,
        dtype=values.dtype,
        crs=crs,
        transform=transform,
        nodata=nodata,
        **options,
    ) as dataset:
        dataset.write(values)
        for band, name in enumerate(names, start=1):
            dataset.set_band_description(band, name)
        dataset.update_tags(**(tags or {}))
    return path
