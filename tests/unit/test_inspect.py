"""What is found out about a raster, and the answer that each unusable file gets."""

from __future__ import annotations

import gzip
import math
import tarfile
import zipfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import Transformer
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning

from annotator.imagery import inspect, problems
from annotator.imagery.bands import choose_display_bands, name_bands
from annotator.imagery.inspect import check_raster, inspect_raster, propose_stretch
from tests.rasters import EAST_M, NORTH_M, random_values, write_raster


@pytest.fixture
def tif(tmp_path: Path) -> Path:
    return tmp_path / "scene.tif"


def test_the_facts_of_a_plain_geotiff(tif):
    facts = inspect_raster(write_raster(tif, nodata=0, names=["red", "green", "blue"]))
    assert facts.crs == "EPSG:32643"
    assert (facts.width_px, facts.height_px, facts.band_count) == (200, 300, 3)
    assert (facts.pixel_type, facts.nodata, facts.band_names) == ("uint8", 0, ["red", "green", "blue"])
    assert facts.gsd_m == pytest.approx(1, rel=1e-3)
    flat = facts.footprint.transform(32643, clone=True)
    assert flat.extent == pytest.approx((EAST_M, NORTH_M - 300, EAST_M + 200, NORTH_M), abs=0.01)
    assert facts.footprint.srid == 4326


def test_ground_metres_are_true_in_web_mercator_and_in_degrees(tmp_path):
    """Both at 60 degrees north, where a Web Mercator metre is half a metre and a degree of longitude half."""
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True).transform(10, 60)
    mercator = write_raster(tmp_path / "m.tif", crs="EPSG:3857", transform=Affine(10, 0, x, 0, -10, y))
    degrees = write_raster(tmp_path / "d.tif", crs="EPSG:4326", transform=Affine(2e-4, 0, 10, 0, -1e-4, 60))
    assert inspect_raster(mercator).gsd_m == pytest.approx(5, rel=0.01)
    assert inspect_raster(degrees).gsd_m == pytest.approx(11.15, rel=0.01)


def test_a_rotated_raster_has_a_rotated_footprint(tif):
    turned = Affine(1, 0, EAST_M, 0, -1, NORTH_M) @ Affine.rotation(30)
    facts = inspect_raster(write_raster(tif, transform=turned))
    flat = facts.footprint.transform(32643, clone=True)
    assert facts.gsd_m == pytest.approx(1, rel=1e-3)
    assert flat.area == pytest.approx(200 * 300, rel=1e-3)
    assert flat.envelope.area > 1.5 * flat.area


def test_the_footprint_leaves_out_what_has_no_data(tif):
    values = random_values(3, 400, 400)
    values[:, :, 300:] = 0
    values[:, 10, 10] = 0  # a crumb that is no hole
    flat = inspect_raster(write_raster(tif, values, nodata=0)).footprint.transform(32643, clone=True)
    assert flat.area == pytest.approx(400 * 300, rel=0.01)
    assert len(flat) == 1
    assert len(flat[0]) == 1


def test_not_a_number_is_no_data_even_where_no_nodata_value_is_declared(tif):
    values = random_values(1, 100, 100, "float32")
    values[:, :50] = np.nan
    facts = inspect_raster(write_raster(tif, values))
    assert facts.footprint.transform(32643, clone=True).area == pytest.approx(100 * 50, rel=0.01)
    assert facts.nodata is None
    assert all(math.isfinite(end) for pair in facts.stretch for end in pair)


def test_a_scene_across_the_date_line_has_a_footprint_on_both_sides(tif):
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32701", always_xy=True).transform(-180, -17)
    facts = inspect_raster(write_raster(tif, crs="EPSG:32701", transform=Affine(1, 0, x - 100, 0, -1, y)))
    assert facts.footprint.extent[0] == -180
    assert facts.footprint.extent[2] == 180
    assert facts.footprint.area < 1e-4


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["B02 blue", "B03 green", "B04 red", "B08 nir"], (3, 2, 1)),
        (["B01", "B02", "B03", "B04", "B05"], (4, 3, 2)),
        (["SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7"], (4, 3, 2)),
        (["SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B7"], (3, 2, 1)),
        (["Red Edge", "near infra-red", "Blue", "Green", "Red"], (5, 4, 3)),
        (["R", "G", "B"], (1, 2, 3)),
        (["band 1", "band 2", "band 3", "band 4"], (1, 2, 3)),
        (["band 1", "band 2"], (1, 1, 1)),
        (["grey"], (1, 1, 1)),
    ],
)
def test_bands_are_shown_in_the_colours_that_their_names_tell(names, expected):
    assert choose_display_bands(names, [ColorInterp.gray] * len(names)) == expected


