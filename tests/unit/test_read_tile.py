"""A scene on the grid: right place, right values, no seams, nothing where there is no data."""

from __future__ import annotations

import io
import math
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image

from annotator.imagery import grid, problems, tiles
from annotator.imagery.ingest import ingest_scene
from annotator.imagery.rendering import EMPTY_TILE, render_tile
from annotator.imagery.tiles import read_tile
from tests.rasters import random_values, write_raster

RGB = {"display_bands": (1, 2, 3), "stretch": ((0, 255),) * 3}
# A tile of zoom 17 on farmland in Maharashtra.
X, Y, Z = 93_237, 58_182, 17


def on_the_grid(path: Path, values: np.ndarray, *, levels: int = 0, **options: object) -> Path:
    """A scene whose pixels are those of the tile X, Y, Z and its neighbours to the east and south.

    With ``levels``, its pixels are those of that many zoom levels deeper.
    """
    west, _, _, north = grid.square(X, Y, Z).extent
    px = 2 * math.pi * 6_378_137 / 2 ** (Z + levels) / 256
    return write_raster(
        path, values, crs="EPSG:3857", transform=Affine(px, 0, west, 0, -px, north), **options
    )


@pytest.fixture
def tif(tmp_path: Path) -> Path:
    return tmp_path / "scene.tif"


@pytest.mark.parametrize("driver", ["GTiff", "COG"])
def test_a_tile_of_a_scene_on_the_same_grid_is_its_very_pixels(tif, driver):
    values = random_values(3, 512, 512)
    on_the_grid(tif, values, driver=driver)
    for column, row in ((0, 0), (1, 0), (1, 1)):
        tile = read_tile(tif, X + column, Y + row, Z, **RGB)
        expected = values[:, row * 256 : row * 256 + 256, column * 256 : column * 256 + 256]
        assert np.array_equal(tile.rgb, expected.transpose(1, 2, 0))
        assert tile.valid.all()


def test_a_point_on_the_ground_falls_into_the_pixel_that_the_grid_says(tmp_path):
    """A white square of 12 m in a UTM scene of 1 m is found where projecting its centre puts it."""
    values = np.full((3, 600, 600), 10, "uint8")
    values[:, 300:312, 200:212] = 250
    path = write_raster(tmp_path / "scene.tif", values, driver="COG")
    with rasterio.open(path) as dataset:
        (lon,), (lat,) = rasterio.warp.transform(
            dataset.crs, "EPSG:4326", *([v] for v in dataset.xy(305.5, 205.5))
        )
    tile = grid.QUAD.tile(lon, lat, 17)
    west, south, east, north = grid.square(*tile).extent
    x, y = grid.QUAD.xy(lon, lat)
    expected = ((north - y) / (north - south) * 256, (x - west) / (east - west) * 256)
    found = np.argwhere(read_tile(path, *tile, **RGB).rgb[..., 0] > 130).mean(axis=0) + 0.5
    assert found == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize("crs", ["EPSG:32643", "EPSG:3857"])
@pytest.mark.parametrize("deeper", [0, 2])
def test_tiles_meet_without_seams(tif, crs, deeper):
    """Four tiles are the same picture as their parent read at twice the size, also beyond native zoom."""
    rng = np.random.default_rng(3)
    values = rng.integers(0, 255, (3, 700, 700)).astype("uint8")
    if crs == "EPSG:3857":
        on_the_grid(tif, values, driver="COG")
        parent = (X, Y, Z)
    else:
        write_raster(tif, values, driver="COG", blocksize=256)
        with rasterio.open(tif) as dataset:
            west, south, east, north = rasterio.warp.transform_bounds(crs, "EPSG:4326", *dataset.bounds)
        parent = tuple(grid.QUAD.tile((west + east) / 2, (south + north) / 2, 17))
    x, y, z = parent[0] << deeper, parent[1] << deeper, parent[2] + deeper
    whole = read_tile(tif, x, y, z, size_px=512, **RGB)
    quarters = [[read_tile(tif, 2 * x + dx, 2 * y + dy, z + 1, **RGB) for dx in (0, 1)] for dy in (0, 1)]
    together = np.concatenate([np.concatenate([tile.rgb for tile in row], axis=1) for row in quarters])
    # GDAL places pixels to an eighth of a source pixel, so values differ a little, but not along the seams.
    difference = np.abs(together.astype(int) - whole.rgb).mean(axis=2)
    seam = np.concatenate([difference[254:258].ravel(), difference[:, 254:258].ravel()])
    assert seam.mean() <= difference.mean() * 1.5 + 0.5
    assert difference.mean() < 4


