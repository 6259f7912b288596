"""Tiles as people see them: values become colours on the scene's own pixels, and the picture is laid on the grid.

A GDAL warp of the values, as `annotator.imagery.tiles` does it for the model, takes most of a tile's time. Here the
colours are brought to the grid by Pillow, from the overview that fits, which is several times as fast and differs
by a grey level or so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from PIL import Image
from pyproj import Transformer
from rasterio import open as open_dataset
from rasterio.enums import MaskFlags
from rasterio.env import Env
from rasterio.errors import RasterioIOError
from rasterio.io import DatasetReader
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from annotator.imagery.grid import QUAD, TILE_PX
from annotator.imagery.handles import OPEN_OPTIONS, Handles
from annotator.imagery.problems import SceneFileGone
from annotator.imagery.tiles import Box, shifted_bounds

#: Values (bands, rows, cols) and where each is valid, (bands or 1, rows, cols) or None for everywhere, to colours
#: uint8 (rows, cols, 3) and where they count, bool (rows, cols) or None for everywhere.
Paint = Callable[[np.ndarray, np.ndarray | None], tuple[np.ndarray, np.ndarray | None]]

# An affine map of the tile's pixels to the scene's may be off by so much of a pixel; GDAL's warp takes the same.
_TOLERANCE_PX = 0.125
_NODES = 9
# Between overviews the nearer one is taken; beyond the coarsest, pixels would be skipped.
_NEARER = math.sqrt(2)
_SKIPS_ABOVE = 2.0


class SeenFromAfar(Exception):
    """The tile's pixels hold so many of the scene's that they have to be averaged, or lie on both ends of the map."""


@dataclass(frozen=True)
class _Place:
    """A tile's nodes in pixels of the scene: columns and rows (nodes, nodes), and pixels a pixel of the tile."""

    cols: np.ndarray
    rows: np.ndarray
    scale: float


