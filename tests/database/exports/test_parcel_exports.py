"""Parcels that leave: those that are stored, whole, with where they come from, the same bytes for the same masks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from pyarrow import parquet

from annotator.domain import export_parcels
from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_patch
from annotator.domain.exports import cancel_export, download_path, make_export, request_export
from annotator.domain.parcels import draw_wanted_parcels, rebuild_parcels
from annotator.domain.reviews import reopen_patch, review_patch
from annotator.enums import ExportKind, JobState, Verdict
from annotator.imagery.grid import QUAD
from annotator.models import Export, Parcel, ParcelUpdate, Project
from tests.exporting import made, unpacked
from tests.factories import approve, make_member, make_patch, make_project, make_proposal

pytestmark = pytest.mark.django_db
KINDS = (ExportKind.GEOJSON, ExportKind.GEOPACKAGE, ExportKind.GEOPARQUET)


def features_of(export: Export, folder: Path) -> list[dict[str, Any]]:
    return json.loads((unpacked(export, folder) / "parcels.geojson").read_text())["features"]


def test_parcels_are_the_same_in_all_three_forms(project, masks, tmp_path) -> None:
    folders = {kind: unpacked(made(project, kind), tmp_path / kind) for kind in KINDS}
    features = json.loads((folders[ExportKind.GEOJSON] / "parcels.geojson").read_text())["features"]
    ids = [feature["id"] for feature in features]
    assert len(set(ids)) == len(ids) == Parcel.objects.count() > 5
    assert {feature["properties"]["class_name"] for feature in features} == {"field"}
    table = parquet.read_table(folders[ExportKind.GEOPARQUET] / "parcels.parquet")
    outlines = shapely.from_wkb(table["geometry"].to_pylist())
    assert table["id"].to_pylist() == ids
    assert shapely.is_valid(outlines).all()
    assert not table.schema.field("geometry").nullable
    head = json.loads(table.schema.metadata[b"collection"])
    assert head["schemas"][table["collection"][0].as_py()][1].startswith("https://fiboa.org/")
    bounds = json.loads(table.schema.metadata[b"geo"])["columns"]["geometry"]["bbox"]
    assert bounds == shapely.total_bounds(outlines).tolist()
    info = pyogrio.read_info(folders[ExportKind.GEOPACKAGE] / "parcels.gpkg")
    assert (info["features"], info["crs"], info["layer_name"]) == (len(ids), "EPSG:4326", "parcels")
    _, _, packed, _ = pyogrio.raw.read(folders[ExportKind.GEOPACKAGE] / "parcels.gpkg")
    assert shapely.equals_exact(shapely.from_wkb(packed), outlines).all()
    shown = [shapely.geometry.shape(feature["geometry"]) for feature in features]
    assert shapely.equals_exact(shown, outlines, tolerance=1e-8).all()
    # Neighbours share their edges: together they are as large as apart.
    assert shapely.union_all(outlines).area == pytest.approx(sum(one.area for one in outlines), rel=1e-9)
    stored = sorted(round(parcel.area_m2, 2) for parcel in Parcel.objects.all())
    assert sorted(feature["properties"]["area_m2"] for feature in features) == stored


def test_whoever_only_trimmed_a_field_corrected_it(project, tmp_path) -> None:
    """All that is left of the field is as it was proposed; on the other side of the seam nothing was changed."""
    lead, other = project.created_by, make_member(project)
    trimmed = np.full((256, 256), 1, np.uint8)
    trimmed[:40, :40] = 0
    for column, mask, author in ((3000, trimmed, other), (3001, np.full((256, 256), 1, np.uint8), lead)):
        patch = make_patch(project, column)
        proposal = make_proposal(patch, value=1)
        claim_patch(patch=patch, user=author)
        revision = save_mask(
            patch=patch, user=author, mask=mask, base_number=0, submit=True, proposal=proposal
        )
        review_patch(patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=revision.number)
    (one,) = (f["properties"] for f in features_of(made(project, ExportKind.GEOJSON, names=True), tmp_path))
    assert (one["origin"], one["kept_share"]) == ("corrected", 1)
    assert one["corrected_by"] == other.username


def test_a_parcel_says_who_drew_it_from_what_and_who_corrected_it(project, tmp_path) -> None:
    lead, other = project.created_by, make_member(project)
    mask = np.full((256, 256), 1, np.uint8)
    for column, proposed, author in ((3000, 1, lead), (3001, 0, other), (3010, None, lead)):
        patch = make_patch(project, column)
        proposal = None if proposed is None else make_proposal(patch, value=proposed)
        claim_patch(patch=patch, user=author)
        revision = save_mask(
            patch=patch, user=author, mask=mask, base_number=0, submit=True, proposal=proposal
        )
        review_patch(patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=revision.number)
    one, two = (f["properties"] for f in features_of(made(project, ExportKind.GEOJSON), tmp_path / "numbers"))
    people = sorted([f"person-{lead.pk}", f"person-{other.pk}"])
    assert (one["origin"], one["authors"].split(", ")) == ("corrected", people)
    assert one["corrected_by"] == f"person-{other.pk}"
    assert one["model_versions"] == "1"
    # The proposals' entropy is 100 / 255 of the largest everywhere.
    assert one["confidence"] == pytest.approx(1 - 100 / 255, abs=1e-4)
    assert 0.4 < one["kept_share"] < 0.6
    assert (two["origin"], two["corrected_by"], two["confidence"], two["kept_share"]) == (
        "drawn",
        "",
        None,
        None,
    )
    named = features_of(made(project, ExportKind.GEOJSON, names=True), tmp_path / "names")
    assert named[0]["properties"]["corrected_by"] == other.username


def test_a_box_takes_whole_parcels_and_all_masks_that_they_come_from(project, tmp_path) -> None:
    band = np.zeros((256, 256), np.uint8)
    band[100:150] = 1
    patches = [make_patch(project, 2000 + column) for column in range(3)]
    for patch in patches:
        approve(patch, project.created_by, band)
    alone = make_patch(project, 2000, 3)
    approve(alone, project.created_by, band)
    draw_wanted_parcels(project.pk)
    west, south, east, north = QUAD.bounds(QUAD.quadkey_to_tile(patches[0].quadkey))
    box = [west + 1e-5, south + 1e-5, east - 1e-5, north - 1e-5]
    first = made(project, ExportKind.GEOJSON, bbox=box)
    (feature,) = features_of(first, tmp_path)
    assert feature["properties"]["area_m2"] == round(Parcel.objects.order_by("-area_m2")[0].area_m2, 2)
    assert len(feature["properties"]["revisions"].split(", ")) == first.total == 3
    # What lies beside may move a line of the parcel, so it is another export.
    beside = make_patch(project, 2001, 1)
    approve(beside, project.created_by, band)
    draw_wanted_parcels(project.pk)
    assert made(project, ExportKind.GEOJSON, bbox=box).fingerprint != first.fingerprint


def test_parcels_that_wait_are_drawn_first_and_what_was_approved_meanwhile_is_in_it(
    project, masks, monkeypatch
) -> None:
    export = request_export(project=project, user=project.created_by, kind=ExportKind.GEOJSON)
    assert not Parcel.objects.exists()
    told: list[str] = []
    patch = make_patch(project, 1005, 0)
    draw_batch = export_parcels.draw_batch

    def approved_while_drawing(project_id: int) -> int:
        told.append(Export.objects.get(pk=export.pk).message)
        if len(told) == 1:
            approve(patch, project.created_by)
        return draw_batch(project_id)

    monkeypatch.setattr(export_parcels, "draw_batch", approved_while_drawing)
    make_export(export.pk)
    export.refresh_from_db()
    assert export.state == JobState.SUCCEEDED, export.message
    assert (export.total, len(export.revisions), export.done) == (6, 6, 6)
    assert told[1] == "Patches whose parcels are drawn first: 0."
    assert not ParcelUpdate.objects.exists()
    assert made(project, ExportKind.GEOJSON).pk == export.pk


def test_rebuilt_parcels_give_the_same_bytes_and_other_ids_do_not_show(project, masks) -> None:
    first = made(project, ExportKind.GEOPACKAGE)
    content = download_path(first).read_bytes()
    Export.objects.all().delete()
    Parcel.objects.all().delete()
    rebuild_parcels(project=project, user=project.created_by)
    assert download_path(made(project, ExportKind.GEOPACKAGE)).read_bytes() == content


def test_two_that_would_be_the_same_are_made_once(project, masks) -> None:
    user, quadkey = project.created_by, next(iter(masks))
    older = request_export(project=project, user=user, kind=ExportKind.GEOJSON)
    reopen_patch(patch=project.patches.get(quadkey=quadkey), user=user, comment="Once more.")
    newer = request_export(project=project, user=user, kind=ExportKind.GEOJSON)
    make_export(older.pk)
    older.refresh_from_db()
    assert (older.state, f"export {newer.pk} makes the same" in older.message) == (JobState.FAILED, True)
    make_export(newer.pk)
    newer.refresh_from_db()
    assert (newer.state, newer.total) == (JobState.SUCCEEDED, 4)


def test_land_without_fields_is_an_export_without_parcels(tmp_path: Path) -> None:
    project: Project = make_project()
    approve(make_patch(project), project.created_by, np.zeros((256, 256), np.uint8))
    folders = {kind: unpacked(made(project, kind), tmp_path / kind) for kind in KINDS}
    assert json.loads((folders[ExportKind.GEOJSON] / "parcels.geojson").read_text())["features"] == []
    assert pyogrio.read_info(folders[ExportKind.GEOPACKAGE] / "parcels.gpkg")["features"] == 0
    assert parquet.read_table(folders[ExportKind.GEOPARQUET] / "parcels.parquet").num_rows == 0


def test_a_cancelled_export_stops_drawing(project, masks, monkeypatch) -> None:
    export = request_export(project=project, user=project.created_by, kind=ExportKind.GEOJSON)
    draw_batch = export_parcels.draw_batch

    def cancelled_meanwhile(project_id: int) -> int:
        cancel_export(export=Export.objects.get(pk=export.pk), user=project.created_by)
        return draw_batch(project_id)

    monkeypatch.setattr(export_parcels, "draw_batch", cancelled_meanwhile)
    make_export(export.pk)
    export.refresh_from_db()
    assert (export.state, export.work_path.exists()) == (JobState.CANCELLED, False)