def test_pixels_without_data_are_transparent_and_black(tif):
    values = random_values(3, 256, 256, "uint16") * 10
    values[:, :100] = 0
    on_the_grid(tif, values, nodata=0)
    tile = read_tile(tif, X, Y, Z, display_bands=(1, 2, 3), stretch=((100, 2000),) * 3)
    assert np.array_equal(tile.valid, np.arange(256)[:, None].repeat(256, 1) >= 100)
    assert not tile.rgb[:100].any()


def test_no_data_does_not_bleed_into_its_neighbours(tif):
    """Seen two zooms deeper, a value beside nodata 0 is itself, not halfway to 0."""
    values = np.full((1, 256, 256), 1000, "uint16")
    values[:, :, 128:] = 0
    on_the_grid(tif, values, nodata=0)
    stretch = ((0, 2000),) * 3
    tile = read_tile(tif, 4 * X + 1, 4 * Y, Z + 2, display_bands=(1, 1, 1), stretch=stretch)
    assert set(np.unique(tile.rgb[tile.valid])) == {128}


@pytest.mark.parametrize("nodata", [None, np.nan, -9999, float(np.finfo("float32").min)])
def test_not_a_number_is_transparent(tif, nodata):
    values = random_values(3, 256, 256, "float32")
    values[:, 50:100] = np.nan
    values[:, 60:90] = np.nan if nodata is None else nodata
    on_the_grid(tif, values, nodata=nodata)
    valid = read_tile(tif, X, Y, Z, **RGB).valid
    assert not valid[51:99].any()
    assert valid[101:].all()
    assert valid[:49].all()


def test_an_alpha_band_is_transparency_and_no_colour(tif):
    values = random_values(4, 256, 256)
    values[3] = 255
    values[3, :, :40] = 0
    on_the_grid(tif, values, photometric="rgb", alpha="yes")
    tile = read_tile(tif, X, Y, Z, **RGB)
    assert np.array_equal(tile.valid.any(axis=0), np.arange(256) >= 40)
    assert np.array_equal(tile.rgb[:, 40:], values[:3, :, 40:].transpose(1, 2, 0))


def test_the_stretch_maps_its_ends_to_black_and_white_and_clips(tif):
    values = np.zeros((1, 256, 256), "uint16")
    values[0, :, :] = np.arange(256) * 10
    on_the_grid(tif, values)
    shown = read_tile(tif, X, Y, Z, display_bands=(1, 1, 1), stretch=((500, 1520),) * 3).rgb[0, :, 0]
    assert np.array_equal(shown, np.clip((np.arange(256) * 10 - 500) / 4, 0, 255).round())


def test_bands_come_in_the_order_that_is_asked_for_and_may_repeat(tif):
    values = random_values(5, 256, 256)
    on_the_grid(tif, values)
    tile = read_tile(tif, X, Y, Z, display_bands=(5, 1, 5), stretch=RGB["stretch"])
    assert np.array_equal(tile.rgb, values[[4, 0, 4]].transpose(1, 2, 0))


def test_few_levels_of_8_bits_are_smooth_when_seen_closer(tif):
    """Between two neighbours of 30 and 31, under a stretch from 30 to 31, there are greys."""
    values = np.full((3, 256, 256), 30, "uint8")
    values[:, :, 64:] = 31
    on_the_grid(tif, values)
    stretch = ((30, 31),) * 3
    shown = read_tile(tif, 4 * X + 1, 4 * Y, Z + 2, display_bands=(1, 2, 3), stretch=stretch).rgb
    assert (
        len(np.unique(read_tile(tif, 4 * X, 4 * Y, Z + 2, display_bands=(1, 2, 3), stretch=stretch).rgb)) > 2
    )
    assert shown.max() == 255


