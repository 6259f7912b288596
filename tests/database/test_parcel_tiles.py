"""Parcels as vector tiles, and who may see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from django.contrib.gis.gdal import DataSource
from django.contrib.gis.geos import GEOSGeometry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotator.domain.parcels import draw_wanted_parcels
from annotator.imagery.parcel_tiles import read_parcel_tile
from annotator.models import Parcel, Project
from tests.campaigns import Campaign
from tests.factories import CORNER_X, CORNER_Y, approve, make_patch, make_project

pytestmark = pytest.mark.django_db
ZOOM = 17


@pytest.fixture
def project() -> Project:
    """Two fields of half a patch, one of which goes on in the next patch."""
    project = make_project(patch_zoom=ZOOM)
    west, east = np.zeros((256, 256), np.uint8), np.zeros((256, 256), np.uint8)
    west[:96], west[160:], east[160:, :128] = 1, 1, 1
    approve(make_patch(project, 0), project.created_by, west)
    approve(make_patch(project, 1), project.created_by, east)
    draw_wanted_parcels(project.pk)
    return project


def features(project: Project, folder: Path, zoom: int) -> list[tuple[dict[str, object], GEOSGeometry]]:
    up = ZOOM - zoom
    tile = read_parcel_tile(
        project_id=project.pk, patch_zoom=ZOOM, x=CORNER_X >> up, y=CORNER_Y >> up, z=zoom
    )
    file = folder / "tile.mvt"
    file.write_bytes(tile)
    (layer,) = DataSource(f"MVT:{file}")
    assert layer.name == "parcels"
    return [
        ({name: one.get(name) for name in one.fields if name != "mvt_id"}, GEOSGeometry(one.geom.wkt))
        for one in layer
    ]


def test_outlines_with_their_area(project: Project, tmp_path: Path):
    found = {
        properties["id"]: (properties, outline) for properties, outline in features(project, tmp_path, 16)
    }
    parcels = list(Parcel.objects.filter(project=project))
    assert set(found) == {parcel.pk for parcel in parcels}
    for parcel in parcels:
        properties, outline = found[parcel.pk]
        assert properties["area_m2"] == pytest.approx(parcel.area_m2)
        assert (properties["value"], properties["origin"]) == (1, "drawn")
        side_m = 2 * np.pi * 6_378_137 / 2**16
        assert outline.area * (side_m / 4096) ** 2 == pytest.approx(parcel.outline.area, rel=0.01)


def test_far_out_cells_say_how_much_of_the_land_is_parcels(project: Project, tmp_path: Path):
    cells = sorted(features(project, tmp_path, ZOOM - 5), key=lambda one: one[1].centroid.x)
    assert [properties["parcels"] for properties, _ in cells] == [2, 1]
    assert [properties["share"] for properties, _ in cells] == pytest.approx([0.75, 96 * 128 / 256**2])
    ((properties, _),) = features(project, tmp_path, ZOOM - 7)
    assert properties["parcels"] == 2
    assert properties["share"] == pytest.approx((0.75 + 96 * 128 / 256**2) / 4)


@pytest.mark.parametrize(
    ("role", "status"),
    [("lead", 200), ("annotator", 200), ("ml_staff", 200), ("stranger", 404), ("anonymous", 401)],
)
def test_tiles_are_for_members(campaign: Campaign, role: str, status: int):
    client = campaign.client(role)
    url = f"/tiles/projects/{campaign.project.slug}/parcels/0/0/0"
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url)
    assert response.status_code == status
    assert len(captured) <= 5
    if status == 200:
        assert client.get(url, headers={"if-none-match": response["ETag"]}).status_code == 304


def test_there_is_no_tile_outside_the_world(project: Project):
    client = Client()
    client.force_login(project.created_by)
    assert client.get(f"/tiles/projects/{project.slug}/parcels/1/2/0").status_code == 404
