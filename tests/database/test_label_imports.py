"""Labels come in from every kind of file, nothing is overwritten, and what left comes back pixel for pixel."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.utils import timezone
from pyarrow import parquet

from annotator.domain.exports import download_path, make_export, request_export
from annotator.domain.label_imports import (
    Mapped,
    bring_labels,
    import_labels,
    remove_forgotten_imports,
    start_import,
)
from annotator.domain.masks import values_of
from annotator.domain.patches import make_patches
from annotator.domain.projects import create_project
from annotator.enums import ExportKind, ImportState, PatchState
from annotator.errors import BadLabels
from annotator.imagery.grid import QUAD
from annotator.models import Annotation, LabelImport, Patch, Project
from tests.exporting import random_mask
from tests.factories import LEGEND, approve, make_patch, make_project, make_user, mask_of, submit
from tests.rasters import write_raster

pytestmark = pytest.mark.django_db
FIELD = {"": 1}


def brought(project: Project, path: Path, **reading: object) -> LabelImport:
    upload = SimpleUploadedFile(path.name, path.read_bytes())
    return bring_labels(project=project, user=project.created_by, upload=upload, reading=reading)


def imported(project: Project, path: Path, mapped: Mapped, **reading: object) -> LabelImport:
    row = start_import(label_import=brought(project, path, **reading), user=project.created_by, mapped=mapped)
    import_labels(row.pk)
    row.refresh_from_db()
    assert row.state == ImportState.SUCCEEDED, row.message
    assert not row.file_path.exists()
    return row


def masks_in(project: Project) -> dict[str, np.ndarray]:
    rows = Annotation.objects.filter(patch__project=project).select_related("current", "patch")
    return {row.patch.quadkey: values_of(row.current.mask_png) for row in rows}


def project_over(path: Path, zoom: int, limit: int = 4, features: int = 3) -> Project:
    """A project with some patches where the first polygons of a file lie."""
    _, _, packed, _ = pyogrio.raw.read(path, max_features=features)
    area = shapely.union_all(shapely.from_wkb(packed)).envelope
    project = create_project(user=make_user(), name=path.stem, slug="over", legend=LEGEND, patch_zoom=zoom)
    make_patches(project=project, footprint=MultiPolygon(GEOSGeometry(area.wkt, srid=4326), srid=4326))
    kept = project.patches.values_list("pk", flat=True)[:limit]
    project.patches.exclude(pk__in=list(kept)).delete()
    return project


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def squares(project: Project, tmp_path: Path) -> Path:
    """A GeoJSON of two touching fields in one patch, and of features that are no fields."""
    patch = make_patch(project, 1000)
    west, south, east, north = QUAD.bounds(patch.x, patch.y, patch.z)
    middle = (west + east) / 2
    left, right = shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)
    bow = shapely.Polygon([(west, south), (middle, north), (middle, south), (west, north)])
    shapes = [left, right, bow, shapely.Point(west, south), shapely.Polygon(), None]
    crops = ["maize", "café", "maize", "x", "x", "x"]
    features = [
        {
            "type": "Feature",
            "properties": {"crop": crop},
            "geometry": json.loads(shapely.to_geojson(shape)) if shape is not None else None,
        }
        for shape, crop in zip(shapes, crops, strict=True)
    ]
    path = tmp_path / "fields.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_values_are_told_to_classes_and_what_is_left_out_is_reported(project, squares) -> None:
    row = brought(project, squares)
    assert row.preview["attributes"]["crop"] == {"café": 1, "maize": 2}
    assert row.preview["repaired"] == 1
    assert sum(row.preview["dropped"].values()) == 3
    mapped = Mapped(attribute="crop", classes={"café": 1}, outline_px=4, approve=True)
    start_import(label_import=row, user=project.created_by, mapped=mapped)
    import_labels(row.pk)
    row.refresh_from_db()
    assert row.report["imported"] == 1
    assert row.report["values_left_out"] == {"maize": 2}
    (mask,) = masks_in(project).values()
    assert (mask[100, 200], mask[100, 60], mask[100, 128]) == (1, 255, 2)
    revision = Annotation.objects.get().current
    assert revision.is_import
    assert revision.author == project.created_by
    assert revision.annotation.patch.state == PatchState.APPROVED
    assert row.report["pixels"] == {str(v): int((mask == v).sum()) for v in np.unique(mask)}


def test_nothing_that_somebody_drew_is_overwritten_and_nothing_comes_twice(project, squares) -> None:
    patch = Patch.objects.get()
    submit(patch, project.created_by, mask_of(2))
    row = imported(project, squares, Mapped("", FIELD))
    assert (row.report["imported"], row.report["patches_with_work"]) == (0, 1)
    assert np.array_equal(masks_in(project)[patch.quadkey], mask_of(2))
    other = make_patch(project, 1001)
    row = imported(project, squares, Mapped("", FIELD, outside=0))
    assert row.report["patches_without_labels"] <= 1
    other.refresh_from_db()
    assert Annotation.objects.filter(patch=patch).get().revisions.count() == 1


@pytest.mark.parametrize("segmentation", ["rle", "polygons"])
def test_what_left_as_coco_comes_back_pixel_for_pixel(project, tmp_path, segmentation) -> None:
    drawn = _round_trip_project(project)
    folder = _exported(project, ExportKind.COCO, tmp_path, images=False, segmentation=segmentation)
    _forget(project)
    for path in sorted((folder / "annotations").iterdir()):
        mapped = Mapped("category", {"field": 1, "boundary": 2, "unsure": 255})
        categories = json.loads(path.read_text())["categories"]
        assert {c["name"] for c in categories} == set(mapped.classes)
        imported(project, path, mapped)
    _assert_back(project, drawn)


def test_what_left_as_a_mosaic_comes_back_pixel_for_pixel(project, tmp_path) -> None:
    drawn = _round_trip_project(project)
    folder = _exported(project, ExportKind.GEOTIFF, tmp_path)
    _forget(project)
    classes = {str(value): value for value in (0, 1, 2, 255)}
    row = imported(project, folder / "labels.tif", Mapped("value", classes, approve=True))
    assert row.report["imported"] == len(drawn)
    _assert_back(project, drawn)


def _round_trip_project(project: Project) -> dict[str, np.ndarray]:
    drawn = {}
    for seed, column in enumerate((1000, 1001, 1005)):
        patch = make_patch(project, column)
        drawn[patch.quadkey] = random_mask(seed)
        approve(patch, project.created_by, drawn[patch.quadkey])
    return drawn


def _exported(project: Project, kind: ExportKind, folder: Path, **parameters: object) -> Path:
    export = request_export(project=project, user=project.created_by, kind=kind, parameters=parameters)
    make_export(export.pk)
    export.refresh_from_db()
    with zipfile.ZipFile(download_path(export)) as archive:
        archive.extractall(folder / "out")
    return folder / "out"


def _forget(project: Project) -> None:
    columns = [patch.x for patch in project.patches.order_by("x")]
    project.patches.all().delete()
    for column in columns:
        make_patch(project, column - 93600)


def _assert_back(project: Project, drawn: dict[str, np.ndarray]) -> None:
    back = masks_in(project)
    assert back.keys() == drawn.keys()
    for quadkey, mask in drawn.items():
        assert np.array_equal(back[quadkey], mask)


def test_the_same_fields_make_the_same_masks_from_every_kind_of_file(milpa_data, tmp_path) -> None:
    folder = milpa_data / "field-vectors" / "import_samples"
    found = {}
    for path in sorted(folder.iterdir()):
        project = project_over(folder / "mozambique_300.geojson", zoom=16)
        row = imported(project, path, Mapped("", FIELD, outside=0))
        assert row.preview["attributes"][""][""] == 300
        found[path.name] = masks_in(project)
    assert len(found) == 5
    first = found.pop("mozambique_300.geojson")
    assert any((mask == 1).any() for mask in first.values())
    for masks in found.values():
        assert masks.keys() == first.keys()
        # Files in UTM come back with the last digits of a degree changed: a pixel's centre may change sides.
        assert sum((masks[key] != first[key]).sum() for key in first) <= 5


def test_the_danish_and_the_indian_labels_go_through(milpa_data) -> None:
    parcels = milpa_data / "denmark-lpis-s2" / "parcels.geojson"
    project = project_over(parcels, zoom=15)
    row = imported(project, parcels, Mapped("", FIELD, outline_px=2))
    assert row.report["imported"] > 0
    project = project_over(parcels, zoom=14, limit=60, features=400)
    label = milpa_data / "denmark-lpis-s2" / "label_field3.tif"
    row = imported(project, label, Mapped("value", {"0": 0, "1": 1, "2": 2}))
    assert row.report["imported"] > 0
    fields = milpa_data / "agrifieldnet-india" / "fields.parquet"
    project = project_over(fields.with_suffix(".geojson"), zoom=16)
    attribute = next(name for name in parquet.read_schema(fields).names if "crop" in name)
    row = brought(project, fields)
    values = row.preview["attributes"][attribute]
    start_import(
        label_import=row, user=project.created_by, mapped=Mapped(attribute, dict.fromkeys(values, 1))
    )
    import_labels(row.pk)
    row.refresh_from_db()
    assert row.report["imported"] > 0, row.message


def zip_of(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


FEATURE = '{"type": "Feature", "properties": {}, "geometry": %s}'
POINTS = (
    '{"type": "FeatureCollection", "features": ['
    + FEATURE % '{"type": "Point", "coordinates": [1, 2]}'
    + "]}"
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
        ("a.json", b'{"images": [], "annotations": [], "categories": []}', "called by the quadkey"),
        ("a.json", b'{"images": [{}], "annotations": [], "categories": []}', "no COCO"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_to_do(project, settings, name, content, words) -> None:
    make_patch(project, 1000)
    with pytest.raises(BadLabels, match=words) as told:
        bring_labels(project=project, user=project.created_by, upload=SimpleUploadedFile(name, content))
    assert str(settings.MEDIA_ROOT) not in str(told.value)
    assert not LabelImport.objects.exists()
    assert list((settings.MEDIA_ROOT / "imports").iterdir()) == []


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


def test_the_command_tells_what_is_in_a_file_and_imports_it(project, squares, capsys) -> None:
    call_command("import_labels", project.slug, str(squares), "--look")
    assert json.loads(capsys.readouterr().out)["attributes"]["crop"] == {"café": 1, "maize": 2}
    assert not LabelImport.objects.exists()
    call_command("import_labels", project.slug, str(squares), "--attribute", "crop", "--class", "maize=1")
    assert json.loads(capsys.readouterr().out)["imported"] == 1
    with pytest.raises(CommandError, match="VALUE=CLASS"):
        call_command("import_labels", project.slug, str(squares), "--class", "maize")


def test_a_lead_imports_through_the_api(project, squares, client) -> None:
    client.force_login(project.created_by)
    with squares.open("rb") as file:
        answer = client.post(f"/api/v1/projects/{project.slug}/imports/", {"file": file})
    assert answer.status_code == 201, answer.content
    told = answer.json()
    url = f"/api/v1/imports/{told['id']}"
    mapping = {"attribute": "crop", "classes": {"maize": 1}}
    started = client.post(f"{url}/start/", mapping, content_type="application/json")
    assert (started.status_code, started.json()["state"]) == (202, "queued")
    again = client.post(f"{url}/start/", mapping, content_type="application/json")
    assert again.status_code == 409
    import_labels(told["id"])
    assert client.get(f"{url}/").json()["report"]["imported"] == 1


def test_a_lead_tells_values_to_classes_on_a_page(project, squares, client) -> None:
    client.force_login(project.created_by)
    with squares.open("rb") as file:
        sent = client.post(f"/projects/{project.slug}/imports/", {"file": file})
    page = client.get(sent["Location"], {"attribute": "crop"}).content.decode()
    assert "café" in page
    assert "Left out" in page
    choice = {"value_0": 1, "value_1": 255, "outside": 0, "outline_px": 0}
    wrong = client.post(f"{sent['Location']}?attribute=crop", {**choice, "outline_px": 99})
    assert wrong.status_code == 422
    begun = client.post(f"{sent['Location']}?attribute=crop", choice)
    assert begun.status_code == 302
    row = LabelImport.objects.get()
    assert (row.state, row.mapping["classes"]) == (ImportState.QUEUED, {"café": 1, "maize": 255})
    import_labels(row.pk)
    report = client.get(sent["Location"]).content.decode()
    assert "Patches imported" in report
    refused = client.post(f"/projects/{project.slug}/imports/", {"file": SimpleUploadedFile("a.docx", b"x")})
    assert refused.status_code == 422
    assert "are not read" in refused.content.decode()


def test_a_lead_starts_an_export_on_a_page_and_takes_it_away(project, client) -> None:
    _round_trip_project(project)
    client.force_login(project.created_by)
    url = f"/projects/{project.slug}/exports/"
    assert client.post(url, {"kind": "stac", "grid": "patches"}).status_code == 302
    export = project.exports.get()
    assert "0 of 3 patches" in client.get(url).content.decode()
    make_export(export.pk)
    assert "kept until" in client.get(url).content.decode()
    answer = client.get(f"{url}{export.pk}/file/")
    assert zipfile.is_zipfile(io.BytesIO(b"".join(answer.streaming_content)))
    refused = client.post(url, {"kind": "instruction", "grid": "patches"})
    assert refused.status_code == 422
    assert "Images need a scene" in refused.content.decode()


def test_an_import_that_nobody_begins_is_removed_in_time(project, squares, settings) -> None:
    row = brought(project, squares)
    assert remove_forgotten_imports() == 0
    LabelImport.objects.update(requested_at=timezone.now() - timedelta(days=settings.EXPORT_KEEP_DAYS + 1))
    assert remove_forgotten_imports() == 1
    row.refresh_from_db()
    assert (row.state, row.file_path.exists()) == (ImportState.CANCELLED, False)


def test_an_import_that_lost_its_worker_goes_on_and_imports_a_patch_once(project, squares) -> None:
    row = start_import(
        label_import=brought(project, squares), user=project.created_by, mapped=Mapped("", FIELD)
    )
    kept = row.file_path.read_bytes()
    import_labels(row.pk)
    # As a worker leaves it that was killed before the end.
    row.file_path.write_bytes(kept)
    LabelImport.objects.update(state=ImportState.RUNNING, heartbeat_at=None, report={})
    make_patch(project, 1003)
    import_labels(row.pk)
    row.refresh_from_db()
    assert (row.state, row.report["imported"]) == (ImportState.SUCCEEDED, 1)
    assert Annotation.objects.get(patch__x=94600).revisions.count() == 1