def test_a_rotated_scene_is_turned_upright(tmp_path):
    values = np.full((3, 400, 400), 200, "uint8")
    turned = Affine(1, 0, 613_000, 0, -1, 2_190_000) @ Affine.rotation(45)
    path = tmp_path / "cog.tif"
    facts = ingest_scene(
        write_raster(tmp_path / "turned.tif", values, transform=turned),
        cog_path=path,
        work_folder=tmp_path / "work",
        on_progress=lambda *_: None,
    )
    center = facts.footprint.centroid
    tile = read_tile(path, *grid.QUAD.tile(center.x, center.y, 14), size_px=1024, **RGB)
    rows, cols = np.nonzero(tile.valid)
    # A square that stands on its corner fills half of its box.
    share = tile.valid.sum() / ((np.ptp(rows) + 1) * (np.ptp(cols) + 1))
    assert share == pytest.approx(0.5, abs=0.03)
    assert set(np.unique(tile.rgb[tile.valid])) == {200}


def test_a_tile_beside_the_scene_is_empty(tif):
    on_the_grid(tif, random_values(3, 256, 256))
    tile = read_tile(tif, X + 5, Y, Z, size_px=512, **RGB)
    assert tile.rgb.shape == (512, 512, 3)
    assert not tile.valid.any()
    assert render_tile(tif, X + 5, Y, Z, **RGB) == EMPTY_TILE


def far_scene(path: Path, **options: object) -> Path:
    """A square of 1,024 px, as wide as 2 x 2 tiles of zoom 17 in Maharashtra, in one colour."""
    return on_the_grid(path, np.full((3, 1024, 1024), 90, "uint8"), levels=1, driver="COG", **options)


@pytest.mark.parametrize("nodata", [None, 0])
@pytest.mark.parametrize("zoom", range(0, 17, 4))
def test_from_afar_the_scene_is_where_it_lies_and_nowhere_else(tif, zoom, nodata):
    far_scene(tif, nodata=nodata)
    up = Z - zoom
    tile = read_tile(tif, X >> up, Y >> up, zoom, **RGB)
    rows, cols = np.nonzero(tile.valid)
    # The tile's pixels that the scene touches; without nodata, those of its rim may be left out.
    for found, first in ((cols, X), (rows, Y)):
        west, east = (edge * 256 / 2**up % 256 for edge in (first % 2**up, first % 2**up + 2))
        east = min(256, east if east > west else 256)
        assert math.floor(west) <= found.min() <= math.floor(west) + 1
        assert math.ceil(east) - 2 <= found.max() <= math.ceil(east) - 1
    assert set(np.unique(tile.rgb[tile.valid])) == {90}


def test_from_afar_only_the_scene_is_read_and_not_the_emptiness_around_it(tif, monkeypatch):
    """However far out, no more than a few hundred samples a side."""
    samples: list[int] = []
    scene_px_per_sample: list[float] = []
    scene_px_m = 2 * math.pi * 6_378_137 / 2 ** (Z + 1) / 256
    part = tiles.Reader.part

    def watched(reader, bounds, **options):
        samples.append(max(options["width"], options["height"]))
        scene_px_per_sample.append((bounds[2] - bounds[0]) / options["width"] / scene_px_m)
        return part(reader, bounds, **options)

    monkeypatch.setattr(tiles.Reader, "part", watched)
    far_scene(tif)
    for zoom in range(25):
        up = Z - zoom
        x, y = (X >> up, Y >> up) if up >= 0 else (X << -up, Y << -up)
        assert read_tile(tif, x, y, zoom, **RGB).valid.any()
    assert len(samples) == 25
    assert max(samples) <= 512 + 4
    # The file has one overview, of half the pixels a side.
    assert max(scene_px_per_sample) <= 4.001


def test_the_view_from_afar_is_the_mean_of_the_view_from_closer(milpa_data):
    """A real scene at zoom 8 and its four children at zoom 9, averaged."""
    path = milpa_data / "maharashtra-s2-scene" / "s2_sr_maharashtra_20221003.tif"
    display = {"display_bands": (3, 2, 1), "stretch": ((0, 3000),) * 3}
    x, y, z = grid.QUAD.tile(76.1, 19.75, 8)
    far = read_tile(path, x, y, z, **display)
    children = [[read_tile(path, 2 * x + c, 2 * y + r, z + 1, **display) for c in (0, 1)] for r in (0, 1)]
    rgb = np.block([[child.rgb[..., 0] for child in row] for row in children]).reshape(256, 2, 256, 2)
    valid = np.block([[child.valid for child in row] for row in children]).reshape(256, 2, 256, 2)
    whole = valid.all(axis=(1, 3))
    assert whole.sum() > 100
    # Which pixels of the rim hold a bit of the scene depends on where its samples lie.
    assert (far.valid != valid.any(axis=(1, 3))).sum() <= 4 * math.sqrt(whole.sum()) / 2
    difference = rgb.mean(axis=(1, 3))[whole] - far.rgb[..., 0][whole]
    assert np.abs(difference).mean() < 1


