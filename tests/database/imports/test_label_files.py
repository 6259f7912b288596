"""A file that cannot be used, or a mapping that cannot be, says what to do."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pyogrio
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from annotator.domain.label_imports import (
    Mapped,
    bring_labels,
    start_import,
)
from annotator.errors import BadLabels
from annotator.imagery.grid import quadkey
from annotator.models import LabelImport
from tests.factories import CORNER_X, CORNER_Y, make_patch, mask_of
from tests.importing import FIELD, brought, imported
from tests.rasters import write_raster

pytestmark = pytest.mark.django_db


def zip_of(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def chips_of(*keys: str) -> bytes:
    png = io.BytesIO()
    Image.fromarray(mask_of(1)).save(png, "PNG")
    return zip_of(**{f"masks/{key}__png": png.getvalue() for key in keys})


CHIPS_OF_ANOTHER_ZOOM = chips_of(quadkey((CORNER_X + 1000) // 2, CORNER_Y // 2, 16))
CHIPS_OF_ANOTHER_PLACE = chips_of(quadkey(CORNER_X + 999, CORNER_Y, 17))
FEATURE = '{"type": "Feature", "properties": {}, "geometry": %s}'
POINTS = (
    '{"type": "FeatureCollection", "features": ['
    + FEATURE % '{"type": "Point", "coordinates": [1, 2]}'
    + "]}"
)
COCO = (
    b'{"images": [{"id": 1, "file_name": "0123.png", "width": 256, "height": 256}], "categories": '
    b'[{"id": 1, "name": "field"}], "annotations": [{"image_id": 1, "category_id": 1, "segmentation": %s}]}'
)
FAR = '{"type": "Polygon", "coordinates": [[[1, 2], [2, 2], [2, 3], [1, 2]]]}'


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.docx", b"x", "are not read"),
        ("a.kml", b"<OGRVRTDataSource><OGRVRTLayer/></OGRVRTDataSource>", "not what its ending says"),
        ("a.gpkg", b"{}", "not what its ending says"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [', "cannot be read|no polygons"),
        ("a.geojson", POINTS.encode(), "point or a line"),
        ("a.geojson", (FEATURE % FAR).encode(), "no patches"),
        ("a.parquet", b"PAR1 nothing", "cannot be read"),
        ("a.zip", b"PK\x03\x04 nothing", "damaged"),
        ("a.zip", zip_of(a__txt=b"x"), "0 Shapefiles"),
        ("a.zip", zip_of(a__shp=b"x", b__shp=b"x"), "2 Shapefiles"),
        ("a.zip", zip_of(a__shp=bytes(300 * 2**20)), "far larger"),
        ("a.tif", b"nothing", "no TIFF"),
        ("a.zip", CHIPS_OF_ANOTHER_ZOOM, "of tiles of zoom 16; the project's patches have zoom 17"),
        ("a.zip", CHIPS_OF_ANOTHER_PLACE, "patches on none of them"),
        ("a.json", b'{"images": [], "annotations": [], "categories": []}', "called by the quadkey"),
        ("a.json", b'{"images": [{}], "annotations": [], "categories": []}', "no COCO"),
        ("a.json", b'{"annotations": ' + b"[" * 200_000, "no COCO"),
        ("a.json", COCO % b"[[0, 0, 9, 0, 9, 9], [0, 0, 4e8, 0, 4e8, 1]]", "out of its image"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_to_do(project, settings, name, content, words) -> None:
    make_patch(project, 1000)
    with pytest.raises(BadLabels, match=words) as told:
        bring_labels(project=project, user=project.created_by, upload=SimpleUploadedFile(name, content))
    assert str(settings.MEDIA_ROOT) not in str(told.value)
    assert not LabelImport.objects.exists()
    assert list((settings.MEDIA_ROOT / "imports").iterdir()) == []


def test_masks_of_tiles_that_are_no_patches_are_told(project, tmp_path) -> None:
    patch = make_patch(project, 1000)
    path = tmp_path / "chips.zip"
    path.write_bytes(chips_of(patch.quadkey, quadkey(CORNER_X + 999, CORNER_Y, 17)))
    row = imported(project, path, Mapped("value", {"1": 1}))
    assert row.preview["dropped"] == {"it lies on no patch of the project": 1}
    assert row.report["features_dropped"] == row.preview["dropped"]
    assert row.report["imported"] == 1


def test_swapped_axes_are_found_and_put_right(project, squares, tmp_path) -> None:
    document = json.loads(squares.read_text())
    ring = document["features"][0]["geometry"]["coordinates"][0]
    ring[:] = [[y, x] for x, y in ring]
    path = tmp_path / "swapped.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": document["features"][:1]}))
    with pytest.raises(BadLabels, match="swap_axes = true"):
        brought(project, path)
    assert imported(project, path, Mapped("", FIELD), swap_axes=True).report["imported"] == 1


def test_a_shapefile_that_says_neither_its_place_nor_its_letters_is_read_as_told(
    project, squares, tmp_path
) -> None:
    fields = pyogrio.raw.read(squares, max_features=2)
    crops = np.array(["maize", "café"], dtype=object)
    pyogrio.raw.write(
        tmp_path / "f.shp",
        fields[2],
        [crops],
        ["crop"],
        geometry_type="Polygon",
        crs="EPSG:4326",
        encoding="cp1252",
    )
    path = tmp_path / "fields.zip"
    # Without .cpg and .prj, as such files are sent about.
    path.write_bytes(
        zip_of(**{f"f__{end}": (tmp_path / f"f.{end}").read_bytes() for end in ("shp", "shx", "dbf")})
    )
    with pytest.raises(BadLabels, match="crs = EPSG:32637"):
        brought(project, path)
    with pytest.raises(BadLabels, match="not known"):
        brought(project, path, crs="EPSG:nowhere")
    row = brought(project, path, crs="EPSG:4326", encoding="cp1252")
    assert set(row.preview["attributes"]["crop"]) == {"maize", "café"}


def test_a_raster_that_does_not_say_where_it_lies_is_refused(project, tmp_path) -> None:
    make_patch(project, 1000)
    with pytest.raises(BadLabels, match="-a_srs"):
        brought(project, write_raster(tmp_path / "a.tif", np.ones((1, 9, 9), "uint8"), crs=None))
    with pytest.raises(BadLabels, match="one band of whole numbers"):
        brought(project, write_raster(tmp_path / "b.tif", np.ones((1, 9, 9), "float32")))


@pytest.mark.parametrize("crs", ["IAU_2015:30100", 'LOCAL_CS["a shed",UNIT["metre",1]]'])
def test_labels_on_the_moon_or_nowhere_on_earth_are_refused(project, squares, tmp_path, crs) -> None:
    fields = pyogrio.raw.read(squares, max_features=1)
    pyogrio.raw.write(tmp_path / "f.shp", fields[2], [], [], geometry_type="Polygon", crs=crs)
    path = tmp_path / "fields.zip"
    path.write_bytes(zip_of(**{f"f__{p.suffix[1:]}": p.read_bytes() for p in tmp_path.glob("f.*")}))
    with pytest.raises(BadLabels, match="not tied to the Earth"):
        brought(project, path)
    raster = write_raster(tmp_path / "a.tif", np.ones((1, 9, 9), "uint8"), crs=crs)
    with pytest.raises(BadLabels, match="not tied to the Earth"):
        brought(project, raster)


@pytest.mark.parametrize(
    ("mapped", "words"),
    [
        (Mapped("colour", FIELD), "no attribute"),
        (Mapped("", {}), "at least one"),
        (Mapped("", {"": 255}), "at least one"),
        (Mapped("crop", {"rice": 1}), "no value “rice”"),
        (Mapped("crop", {"maize": 9}), "no class 9"),
        (Mapped("", FIELD, outside=3), "255, unsure"),
        (Mapped("", FIELD, outline_px=99), "0 to 8"),
    ],
)
def test_a_mapping_that_cannot_be_says_why(project, squares, mapped, words) -> None:
    with pytest.raises(BadLabels, match=words):
        start_import(label_import=brought(project, squares), user=project.created_by, mapped=mapped)
