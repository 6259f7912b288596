"""Scenes on the grid, as the arrays that a model sees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.env import Env
from rasterio.errors import RasterioIOError
from rasterio.io import DatasetReader
from rasterio.warp import transform_bounds
from rio_tiler.io import Reader

from annotator.imagery.grid import QUAD, TILE_PX
from annotator.imagery.handles import OPEN_OPTIONS, Handles
from annotator.imagery.problems import SceneFileGone

MAX_SIZE_PX = 1024

Box = tuple[float, float, float, float]

# From so far out that a tile's pixel holds more than this many of the coarsest overview's a side, GDAL would
# spend its time and memory on the emptiness around the scene.
_NEAR_PX = 2
_MAX_SAMPLES_A_SIDE = 1024
_MAX_LATITUDE_DEG = 85.0511


@dataclass(frozen=True)
class TileImage:
    """A tile of a scene in 8 bits."""

    rgb: np.ndarray  # uint8 (rows, cols, 3), black where invalid
    valid: np.ndarray  # bool (rows, cols): the scene has data there


def read_tile(
    cog_path: Path,
    x: int,
    y: int,
    z: int,
    *,
    size_px: int = TILE_PX,
    display_bands: Sequence[int],
    stretch: Sequence[Sequence[float]],
    resampling: str = "bilinear",
    shift_m: Sequence[float] = (0.0, 0.0),
) -> TileImage:
    """The scene on a tile of the grid, stretched to 8 bits.

    ``display_bands`` are the band numbers (from 1) of red, green and blue; ``stretch`` holds for each of them
    the value shown as 0 and the one shown as 255; ``size_px`` is the side of the answer, up to 1,024;
    ``shift_m`` moves the scene east and north, in metres of Web Mercator.
    A tile beside the scene is all invalid. Raises SceneFileGone when the file cannot be read.
    """
    if not 0 < size_px <= MAX_SIZE_PX:
        raise ValueError(f"a tile has 1 to {MAX_SIZE_PX} pixels a side, not {size_px}")
    bounds = shifted_bounds(x, y, z, shift_m)
    values = _values(cog_path, bounds, size_px, display_bands, stretch, resampling)
    if values is None:
        return TileImage(np.zeros((size_px, size_px, 3), np.uint8), np.zeros((size_px, size_px), bool))
    valid = ~np.ma.getmaskarray(values).all(axis=0) & np.isfinite(values.data).all(axis=0)
    rgb = stretched(values.data, stretch)
    rgb[:, ~valid] = 0
    return TileImage(np.ascontiguousarray(rgb.transpose(1, 2, 0)), valid)


def read_values(
    cog_path: Path,
    x: int,
    y: int,
    z: int,
    *,
    size_px: int = TILE_PX,
    bands: Sequence[int],
    shift_m: Sequence[float] = (0.0, 0.0),
) -> tuple[np.ndarray, np.ndarray]:
    """The bands' own values (bands, rows, cols) on a tile, and where all of them are valid.

    Raises SceneFileGone when the file cannot be read.
    """
    any_stretch = ((0.0, 1.0),) * len(bands)
    bounds = shifted_bounds(x, y, z, shift_m)
    values = _values(cog_path, bounds, size_px, bands, any_stretch, "bilinear")
    if values is None:
        return np.zeros((len(bands), size_px, size_px), np.float32), np.zeros((size_px, size_px), bool)
    return values.data, ~np.ma.getmaskarray(values).any(axis=0) & np.isfinite(values.data).all(axis=0)


def shifted_bounds(x: int, y: int, z: int, shift_m: Sequence[float]) -> Box:
    """West, south, east, north in Web Mercator metres of what lies on the tile once the scene is shifted."""
    west, south, east, north = QUAD.xy_bounds(x, y, z)
    return west - shift_m[0], south - shift_m[1], east - shift_m[0], north - shift_m[1]


_readers = Handles(lambda path: Reader(str(path)))


def _values(
    cog_path: Path,
    bounds: Box,
    size_px: int,
    bands: Sequence[int],
    stretch: Sequence[Sequence[float]],
    resampling: str,
) -> np.ma.MaskedArray | None:
    """What `_read` reads, None beside the scene. Raises SceneFileGone."""
    try:
        with Env(**OPEN_OPTIONS):
            return _read(_readers.of(cog_path), bounds, size_px, bands, stretch, resampling)
    except (OSError, RasterioIOError) as error:
        raise SceneFileGone("The scene's file cannot be read any more. Add the scene again.") from error


def _read(
    reader: Reader,
    bounds: Box,
    size_px: int,
    display_bands: Sequence[int],
    stretch: Sequence[Sequence[float]],
    resampling: str,
) -> np.ma.MaskedArray | None:
    """The display bands' own values (bands, rows, cols), masked where there is no data; None beside the scene."""
    dataset: DatasetReader = reader.dataset
    pixel_type = np.dtype(dataset.dtypes[0])
    # The default tolerance, named so that a source in Web Mercator is warped, too: a plain windowed read
    # knows nothing of the pixels beyond the tile's edge, and neighbouring tiles would not meet.
    warp: dict[str, object] = {"tolerance": 0.125}
    if pixel_type.itemsize <= 2 and ColorInterp.alpha not in dataset.colorinterp and not _is_plain(stretch):
        # Between pixels of few bits lie values that a narrow stretch would otherwise show as steps.
        warp["dtype"] = "float32"
    bands = sorted(set(display_bands))
    options = {
        "indexes": bands,
        "nodata": np.nan if pixel_type.kind == "f" and dataset.nodata is None else None,
        "reproject_method": resampling,
        "resampling_method": resampling,
        "vrt_options": warp,
    }
    boxes = _boxes(dataset)
    samples_per_px = _samples_per_px(dataset, boxes, bounds, size_px)
    if samples_per_px > 1:
        values = _read_from_afar(reader, boxes, bounds, size_px, samples_per_px, options)
    else:
        if not any(_overlap(box, bounds) for box in boxes):
            return None
        values = reader.part(
            bounds,
            dst_crs=QUAD.rasterio_crs,
            bounds_crs=QUAD.rasterio_crs,
            width=size_px,
            height=size_px,
            **options,
        ).array
    return values[[bands.index(band) for band in display_bands]]


