"""What left comes back pixel for pixel, and the same fields are the same masks from every kind of file."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from annotator.domain.exports import download_path, make_export, request_export
from annotator.domain.label_imports import (
    Mapped,
    import_labels,
    start_import,
)
from annotator.enums import ExportKind
from annotator.models import Project
from tests.exporting import random_mask
from tests.factories import approve, make_patch
from tests.importing import FIELD, brought, imported, masks_in, project_over

pytestmark = pytest.mark.django_db


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