def test_bands_without_names_are_shown_in_the_colours_that_the_file_tells():
    blue_first = [ColorInterp.alpha, ColorInterp.blue, ColorInterp.green, ColorInterp.red]
    assert choose_display_bands(["band"] * 4, blue_first) == (4, 3, 2)
    assert choose_display_bands(["band"] * 2, [ColorInterp.alpha, ColorInterp.gray]) == (2, 2, 2)


def test_bands_without_names_are_called_what_the_file_tells():
    told = [ColorInterp.red, ColorInterp.nir, ColorInterp.gray, ColorInterp.alpha]
    assert name_bands([None, "B08", None, ""], told) == ["red", "B08", "band 3", "band 4"]


def test_a_picture_in_8_bits_is_shown_as_it_is(tif):
    assert inspect_raster(write_raster(tif)).stretch == [[0, 255]] * 3


def test_dull_8_bits_and_16_bits_are_stretched_to_their_percentiles(tmp_path):
    ramp = np.tile(np.arange(101, dtype="uint16"), (3, 10, 1))
    dull = inspect_raster(write_raster(tmp_path / "8.tif", (ramp // 5 + 30).astype("uint8")))
    deep = inspect_raster(write_raster(tmp_path / "16.tif", ramp * 30))
    assert dull.stretch == [[30, 49]] * 3
    assert deep.stretch == [[60, 2940]] * 3


def test_a_constant_band_has_a_stretch_that_can_be_divided_by(tif):
    assert inspect_raster(write_raster(tif, np.full((1, 50, 50), 7, "uint16"))).stretch == [[7, 8]] * 3


def test_the_stretch_of_other_bands_is_proposed_in_the_same_way(tif):
    values = np.stack([np.full((50, 50), value, "uint16") for value in (5, 6, 7, 8)])
    assert propose_stretch(write_raster(tif, values), [4, 2, 2]) == [[8, 9], [6, 7], [6, 7]]


@pytest.mark.parametrize(
    ("name", "tags", "expected"),
    [
        ("scene.tif", {"ACQUISITION": "19991118"}, date(1999, 11, 18)),
        ("scene.tif", {"ACQUISITIONDATETIME": "2016-05-08T10:20:31Z"}, date(2016, 5, 8)),
        ("S2A_MSIL2A_20220106T052221.tif", {}, date(2022, 1, 6)),
        ("plot 2021_03_04 a.tif", {"TIFFTAG_DATETIME": "2024:01:01 10:00:00"}, date(2021, 3, 4)),
        ("scene.tif", {"TIFFTAG_DATETIME": "2019:02:03 10:00:00"}, date(2019, 2, 3)),
        ("s2_202101.tif", {"ACQUISITION": "2021-01 composite"}, None),
        ("20210230.tif", {}, None),
        ("120210203045.tif", {}, None),
        ("19010203.tif", {}, None),
        (f"{date.today() + timedelta(days=2):%Y%m%d}.tif", {}, None),
    ],
)
def test_the_date_is_read_from_tags_and_file_names(tmp_path, name, tags, expected):
    assert inspect_raster(write_raster(tmp_path / name, tags=tags)).acquired_on == expected


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint32", "int32", "float32", "float64"])
def test_up_to_16_bands_of_any_real_type_are_taken(tif, dtype):
    facts = inspect_raster(write_raster(tif, random_values(16, 40, 40, "int16").clip(0, 120).astype(dtype)))
    assert (facts.band_count, facts.pixel_type) == (16, dtype)


@pytest.mark.parametrize(("driver", "dtype"), [("JP2OpenJPEG", "uint16"), ("PNG", "uint8")])
def test_jpeg_2000_and_png_are_taken(tmp_path, driver, dtype):
    path = write_raster(tmp_path / "scene.img", random_values(3, 64, 64, dtype), driver=driver)
    assert inspect_raster(path).crs == "EPSG:32643"


def refusal(path: Path) -> problems.BadScene:
    with pytest.raises(problems.BadScene) as refused:
        check_raster(path)
    return refused.value


def test_a_file_without_a_place_is_told_how_to_get_one(tmp_path):
    no_origin = tmp_path / "origin.tif"
    with pytest.warns(NotGeoreferencedWarning):
        write_raster(no_origin, transform=Affine.identity())
    for path in (write_raster(tmp_path / "crs.tif", crs=None), no_origin):
        error = refusal(path)
        assert (type(error), error.code) == (problems.NotGeoreferenced, "scene-not-georeferenced")
        assert "gdal_translate -a_srs" in error.detail


def test_a_local_coordinate_system_is_no_place(tif):
    local = 'LOCAL_CS["site",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]'
    assert type(refusal(write_raster(tif, crs=local))) is problems.NotGeoreferenced


def test_metres_called_degrees_are_found_out(tif):
    assert type(refusal(write_raster(tif, crs="EPSG:4326"))) is problems.Misplaced


def test_coordinates_beyond_the_projection_are_found_out(tif):
    assert type(refusal(write_raster(tif, transform=Affine(1, 0, 1e9, 0, -1, 1e9)))) is problems.Misplaced


@pytest.mark.parametrize("gsd", [0.01, 300])
def test_too_fine_and_too_coarse_pixels_are_refused(tif, gsd):
    error = refusal(write_raster(tif, gsd=gsd))
    assert type(error) is problems.UnsuitableResolution
    assert error.facts["gsd_m"] == pytest.approx(gsd, rel=1e-2)


def test_20_float_bands_are_too_many_and_the_remedy_is_named(tif):
    error = refusal(write_raster(tif, random_values(20, 32, 32, "float32")))
    assert (type(error), error.facts) == (problems.TooManyBands, {"band_count": 20})
    assert "20 bands" in error.detail
    assert "gdal_translate -b 4" in error.detail


def test_complex_pixels_and_colour_tables_are_refused(tmp_path):
    radar = write_raster(tmp_path / "radar.tif", np.ones((1, 32, 32), "complex64"))
    table = write_raster(tmp_path / "table.tif", np.ones((1, 32, 32), "uint8"), photometric="palette")
    with rasterio.open(table, "r+") as dataset:
        dataset.write_colormap(1, {1: (255, 0, 0, 255)})
    assert "complex64" in refusal(radar).detail
    assert "-expand rgb" in refusal(table).detail


def test_a_raster_without_data_is_refused(tif):
    write_raster(tif, np.zeros((3, 64, 64), "uint8"), nodata=0)
    with pytest.raises(problems.EmptyScene, match="-a_nodata"):
        inspect_raster(tif)


@pytest.mark.parametrize(
    "content", [b"", b"no raster", b"<html>", b"\x89PNG\r\n\x1a\nno more", b"II*\0" + b"\xff" * 99]
)
def test_what_is_no_raster_is_refused(tif, content):
    tif.write_bytes(content)
    assert type(refusal(tif)) in (problems.NotARaster, problems.DamagedScene)


def test_a_missing_file_and_a_folder_are_no_rasters(tmp_path):
    assert type(refusal(tmp_path / "absent.tif")) is problems.NotARaster
    assert type(refusal(tmp_path)) is problems.NotARaster


@pytest.mark.parametrize("kind", ["zip", "gzip", "tar"])
def test_archives_are_not_unpacked_but_refused(tmp_path, kind):
    """Whatever they hold, bombs included: nothing of them is read beyond the first bytes."""
    raster, archive = write_raster(tmp_path / "scene.tif"), tmp_path / "scene.archive"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            file.write(raster, "scene.tif")
    elif kind == "gzip":
        archive.write_bytes(gzip.compress(raster.read_bytes()))
    else:
        with tarfile.open(archive, "w") as file:
            file.add(raster, "scene.tif")
    error = refusal(archive)
    assert type(error) is problems.ArchivedScene
    assert f"{kind} archive; unpack it first" in error.detail


@pytest.mark.parametrize(
    "layout", [{}, {"tiled": True, "blockxsize": 64, "blockysize": 64}, {"driver": "COG"}]
)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_a_cut_off_file_is_called_damaged(tif, layout, kept):
    noise = np.random.default_rng(1).integers(1, 255, (3, 300, 300)).astype("uint8")
    whole = write_raster(tif, noise, **layout).read_bytes()
    tif.write_bytes(whole[: int(len(whole) * kept)])
    error = refusal(tif)
    assert (type(error), error.code) == (problems.DamagedScene, "scene-damaged")
    assert "cut off" in error.detail


def test_few_bytes_that_promise_many_pixels_are_refused_unread(tif):
    size = {"width": 60_000, "height": 60_000, "count": 1, "dtype": "uint8", "crs": "EPSG:32643"}
    place = Affine(1, 0, EAST_M, 0, -1, NORTH_M)
    with rasterio.open(tif, "w", driver="GTiff", sparse_ok=True, tiled=True, transform=place, **size):
        pass
    assert tif.stat().st_size < 2**20
    assert type(refusal(tif)) is problems.ImplausibleSize


def test_a_vrt_cannot_make_the_server_read_other_files(tif):
    """Nor can its XML hide behind a .tif name: a driver that follows references is never asked."""
    tif.write_text(
        '<VRTDataset rasterXSize="64" rasterYSize="64"><SRS>EPSG:32643</SRS>'
        f"<GeoTransform>{EAST_M},1,0,{NORTH_M},0,-1</GeoTransform>"
        '<VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">'
        '<SourceFilename relativetoVRT="0">/etc/passwd</SourceFilename>'
        "<ImageOffset>0</ImageOffset><PixelOffset>1</PixelOffset><LineOffset>1</LineOffset>"
        "</VRTRasterBand></VRTDataset>"
    )
    with rasterio.open(tif) as dataset:
        assert dataset.driver == "VRT", "the file is what an attacker would send"
    error = refusal(tif)
    assert type(error) is problems.NotARaster
    assert "VRT, which only points at other files" in error.detail


def test_a_tiff_whose_metadata_name_another_file_cannot_make_the_server_read_it(tmp_path):
    """GDAL takes overviews from the file that a TIFF's own metadata name, whatever its format."""
    other = write_raster(tmp_path / "secret.tif", np.full((1, 128, 128), 77, "uint8"))
    lure = write_raster(tmp_path / "lure.tif", np.ones((1, 256, 256), "uint8"))
    with rasterio.open(lure, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(other))
    with rasterio.open(lure) as dataset:
        assert dataset.read(1, out_shape=(128, 128)).max() == 77, "the trap works where nobody looks"
    assert type(refusal(lure)) is problems.RefersElsewhere


def test_real_scenes_are_understood(milpa_data):
    october = inspect_raster(milpa_data / "maharashtra-s2-scene" / "s2_sr_maharashtra_20221003.tif")
    assert (october.pixel_type, october.nodata, october.display_bands) == ("uint16", 0, [3, 2, 1])
    assert october.acquired_on == date(2022, 10, 3)
    assert october.gsd_m == pytest.approx(10, rel=1e-2)
    assert all(200 < low < 600 and 600 < high < 1500 for low, high in october.stretch)
    landsat = inspect_raster(milpa_data / "chiapas-landsat7" / "landsat7_19991118.tif")
    assert (landsat.display_bands, landsat.acquired_on) == ([3, 2, 1], date(1999, 11, 18))
    thirteen = inspect_raster(milpa_data / "slovenia-lulc-s2" / "image_3.tif")
    assert (thirteen.band_count, thirteen.display_bands) == (13, [4, 3, 2])


def test_the_limits_are_those_that_the_sentences_name():
    assert (inspect.MIN_GSD_M, inspect.MAX_GSD_M) == (0.05, 100)
