"""Label rasters of strangers: opened like scenes, within limits of their own, and counted block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pyproj import Transformer
from pyproj.exceptions import ProjError
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from annotator.errors import BadLabels, BadScene
from annotator.imagery.opening import open_raster

MAX_PIXELS = 2_500_000_000
MAX_BLOCK_BYTES = 2**27
"""Reading one pixel unpacks its whole block."""
WINDOW_PIXELS = 2**22
MAX_LATITUDE_DEG = 85.06
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True)
class LabelRaster:
    """``counts``: how many pixels have each value, from 0 to 255, those of no data left out. ``bounds``: west, south,
    east, north in EPSG:3857."""

    counts: Mapping[int, int]
    bounds: tuple[float, float, float, float]


def look_at_raster(
    path: Path, *, max_pixels: int = MAX_PIXELS, max_block_bytes: int = MAX_BLOCK_BYTES
) -> LabelRaster:
    """Reads every pixel once. Raises BadLabels for what is no label raster, with what to do about it."""
    with path.open("rb") as file:
        if file.read(4) not in _TIFF:
            raise BadLabels("The file is no TIFF. Convert it with `gdal_translate in out.tif`.")
    with (
        _told(),
        open_raster(path, check_pixels=_check_pixels, max_block_bytes=max_block_bytes) as dataset,
    ):
        if dataset.crs is None:
            raise BadLabels(
                "The raster does not say where it lies. Give it its CRS and place: "
                "`gdal_translate -a_srs EPSG:… -a_ullr west north east south in.tif out.tif`."
            )
        if dataset.width * dataset.height > max_pixels:
            raise BadLabels("The raster is too large. Cut it into parts with `gdal_translate -srcwin`.")
        # Before its pixels are read, as it is known at once.
        bounds = _mercator_bounds(dataset)
        return LabelRaster(_counts(dataset), bounds)


def _mercator_bounds(dataset: DatasetReader) -> tuple[float, float, float, float]:
    # rasterio's own raises errors that it keeps private.
    to_lonlat = Transformer.from_crs(dataset.crs.to_wkt(), "EPSG:4326", always_xy=True)
    west, south, east, north = to_lonlat.transform_bounds(*dataset.bounds, errcheck=True)
    to_mercator = Transformer.from_crs(4326, 3857, always_xy=True)
    # A raster of the whole Earth reaches beyond where Web Mercator ends.
    low, high = max(south, -MAX_LATITUDE_DEG), min(north, MAX_LATITUDE_DEG)
    return to_mercator.transform_bounds(west, low, east, high, errcheck=True)


def _check_pixels(dataset: DatasetReader) -> None:
    if not 1 <= dataset.count <= 2 or np.dtype(dataset.dtypes[0]).kind not in "ui":
        raise BadLabels(
            "A label raster has one band of whole numbers, the values of classes. Convert it: "
            "`gdal_translate -b 1 -ot Byte in.tif out.tif`."
        )


def _counts(dataset: DatasetReader) -> dict[int, int]:
    found = np.zeros(256, np.int64)
    # A declared 0 is a class of its own, as `annotator.imagery.labels` reads it.
    nodata = dataset.nodata or None
    for window in _windows(dataset):
        values = dataset.read(1, window=window).ravel()
        if values.dtype != np.uint8:
            inside = (values >= 0) & (values <= 255)
            if not (inside | (values == nodata)).all():
                raise BadLabels("The raster has values beyond 0 to 255. Number its classes anew, from 0 on.")
            values = values[inside].astype(np.uint8)
        found += np.bincount(values, minlength=256)
    if nodata is not None and 0 <= nodata <= 255:
        found[int(nodata)] = 0
    return {value: int(found[value]) for value in np.flatnonzero(found).tolist()}


def _windows(dataset: DatasetReader) -> Iterator[Window]:
    """Whole blocks, so many at a time as make a few million pixels, or one where that has more already."""
    rows, cols = dataset.block_shapes[0]
    cols *= max(1, min(math.ceil(dataset.width / cols), WINDOW_PIXELS // (rows * cols)))
    rows *= max(1, WINDOW_PIXELS // (rows * cols))
    for top in range(0, dataset.height, rows):
        for left in range(0, dataset.width, cols):
            yield Window(left, top, min(cols, dataset.width - left), min(rows, dataset.height - top))


@contextmanager
def _told() -> Iterator[None]:
    """Tells of labels what `open_raster` tells of scenes."""
    try:
        yield
    except BadScene as error:
        raise BadLabels(error.detail) from error
    except ProjError as error:
        raise BadLabels(
            "The raster's coordinate reference system is not tied to the Earth. Set the right one with "
            "`gdal_edit.py -a_srs EPSG:CODE file.tif`."
        ) from error
    except RasterioError as error:
        raise BadLabels(
            "The raster is damaged or was cut off. Compare its size with the original's."
        ) from error
