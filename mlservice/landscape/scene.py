"""A drawn landscape as a georeferenced scene, with its truth in the same grid."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.io import MemoryFile

from mlservice.landscape.classes import LANDSCAPE_LEGEND
from mlservice.landscape.draw import draw_landscape

CRS = "EPSG:32643"
UPPER_LEFT_M = (600_000.0, 2_184_000.0)
"""Easting and northing of every scene's corner: farmland in Maharashtra, UTM zone 43N."""


def write_landscape_scene(
    path: Path,
    truth_path: Path,
    *,
    seed: int,
    size_px: tuple[int, int] | int = 4096,
    gsd_m: float = 1.0,
    sensor_gsd_m: float | None = None,
    region: str = "a",
    acquired_on: date = date(2022, 10, 3),
) -> None:
    """Write `draw_landscape` of these arguments as two cloud-optimised GeoTIFFs.

    ``path`` gets the uint8 red, green, blue image with its acquisition date in the TIFF's own date tag;
    ``truth_path`` gets one band of uint8 class values with the legend's colours. Both are lossless
    and have overviews. Missing folders are made; files in the way are replaced.
    """
    landscape = draw_landscape(seed, size_px, gsd_m=gsd_m, sensor_gsd_m=sensor_gsd_m, region=region)
    tags = {"TIFFTAG_DATETIME": f"{acquired_on:%Y:%m:%d} 00:00:00"}
    _write_cog(path, landscape.image.transpose(2, 0, 1), gsd_m, tags)
    _write_cog(truth_path, landscape.truth[None], gsd_m, tags)


def _write_cog(path: Path, bands: NDArray[np.uint8], gsd_m: float, tags: dict[str, str]) -> None:
    count, rows, cols = bands.shape
    labels = count == 1
    profile = {
        "driver": "GTiff",
        "dtype": "uint8",
        "count": count,
        "height": rows,
        "width": cols,
        "crs": CRS,
        "transform": Affine(gsd_m, 0, UPPER_LEFT_M[0], 0, -gsd_m, UPPER_LEFT_M[1]),
        "photometric": "MINISBLACK" if labels else "RGB",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with MemoryFile() as memory:
        with memory.open(**profile) as plain:
            plain.write(bands)
            plain.update_tags(**tags)
            if labels:
                plain.write_colormap(1, {c.value: _rgba(c.color) for c in LANDSCAPE_LEGEND.classes})
        rasterio.shutil.copy(
            memory.name,
            path,
            driver="COG",
            compress="DEFLATE",
            predictor="NO" if labels else "STANDARD",
            blocksize=256,
            overview_resampling="NEAREST" if labels else "AVERAGE",
        )


def _rgba(color: str) -> tuple[int, int, int, int]:
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue, 255
