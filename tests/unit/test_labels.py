"""Label rasters on the grid."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import Transformer

from annotator.imagery import grid
from annotator.imagery.labels import read_label_tile
from tests.rasters import write_raster

# A tile of zoom 17 on farmland in Maharashtra.
X, Y, Z = 93_237, 58_182, 17


def labels_on_the_grid(path: Path, values: np.ndarray, *, nodata: float | None) -> Path:
    """A label raster whose pixels are those of the tile X, Y, Z."""
    west, _, east, north = grid.square(X, Y, Z).extent
    px = (east - west) / 256
    transform = Affine(px, 0, west, 0, -px, north)
    return write_raster(path, values[None], crs="EPSG:3857", transform=transform, nodata=nodata)


@pytest.fixture
def values() -> np.ndarray:
    drawn = np.zeros((256, 256), "uint8")
    drawn[:100], drawn[100:150] = 1, 255
    return drawn


@pytest.mark.parametrize("nodata", [None, 0])
def test_nought_is_a_class_also_where_the_file_calls_it_no_data(tmp_path, values, nodata):
    found, covered = read_label_tile(labels_on_the_grid(tmp_path / "a.tif", values, nodata=nodata), X, Y, Z)
    assert np.array_equal(found, values)
    assert covered.all()


def test_any_other_value_that_the_file_calls_no_data_is_none(tmp_path, values):
    found, covered = read_label_tile(labels_on_the_grid(tmp_path / "a.tif", values, nodata=255), X, Y, Z)
    assert np.array_equal(covered, values != 255)
    assert np.array_equal(found, np.where(covered, values, 0))


def test_beside_and_around_the_raster_nothing_is_covered(tmp_path, values):
    path = labels_on_the_grid(tmp_path / "a.tif", values[:, :64] + 1, nodata=None)
    found, covered = read_label_tile(path, X, Y, Z)
    assert np.array_equal(covered.any(axis=0), np.arange(256) < 64)
    assert not found[:, 64:].any()
    found, covered = read_label_tile(path, X + 3, Y, Z)
    assert (found.shape, found.any(), covered.any()) == ((256, 256), False, False)


def test_a_real_label_raster_is_the_same_with_and_without_declared_no_data(tmp_path, milpa_data):
    given = milpa_data / "denmark-lpis-s2" / "label_field3.tif"
    declared = Path(shutil.copy(given, tmp_path / "declared.tif"))
    with rasterio.open(declared, "r+") as dataset:
        dataset.nodata = 0
        (lon,), (lat,) = rasterio.warp.transform(
            dataset.crs, "EPSG:4326", *([v] for v in dataset.xy(200, 140))
        )
    tile = tuple(grid.QUAD.tile(lon, lat, 15))
    found, covered = read_label_tile(declared, *tile)
    assert covered.all()
    assert set(np.unique(found)) == {0, 1, 2}
    assert np.array_equal(found, read_label_tile(given, *tile)[0])


@pytest.mark.parametrize("gsd_m", [0.5, 3.0])
def test_a_pixel_has_the_value_that_its_centre_lies_in(tmp_path, gsd_m):
    west, _, east, north = grid.square(X, Y, Z).extent
    to_utm = Transformer.from_crs(3857, 32643, always_xy=True)
    left, top = to_utm.transform(west, north)
    to_ground = Affine(gsd_m, 0, left - 20, 0, -gsd_m, top + 20)
    values = np.random.default_rng(1).integers(0, 255, (900, 900)).astype("uint8")
    path = write_raster(tmp_path / "a.tif", values[None], transform=to_ground)
    found, covered = read_label_tile(path, X, Y, Z)
    px = (east - west) / 256
    centres = np.meshgrid(west + px * (np.arange(256) + 0.5), north - px * (np.arange(256) + 0.5))
    cols, rows = ~to_ground * to_utm.transform(*centres)
    assert covered.all()
    # But for one that two programs may round to either side of an edge.
    assert (found != values[rows.astype(int), cols.astype(int)]).sum() <= 1
