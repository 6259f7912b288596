"""Label rasters of strangers: what is counted, and what is refused before it is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from annotator.errors import BadLabels
from annotator.imagery import label_rasters
from annotator.imagery.label_rasters import look_at_raster
from tests.rasters import write_raster


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int64"])
@pytest.mark.parametrize("layout", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 32}])
def test_each_pixel_is_counted_once_whatever_the_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, layout: dict[str, int]
) -> None:
    monkeypatch.setattr(label_rasters, "WINDOW_PIXELS", 2000)
    values = np.random.default_rng(1).integers(0, 7, (1, 131, 97)).astype(dtype)
    path = write_raster(tmp_path / "a.tif", values, **layout)
    numbers, counts = np.unique(values, return_counts=True)
    assert dict(look_at_raster(path).counts) == dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def test_what_is_declared_no_data_is_not_counted_unless_it_is_0(tmp_path: Path) -> None:
    values = np.array([[[0, 1, 1, 200]]], "int16")
    for nodata, counts in ((200, {0: 1, 1: 2}), (0, {0: 1, 1: 2, 200: 1})):
        path = write_raster(tmp_path / f"{nodata}.tif", values, nodata=nodata)
        assert dict(look_at_raster(path).counts) == counts
    values[0, 0, 3] = -9999
    path = write_raster(tmp_path / "a.tif", values, nodata=-9999)
    assert dict(look_at_raster(path).counts) == {0: 1, 1: 2}
    with pytest.raises(BadLabels, match="beyond 0 to 255"):
        look_at_raster(write_raster(tmp_path / "b.tif", values))


def test_one_huge_block_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    values = np.zeros((1, 512, 512), "uint8")
    one = write_raster(tmp_path / "one.tif", values, blockysize=512, compress="deflate")
    with pytest.raises(BadLabels, match="TILED=YES"):
        look_at_raster(one, max_block_bytes=512 * 511)
    tiled = write_raster(tmp_path / "tiled.tif", values, tiled=True, blockxsize=256, blockysize=256)
    assert look_at_raster(tiled, max_block_bytes=512 * 511).counts == {0: 512 * 512}
    with pytest.raises(BadLabels, match="too large"):
        look_at_raster(tiled, max_pixels=512 * 512 - 1)


def test_a_raster_that_names_other_files_is_refused_and_a_colour_table_is_none_of_our_business(
    tmp_path: Path,
) -> None:
    values = np.array([[[0, 1, 2]]], "uint8")
    path = write_raster(tmp_path / "a.tif", values)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(ns="GEOLOCATION", X_DATASET="/etc/passwd")
    with pytest.raises(BadLabels, match="point at other files"):
        look_at_raster(path)
    coloured = write_raster(tmp_path / "b.tif", values, photometric="palette")
    assert look_at_raster(coloured).counts == {0: 1, 1: 1, 2: 1}


def test_a_raster_of_the_whole_earth_lies_where_web_mercator_does(tmp_path: Path) -> None:
    whole = Affine(10, 0, -180, 0, -10, 90)
    values = np.zeros((1, 18, 36), "uint8")
    bounds = look_at_raster(write_raster(tmp_path / "a.tif", values, crs="EPSG:4326", transform=whole)).bounds
    assert bounds == pytest.approx((-20037508, -20051417, 20037508, 20051417), rel=1e-3)