class _Source:
    """An open scene with its overviews."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dataset: DatasetReader = open_dataset(path)
        self._overviews: dict[int, DatasetReader] = {}
        self.factors = [1, *self.dataset.overviews(1)]
        self._to_scene = Transformer.from_crs(
            QUAD.rasterio_crs.to_wkt(), self.dataset.crs.to_wkt(), always_xy=True
        )
        self._to_pixels = tuple(getattr(~self.dataset.transform, name) for name in "abcdef")

    @cached_property
    def lonlat_bounds(self) -> tuple[float, float, float, float]:
        return transform_bounds(self.dataset.crs, "EPSG:4326", *self.dataset.bounds)

    @cached_property
    def mercator_bounds(self) -> Box:
        return transform_bounds(self.dataset.crs, QUAD.rasterio_crs, *self.dataset.bounds)

    @cached_property
    def crosses_180(self) -> bool:
        """It lies on both sides of the world, where a place has more than one column."""
        west, _, east, _ = self.lonlat_bounds
        return west > east or (self.dataset.crs.is_geographic and self.dataset.bounds.right > 180)

    def at(self, level: int) -> DatasetReader:
        """The scene itself for 0, else its overview."""
        if level == 0:
            return self.dataset
        if level not in self._overviews:
            self._overviews[level] = open_dataset(self.path, OVERVIEW_LEVEL=level - 1)
        return self._overviews[level]

    def place(self, bounds: Box, size_px: int) -> _Place:
        west, south, east, north = bounds
        steps = np.linspace(0, 1, _NODES)
        xs, ys = np.meshgrid(west + (east - west) * steps, north - (north - south) * steps)
        xs, ys = self._to_scene.transform(xs, ys)
        a, b, c, d, e, f = self._to_pixels
        cols, rows = a * xs + b * ys + c, d * xs + e * ys + f
        across = math.hypot(cols[0, -1] - cols[0, 0], rows[0, -1] - rows[0, 0])
        down = math.hypot(cols[-1, 0] - cols[0, 0], rows[-1, 0] - rows[0, 0])
        return _Place(cols, rows, math.sqrt(across * down) / size_px)

    @cached_property
    def all_valid(self) -> bool:
        """Nothing in the file can be without data."""
        is_whole = all(flags == [MaskFlags.all_valid] for flags in self.dataset.mask_flag_enums)
        return is_whole and all(np.dtype(name).kind != "f" for name in self.dataset.dtypes)

    @cached_property
    def has_one_mask(self) -> bool:
        return MaskFlags.per_dataset in self.dataset.mask_flag_enums[0]

    def close(self) -> None:
        for dataset in (self.dataset, *self._overviews.values()):
            dataset.close()


_sources = Handles(_Source)


def draw(
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
    """The scene on a tile of the grid: RGB where it covers all of it, else RGBA; None without any of it.

    ``bands`` are numbers from 1; ``shift_m`` moves the scene east and north, in metres of Web Mercator. Nothing is
    read for a tile beside the raster. Raises SeenFromAfar where the scene has no overview that fits, SceneFileGone
    when the file cannot be read.
    """
    bounds = shifted_bounds(x, y, z, shift_m)
    with _reading(path) as source:
        return _drawn(source, bounds, size_px, bands, paint)


def mercator_bounds_of(path: Path) -> Box | None:
    """West, south, east, north of the raster in metres of Web Mercator, as the file has it.

    None where it crosses the 180th meridian. Raises SceneFileGone when the file cannot be read.
    """
    with _reading(path) as source:
        return None if source.crosses_180 else source.mercator_bounds


@contextmanager
def _reading(path: Path) -> Iterator[_Source]:
    try:
        with Env(**OPEN_OPTIONS):
            yield _sources.of(path)
    except (OSError, RasterioIOError) as error:
        raise SceneFileGone("The scene's file cannot be read any more. Add the scene again.") from error


def _drawn(
    source: _Source,
    bounds: Box,
    size_px: int,
    bands: Sequence[int],
    paint: Paint,
) -> Image.Image | None:
    place = source.place(bounds, size_px)
    if source.crosses_180 or not math.isfinite(place.scale):
        raise SeenFromAfar
    level = max(i for i, factor in enumerate(source.factors) if i == 0 or factor <= place.scale * _NEARER)
    if place.scale / source.factors[level] > _SKIPS_ABOVE:
        raise SeenFromAfar
    dataset = source.at(level)
    cols = place.cols * (dataset.width / source.dataset.width)
    rows = place.rows * (dataset.height / source.dataset.height)
    # One pixel more on each side, for what bilinear resampling looks at.
    left, top = (max(0, math.floor(nodes.min()) - 1) for nodes in (cols, rows))
    right = min(dataset.width, math.ceil(cols.max()) + 1)
    bottom = min(dataset.height, math.ceil(rows.max()) + 1)
    if left >= right or top >= bottom:
        return None
    values, masks = _read(source, dataset, Window(left, top, right - left, bottom - top), bands)
    if masks is not None and not masks.any():
        return None
    colours, valid = paint(values, masks)
    image = Image.fromarray(colours)
    covers = (
        cols.min() >= 0 and rows.min() >= 0 and cols.max() <= dataset.width and rows.max() <= dataset.height
    )
    if valid is not None and not valid.all():
        image.putalpha(Image.fromarray(valid.astype(np.uint8) * 255))
    elif not covers:
        image.putalpha(255)
    return _laid(image, cols - left, rows - top, size_px)


def _read(
    source: _Source, dataset: DatasetReader, window: Window, bands: Sequence[int]
) -> tuple[np.ndarray, np.ndarray | None]:
    wanted = sorted(set(bands))
    values = dataset.read(wanted, window=window)
    if wanted != list(bands):
        values = values[[wanted.index(band) for band in bands]]
    if source.all_valid:
        return values, None
    if source.has_one_mask:
        masks = dataset.dataset_mask(window=window)[None] > 0
    elif dataset.nodata is not None:
        masks = values != dataset.nodata
    else:
        masks = np.ones((1, *values.shape[1:]), bool)
    if values.dtype.kind == "f":
        masks = masks & np.isfinite(values)
    return values, None if masks.all() else masks


def _laid(image: Image.Image, cols: np.ndarray, rows: np.ndarray, size_px: int) -> Image.Image | None:
    """The picture on the tile, whose nodes lie at those places of it."""
    by_col, by_row = ((nodes[0, -1] - nodes[0, 0]) / size_px for nodes in (cols, rows))
    col_by_row, row_by_row = ((nodes[-1, 0] - nodes[0, 0]) / size_px for nodes in (cols, rows))
    steps = np.linspace(0, size_px, _NODES)
    xs, ys = np.meshgrid(steps, steps)
    off = max(
        np.abs(cols - (cols[0, 0] + by_col * xs + col_by_row * ys)).max(),
        np.abs(rows - (rows[0, 0] + by_row * xs + row_by_row * ys)).max(),
    )
    transform = partial(image.transform, (size_px, size_px), resample=Image.Resampling.BILINEAR)
    if off <= _TOLERANCE_PX:
        laid = transform(
            Image.Transform.AFFINE, (by_col, col_by_row, cols[0, 0], by_row, row_by_row, rows[0, 0])
        )
    else:
        laid = transform(Image.Transform.MESH, _mesh(cols, rows, size_px))
    return None if laid.mode == "RGBA" and not laid.getextrema()[3][1] else laid


def _mesh(
    cols: np.ndarray, rows: np.ndarray, size_px: int
) -> list[tuple[tuple[int, int, int, int], tuple[float, ...]]]:
    """Squares of the tile, each with its corners in the picture: upper left, lower left, lower right, upper right."""
    side = size_px // (_NODES - 1)
    corners = ((0, 0), (1, 0), (1, 1), (0, 1))
    return [
        (
            (col * side, row * side, (col + 1) * side, (row + 1) * side),
            tuple(float(nodes[row + down, col + right]) for down, right in corners for nodes in (cols, rows)),
        )
        for row in range(_NODES - 1)
        for col in range(_NODES - 1)
    ]
