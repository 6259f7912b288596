"""Georeferenced rasters, in and out: a scene read by windows, and a mask and an entropy map written whole or not.

Windows are ``(row, col, rows, cols)`` in pixels of the scene and may reach beyond it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.windows import Window

from mlservice.contracts import UNSURE, Legend
from mlservice.errors import BadImage

STRETCH_PERCENTILES = (2, 98)
OVERVIEW_PX = 1024
"""The longer side of the reduced image that the stretch is measured on."""


@dataclass(frozen=True)
class Place:
    """A rectangle of a scene, in pixels."""

    row: int
    col: int
    rows: int
    cols: int

    @property
    def window(self) -> Window:
        return Window(self.col, self.row, self.cols, self.rows)


class SceneFile:
    """Three bands of a raster as red, green and blue; values other than uint8 are stretched to 0–255.

    The stretch is linear between the `STRETCH_PERCENTILES` of each band over the whole raster.
    """

    def __init__(self, dataset: Any, bands: Sequence[int]) -> None:
        self.dataset = dataset
        self.bands = list(bands)
        if missing := [band for band in self.bands if not 1 <= band <= dataset.count]:
            raise BadImage(
                f"“{dataset.name}” has {dataset.count} bands, so there is no band {missing[0]}. Three bands are "
                "needed, as red, green and blue: choose them with --bands."
            )
        self.whole = Place(0, 0, dataset.height, dataset.width)
        self._stretch = None if dataset.dtypes[self.bands[0] - 1] == "uint8" else self._measured_stretch()

    def read(self, place: Place) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """The image ``(rows, cols, 3)`` and where it has data; black and without data beyond the scene."""
        image = np.zeros((place.rows, place.cols, 3), np.uint8)
        valid = np.zeros((place.rows, place.cols), np.bool_)
        inside = _intersection(place, self.whole)
        if inside.rows <= 0 or inside.cols <= 0:
            return image, valid
        at = (
            slice(inside.row - place.row, inside.row - place.row + inside.rows),
            slice(inside.col - place.col, inside.col - place.col + inside.cols),
        )
        bands = self.dataset.read(self.bands, window=inside.window)
        known = np.isfinite(bands).all(0)
        valid[at] = known & (self.dataset.read_masks(self.bands, window=inside.window) > 0).all(0)
        image[at] = self._shown(bands).transpose(1, 2, 0)
        return image, valid

    def _shown(self, bands: NDArray[Any]) -> NDArray[np.uint8]:
        if self._stretch is None:
            return bands
        low, high = self._stretch
        scaled = np.nan_to_num((bands - low) / (high - low))
        shown: NDArray[np.uint8] = (np.clip(scaled, 0, 1) * 255 + 0.5).astype(np.uint8)
        return shown

    def _measured_stretch(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        scale = min(1.0, OVERVIEW_PX / max(self.dataset.shape))
        shape = (3, *(max(1, round(side * scale)) for side in self.dataset.shape))
        bands = self.dataset.read(self.bands, out_shape=shape, resampling=Resampling.nearest)
        known = (self.dataset.read_masks(self.bands, out_shape=shape) > 0) & np.isfinite(bands)
        if not known.any((1, 2)).all():
            raise BadImage(f"“{self.dataset.name}” has no data in the bands {self.bands}.")
        ends = [np.percentile(band[at], STRETCH_PERCENTILES) for band, at in zip(bands, known, strict=True)]
        low, high = np.array(ends).T[..., None, None]
        return low, np.maximum(high, low + 1e-9)


@contextlib.contextmanager
def opened_scene(path: Path, bands: Sequence[int]) -> Iterator[SceneFile]:
    """A raster to read; raises BadImage when it is none, or has not the bands."""
    try:
        dataset = rasterio.open(path)
    except RasterioError as error:
        raise BadImage(f"“{path}” cannot be read as a raster: {error}") from error
    with dataset:
        yield SceneFile(dataset, bands)


class RasterOut:
    """A tiled raster beside its final place, which becomes a cloud-optimised GeoTIFF there.

    No file is there before `begin`, so that whoever has seen to `discard` by then leaves nothing behind.
    """

    def __init__(self, path: Path, scene: SceneFile, place: Place, dtype: str, cell_px: int) -> None:
        self.path = path
        self.shape = (-(-place.rows // cell_px), -(-place.cols // cell_px))
        self._draft = path.with_name(f".{path.name}.draft")
        self._ready = path.with_name(f".{path.name}.ready")
        origin = Affine(*scene.dataset.transform) @ Affine.translation(place.col, place.row)
        self._profile = {
            "driver": "GTiff",
            "dtype": dtype,
            "count": 1,
            "height": self.shape[0],
            "width": self.shape[1],
            "crs": scene.dataset.crs,
            "transform": origin @ Affine.scale(cell_px),
            "nodata": UNSURE if dtype == "uint8" else float("nan"),
            "tiled": True,
            "blockxsize": 256,
            "blockysize": 256,
            "bigtiff": "IF_SAFER",
        }
        self._dataset: Any = None

    def begin(self) -> None:
        """Make the empty raster beside its place."""
        self._dataset = rasterio.open(self._draft, "w", **self._profile)

    def write(self, values: NDArray[Any], row: int, col: int) -> None:
        """Put values where they belong, as far as they are inside."""
        values = values[: max(0, self.shape[0] - row), : max(0, self.shape[1] - col)]
        if values.size:
            self._dataset.write(values, 1, window=Window(col, row, values.shape[1], values.shape[0]))

    def describe(self, description: str, legend: Legend | None = None) -> None:
        """Name the band, and give the classes of a legend their colours and names."""
        self._dataset.set_band_description(1, description)
        if legend is not None:
            self._dataset.write_colormap(1, {c.value: _rgba(c.color) for c in legend.classes})
            self._dataset.update_tags(1, **{f"CLASS_{c.value}": c.name for c in legend.classes})

    def prepare(self) -> None:
        """Make the cloud-optimised raster, still beside its place."""
        self._dataset.close()
        rasterio.shutil.copy(
            self._draft,
            self._ready,
            driver="COG",
            compress="DEFLATE",
            blocksize=256,
            overview_resampling="NEAREST",
        )

    def publish(self) -> None:
        """Put the prepared raster in its place."""
        self._ready.replace(self.path)

    def discard(self) -> None:
        """Leave nothing behind but a raster that was published."""
        if self._dataset is not None:
            self._dataset.close()
        for path in list(self.path.parent.iterdir()):
            if path.name.startswith((self._draft.name, self._ready.name)):
                path.unlink()


def _intersection(one: Place, other: Place) -> Place:
    row, col = max(one.row, other.row), max(one.col, other.col)
    rows = min(one.row + one.rows, other.row + other.rows) - row
    cols = min(one.col + one.cols, other.col + other.cols) - col
    return Place(row, col, rows, cols)


def _rgba(color: str) -> tuple[int, int, int, int]:
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue, 255
