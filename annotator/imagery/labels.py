"""Label rasters on the one grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rio_tiler.errors import TileOutsideBounds
from rio_tiler.io import Reader

SIZE_PX = 256


def read_label_tile(path: Path, x: int, y: int, z: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The label raster's values on a tile by nearest neighbour, and where the raster has any.

    Both are ``(256, 256)``; outside the raster the values are 0 and the second is false.
    """
    try:
        with Reader(str(path)) as reader:
            # A label raster's 0 is a class of its own more often than it is "no data".
            tile = reader.tile(x, y, z, tilesize=SIZE_PX, indexes=1, resampling_method="nearest", nodata=None)
    except TileOutsideBounds:
        empty = np.zeros((SIZE_PX, SIZE_PX), np.uint8)
        return empty, empty.astype(bool)
    return tile.data[0].astype(np.uint8), tile.mask > 0
