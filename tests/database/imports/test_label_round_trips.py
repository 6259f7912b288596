"""What left comes back pixel for pixel, and the same fields are the same masks from every kind of file."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from affine import Affine
from django.contrib.gis.db.models import Extent
from pyarrow import parquet
from rasterio.warp import transform_bounds
from scipy import ndimage

from annotator.domain.exports import download_path, make_export
from annotator.domain.label_imports import (
    Mapped,
    import_labels,
    start_import,
)
from annotator.enums import ExportKind
from annotator.exports.forms import PARCEL_KINDS
from annotator.models import Project
from tests.exporting import made, random_mask, unpacked
from tests.factories import approve, make_patch, make_scene
from tests.importing import FIELD, brought, imported, masks_in, project_over
from tests.rasters import write_raster

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("segmentation", ["rle", "polygons"])
def test_what_left_as_coco_comes_back_pixel_for_pixel(project, tmp_path, segmentation) -> None:
    drawn = _round_trip_project(project)
    folder = unpacked(made(project, ExportKind.COCO, images=False, segmentation=segmentation), tmp_path)
    _forget(project)
    for path in sorted((folder / "annotations").iterdir()):
        mapped = Mapped("category", {"field": 1, "boundary": 2, "unsure": 255})
        categories = json.loads(path.read_text())["categories"]
        assert {c["name"] for c in categories} == set(mapped.classes)
        imported(project, path, mapped)
    _assert_back(project, drawn)


def test_what_left_as_a_mosaic_comes_back_pixel_for_pixel(project, tmp_path) -> None:
    drawn = _round_trip_project(project)
    folder = unpacked(made(project, ExportKind.GEOTIFF), tmp_path)
    _forget(project)
    classes = {str(value): value for value in (0, 1, 2, 255)}
    row = imported(project, folder / "labels.tif", Mapped("value", classes, approve=True))
    assert row.report["imported"] == len(drawn)
    _assert_back(project, drawn)


@pytest.mark.parametrize("approve", [True, False])
def test_what_left_as_chips_comes_back_pixel_for_pixel(project, tmp_path, approve) -> None:
    drawn = _round_trip_project(project)
    export = made(project, ExportKind.CHIPS, images=False)
    _forget(project)
    make_patch(project, 1009)
    row = brought(project, download_path(export))
    assert row.preview["kind"] == "chips"
    assert row.preview["dropped"] == {}
    assert sum(row.preview["attributes"]["class"].values()) == 3 * 256 * 256
    classes = {"other": 0, "field": 1, "boundary": 2, "unsure": 255}
    row = imported(project, download_path(export), Mapped("class", classes, approve=approve))
    assert (row.report["imported"], row.report["patches_without_labels"]) == (3, 1)
    assert row.report["values_left_out"] == {}
    _assert_back(project, drawn)


def test_the_rasters_of_a_stac_collection_come_back_pixel_for_pixel(project, tmp_path) -> None:
    drawn = _round_trip_project(project)
    folder = unpacked(made(project, ExportKind.STAC), tmp_path)
    _forget(project)
    rasters = sorted(folder.rglob("*.tif"))
    assert len(rasters) == len(drawn)
    for path in rasters:
        imported(project, path, Mapped("value", {str(value): value for value in (0, 1, 2, 255)}))
    _assert_back(project, drawn)


def test_a_mosaic_in_the_grid_of_a_finer_scene_comes_back_pixel_for_pixel(project, tmp_path) -> None:
    """Pixels of less than 0.7 of a mask's: the one under a centre has its own centre in the same pixel."""
    drawn = _round_trip_project(project, columns=(1000, 1001))
    west, south, east, north = project.patches.aggregate(Extent("square"))["square__extent"]
    bounds = transform_bounds("EPSG:3857", "EPSG:32643", west, south, east, north)
    gsd_m = 0.55
    size = (round((bounds[3] - bounds[1]) / gsd_m) + 2, round((bounds[2] - bounds[0]) / gsd_m) + 2)
    corner = Affine(gsd_m, 0, bounds[0] - 0.4, 0, -gsd_m, bounds[3] + 0.3)
    source = write_raster(tmp_path / "scene.tif", np.ones((3, *size), "uint8"), transform=corner)
    scene = make_scene(project, source)
    folder = unpacked(made(project, ExportKind.GEOTIFF, grid=scene.pk), tmp_path / "out")
    _forget(project, columns=(1000, 1001))
    imported(project, folder / "labels.tif", Mapped("value", {str(value): value for value in (0, 1, 2, 255)}))
    _assert_back(project, drawn)


def test_what_left_as_parcels_comes_back_but_for_the_boundary_between_them(project, tmp_path) -> None:
    """Parcels have no boundary class, their lines are smoothed: what lies 3 px within a field comes back whole."""
    drawn = {}
    for seed, column in enumerate((1000, 1001)):
        patch = make_patch(project, column)
        drawn[patch.quadkey] = _fields(seed)
        approve(patch, project.created_by, drawn[patch.quadkey])
    paths = [
        next(unpacked(made(project, kind), tmp_path / kind).glob("parcels.*"))
        for kind in sorted(PARCEL_KINDS)
    ]
    back = []
    for path in paths:
        _forget(project, columns=(1000, 1001))
        attribute = "milpa:class_name" if path.suffix == ".parquet" else "class_name"
        imported(project, path, Mapped(attribute, {"field": 1}, outside=0))
        back.append(masks_in(project))
    for quadkey, mask in drawn.items():
        within = ndimage.distance_transform_edt(mask == 1) > 2
        assert within.sum() > 30_000
        for masks in back:
            assert (masks[quadkey][within] == 1).all()
            assert np.array_equal(masks[quadkey], back[0][quadkey])
            assert (masks[quadkey] == mask).mean() > 0.9


def _fields(seed: int) -> np.ndarray:
    """Fields with a boundary of 2 px between them, and a yard."""
    rng = np.random.default_rng(seed)
    mask = np.ones((256, 256), np.uint8)
    for start in np.cumsum(rng.integers(30, 80, 8)):
        mask[start : start + 2] = 2
    for start in np.cumsum(rng.integers(30, 80, 8)):
        mask[:, start : start + 2] = 2
    mask[10:60, 100:140] = 0
    return mask


def _round_trip_project(
    project: Project, columns: tuple[int, ...] = (1000, 1001, 1005)
) -> dict[str, np.ndarray]:
    drawn = {}
    for seed, column in enumerate(columns):
        patch = make_patch(project, column)
        drawn[patch.quadkey] = random_mask(seed)
        approve(patch, project.created_by, drawn[patch.quadkey])
    return drawn


def _forget(project: Project, columns: tuple[int, ...] = (1000, 1001, 1005)) -> None:
    project.patches.all().delete()
    for column in columns:
        make_patch(project, column)


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