def test_a_scene_across_the_180th_meridian_is_seen_on_both_sides_of_the_world(tif):
    """In Fiji, in UTM zone 60 south."""
    transform = Affine(10, 0, 812_000, 0, -10, 8_150_000)
    write_raster(
        tif, np.full((3, 2048, 2048), 90, "uint8"), crs="EPSG:32760", transform=transform, driver="COG"
    )
    for zoom in (0, 3, 6, 9):
        last = 2**zoom - 1
        _, y, _ = grid.QUAD.tile(179.99, -17, zoom)
        west, east = (read_tile(tif, x, y, zoom, **RGB).valid for x in (0, last))
        assert west[:, 0].any()
        assert east[:, -1].any()
        assert west.sum() + east.sum() <= 4 + 2 * (256 * 2**zoom * 20_480 / 4e7 * 1.2 + 2) ** 2


@pytest.mark.parametrize(("hidden", "mode"), [(0, "RGB"), (100, "RGBA")])
def test_a_tile_is_a_webp_that_is_transparent_only_where_it_must_be(tif, hidden, mode):
    values = random_values(3, 256, 256)
    values[:, :, :hidden] = 0
    on_the_grid(tif, values, nodata=0)
    image = Image.open(io.BytesIO(render_tile(tif, X, Y, Z, **RGB)))
    assert (image.format, image.size, image.mode) == ("WEBP", (256, 256), mode)
    if hidden:
        assert np.array_equal(np.asarray(image)[..., 3].any(axis=0), np.arange(256) >= hidden)


def test_the_empty_tile_is_small_and_transparent():
    image = Image.open(io.BytesIO(EMPTY_TILE))
    assert (image.size, np.asarray(image)[..., 3].max()) == ((256, 256), 0)
    assert len(EMPTY_TILE) < 500


def test_a_replaced_file_is_read_anew(tif):
    for value in (40, 90):
        fresh = on_the_grid(tif.with_suffix(".new"), np.full((3, 256, 256), value, "uint8"))
        os.replace(fresh, tif)
        assert read_tile(tif, X, Y, Z, **RGB).rgb.max() == value


def test_open_files_are_bounded(tmp_path):
    for number in range(40):
        read_tile(on_the_grid(tmp_path / f"{number}.tif", random_values(3, 32, 32)), X, Y, Z, **RGB)
    open_files = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.exists()]
    assert 0 < sum(str(tmp_path) in name for name in open_files) <= 16


def test_threads_read_the_same_scene_side_by_side(tif):
    values = random_values(3, 512, 512)
    on_the_grid(tif, values, driver="COG")
    wrong: list[int] = []

    def read_all(number: int) -> None:
        for _ in range(10):
            column, row = number % 2, number // 2
            expected = values[:, row * 256 : row * 256 + 256, column * 256 : column * 256 + 256]
            tile = read_tile(tif, X + column, Y + row, Z, **RGB)
            if not np.array_equal(tile.rgb, expected.transpose(1, 2, 0)):
                wrong.append(number)

    threads = [threading.Thread(target=read_all, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_file_that_is_gone_or_spoilt_is_told(tmp_path):
    with pytest.raises(problems.SceneFileGone, match="Add the scene again"):
        read_tile(tmp_path / "absent.tif", X, Y, Z, **RGB)
    (tmp_path / "spoilt.tif").write_bytes(b"spoilt")
    with pytest.raises(problems.SceneFileGone):
        read_tile(tmp_path / "spoilt.tif", X, Y, Z, **RGB)


@pytest.mark.parametrize("size_px", [0, 1025])
def test_the_size_of_a_tile_is_bounded(tif, size_px):
    with pytest.raises(ValueError, match="1024"):
        read_tile(tif, X, Y, Z, size_px=size_px, **RGB)