def _boxes(dataset: DatasetReader) -> list[Box]:
    """West, south, east, north of the scene in Web Mercator metres; two where it crosses the 180th meridian."""
    west, south, east, north = transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds)
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    return [
        (*QUAD.xy(left, max(south, -_MAX_LATITUDE_DEG)), *QUAD.xy(right, min(north, _MAX_LATITUDE_DEG)))
        for left, right in spans
    ]


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _samples_per_px(dataset: DatasetReader, boxes: Sequence[Box], bounds: Box, size_px: int) -> int:
    """Into how many samples a side to divide a pixel of the tile, a power of two; 1 unless seen from afar."""
    west, _, east, _ = bounds
    px_m = (east - west) / size_px
    width_m = sum(box[2] - box[0] for box in boxes)
    side_px = max(width_m, boxes[0][3] - boxes[0][1]) / px_m
    coarsest_px_m = width_m / dataset.width * max(dataset.overviews(1), default=1)
    wanted = math.ceil(math.log2(px_m / coarsest_px_m / _NEAR_PX))
    bearable = math.floor(math.log2(_MAX_SAMPLES_A_SIDE / side_px))
    return int(2 ** max(0, min(wanted, bearable)))


def _read_from_afar(
    reader: Reader,
    boxes: Sequence[Box],
    bounds: Box,
    size_px: int,
    samples_per_px: int,
    options: dict[str, Any],
) -> np.ma.MaskedArray:
    """The means of the samples in each pixel of the tile, of which only those in the boxes are read."""
    west, _, east, north = bounds
    all_samples = size_px * samples_per_px
    step_m = (east - west) / all_samples
    sums = np.zeros((len(options["indexes"]), size_px, size_px))
    counts = np.zeros(sums.shape, int)
    for box in boxes:
        # One more on each side, for what resampling spreads.
        left, top = (max(0, math.floor(m / step_m) - 1) for m in (box[0] - west, north - box[3]))
        right, bottom = (min(all_samples, math.ceil(m / step_m) + 1) for m in (box[2] - west, north - box[1]))
        if left >= right or top >= bottom:
            continue
        bounds = (
            west + left * step_m, north - bottom * step_m, west + right * step_m, north - top * step_m,
        )  # fmt: skip
        image = reader.part(
            bounds,
            dst_crs=QUAD.rasterio_crs,
            bounds_crs=QUAD.rasterio_crs,
            width=right - left,
            height=bottom - top,
            **options,
        )
        valid = ~np.ma.getmaskarray(image.array) & np.isfinite(image.array.data)
        rows, row_starts = np.unique(np.arange(top, bottom) // samples_per_px, return_index=True)
        cols, col_starts = np.unique(np.arange(left, right) // samples_per_px, return_index=True)
        for total, samples in ((sums, np.where(valid, image.array.data, 0)), (counts, valid)):
            by_row = np.add.reduceat(samples, row_starts, axis=1, dtype=total.dtype)
            total[:, rows[:, None], cols] += np.add.reduceat(by_row, col_starts, axis=2)
    return np.ma.MaskedArray((sums / np.maximum(counts, 1)).astype(np.float32), counts == 0)


def _is_plain(stretch: Sequence[Sequence[float]]) -> bool:
    return all((low, high) == (0, 255) for low, high in stretch)


def stretched(values: np.ndarray, stretch: Sequence[Sequence[float]]) -> np.ndarray:
    """The values (bands, rows, cols) in 8 bits, from 0 at the low to 255 at the high end of each band's stretch."""
    if values.dtype == np.uint8 and _is_plain(stretch):
        return values.copy()
    low, high = (np.array(ends, np.float32).reshape(-1, 1, 1) for ends in zip(*stretch, strict=True))
    # Clipped first, as a nodata value may be too large to be multiplied.
    shown = np.clip(values, low, high)
    shown = np.subtract(shown, low, out=shown if shown.dtype == np.float32 else None)
    shown *= 255 / (high - low)
    if values.dtype.kind == "f":
        np.nan_to_num(shown, copy=False)
    return np.rint(shown, out=shown).astype(np.uint8)
