"""Label rasters on the one grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT

from annotator.imagery.grid import QUAD

SIZE_PX = 256


def read_label_tile(path: Path, x: int, y: int, z: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The label raster's values on a tile by nearest neighbour, and where the raster has any.

    Both are ``(256, 256)``; outside the raster, and where it declares another value than 0 to be no data, the
    values are 0 and the second is false. A 0 that is declared to be no data is a value like any other.
    """
    with rasterio.open(path) as dataset:
        # A label raster's 0 is a class of its own more often than it is "no data", even when a program that
        # made the raster declared it so; rio-tiler cannot be told to overlook a declared value.
        nodata = dataset.nodata or None
        with WarpedVRT(
            dataset,
            crs=QUAD.rasterio_crs,
            transform=from_bounds(*QUAD.xy_bounds(x, y, z), SIZE_PX, SIZE_PX),
            width=SIZE_PX,
            height=SIZE_PX,
            resampling=Resampling.nearest,
            src_nodata=nodata,
            nodata=None,
            # In pixels of the raster: by default a centre may fall into the pixel beside its own.
            tolerance=1e-6,
            add_alpha=ColorInterp.alpha not in dataset.colorinterp,
        ) as tile:
            covered = tile.dataset_mask() > 0
            return np.where(covered, tile.read(1), 0).astype(np.uint8), covered
