"""Patches as vector tiles."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest
from django.contrib.gis.gdal import DataSource
from django.contrib.gis.geos import GEOSGeometry
from django.test import Client

from annotator.domain.claims import claim_patch
from annotator.enums import PatchState
from annotator.imagery.patch_tiles import read_patch_tile
from annotator.models import Patch, Project
from tests.factories import (
    CORNER_X,
    CORNER_Y,
    approve,
    make_member,
    make_patch,
    make_project,
    make_user,
    submit,
)

pytestmark = pytest.mark.django_db

ZOOM = 17


@pytest.fixture
def project() -> Project:
    return make_project(patch_zoom=ZOOM)


def features(tile: bytes, folder: Path) -> list[tuple[dict[str, object], GEOSGeometry]]:
    """Properties and geometry (in the tile's units, 0 to 4096) of each feature; empty for an empty tile."""
    if not tile:
        return []
    file = folder / "tile.mvt"
    file.write_bytes(tile)
    (layer,) = DataSource(f"MVT:{file}")
    assert layer.name == "patches"
    return [
        (
            {name: feature.get(name) for name in feature.fields if name != "mvt_id"},
            GEOSGeometry(feature.geom.wkt),
        )
        for feature in layer
    ]


def tile_of(
    project: Project, folder: Path, zoom: int, *, user_id: int = 0, x: int = CORNER_X, y: int = CORNER_Y
):
    up = ZOOM - zoom
    x, y = (x >> up, y >> up) if up >= 0 else (x << -up, y << -up)
    tile = read_patch_tile(project_id=project.pk, patch_zoom=ZOOM, user_id=user_id, x=x, y=y, z=zoom, told={})
    return features(tile, folder)


def test_a_patch_tells_what_a_map_shows(project, tmp_path):
    patch, user = make_patch(project, 0, score=1.5), make_member(project)
    claim_patch(patch=patch, user=user)
    ((mine, _),) = tile_of(project, tmp_path, 15, user_id=user.pk)
    ((theirs, _),) = tile_of(project, tmp_path, 15, user_id=make_member(project).pk)
    assert mine == {"id": patch.pk, "quadkey": patch.quadkey, "state": "claimed", "score": 1.5, "mine": 1}
    assert theirs == mine | {"mine": 0}


def test_a_patch_that_left_the_queue_has_no_score(project, tmp_path):
    patch = make_patch(project, 0)
    submit(patch, make_member(project))
    ((properties, _),) = tile_of(project, tmp_path, 15)
    assert properties["state"] == "submitted"
    assert not properties.get("score")
    assert properties["mine"] == 0


@pytest.mark.parametrize("zoom", [11, 14, 17])
def test_a_tile_holds_its_own_patches_each_in_its_place(project, tmp_path, zoom):
    up = ZOOM - zoom
    first_x, first_y = CORNER_X >> up << up, CORNER_Y >> up << up
    side = min(2**up, 3)
    for column in range(-1, side + 1):
        for row in range(-1, side + 1):
            make_patch(project, first_x - CORNER_X + column, first_y - CORNER_Y + row)
    inside = side + (up >= 2)
    found = tile_of(project, tmp_path, zoom)
    assert len(found) == inside**2
    unit = 4096 / 2**up
    for properties, shape in found:
        patch = Patch.objects.get(pk=properties["id"])
        column, row = patch.x - first_x, patch.y - first_y
        # The driver counts upwards, a vector tile's own y goes down.
        west, south, east, north = shape.extent
        assert (west, east) == pytest.approx((column * unit, column * unit + unit), abs=1)
        assert abs(north - south) == pytest.approx(unit, abs=1)
        assert {4096 - north, south} & {row * unit}


def test_a_tile_deeper_than_the_patches_shows_the_one_that_it_lies_in(project, tmp_path):
    patch = make_patch(project, 0)
    make_patch(project, 1)
    ((properties, shape),) = tile_of(project, tmp_path, 19)
    assert properties["id"] == patch.pk
    # Clipped to the tile and a margin of 64 units.
    assert shape.extent[2] - shape.extent[0] >= 4096
    assert shape.extent[2] - shape.extent[0] <= 4096 + 2 * 64


def test_further_out_patches_are_counted_in_cells(project, tmp_path):
    user, lead = make_member(project), project.created_by
    column = (CORNER_X >> 7 << 7) - CORNER_X
    for offset in (0, 1, 2, 3, 4):
        make_patch(project, column + offset)
    approved, submitted = Patch.objects.order_by("x")[:2]
    approve(approved, lead)
    submit(submitted, user)
    cells = tile_of(project, tmp_path, 10)
    assert [(p["patches"], p["state"]) for p, _ in cells] == [
        (2, "approved"),
        (2, "unlabelled"),
        (1, "unlabelled"),
    ]
    assert sum(Counter({s: p.get(s) or 0 for s in PatchState.values}).total() for p, _ in cells) == 5
    assert cells[0][0]["approved"] == cells[0][0]["submitted"] == 1
    # 64 cells a side.
    assert cells[0][1].extent[2] - cells[0][1].extent[0] == pytest.approx(64, abs=1)


def test_the_whole_world_in_one_tile(project, tmp_path):
    make_patch(project, 0)
    ((properties, _),) = tile_of(project, tmp_path, 0)
    assert (properties["patches"], properties["unlabelled"]) == (1, 1)


def test_other_projects_patches_are_not_shown(project, tmp_path):
    make_patch(make_project(patch_zoom=ZOOM), 0)
    assert tile_of(project, tmp_path, 15) == []
    assert tile_of(project, tmp_path, 5) == []


@pytest.mark.parametrize("zoom", [5, 15])
def test_a_tile_is_one_query(project, zoom, django_assert_num_queries):
    make_patch(project, 0)
    with django_assert_num_queries(1):
        read_patch_tile(project_id=project.pk, patch_zoom=ZOOM, user_id=1, x=0, y=0, z=zoom, told={})


def address(project: Project, zoom: int = 15) -> str:
    up = ZOOM - zoom
    return f"/tiles/projects/{project.slug}/patches/{zoom}/{CORNER_X >> up}/{CORNER_Y >> up}"


@pytest.fixture
def member(client: Client, project: Project) -> Client:
    client.force_login(make_member(project))
    return client


def test_a_member_gets_the_tile(member, project, tmp_path):
    patch = make_patch(project, 0)
    response = member.get(address(project))
    assert (response.status_code, response["Content-Type"]) == (200, "application/vnd.mapbox-vector-tile")
    assert response["Cache-Control"] == "private, no-cache"
    ((properties, _),) = features(response.content, tmp_path)
    assert properties["id"] == patch.pk


def test_a_large_tile_is_compressed(member, project, tmp_path):
    for column in range(8):
        make_patch(project, column)
    response = member.get(address(project, 12), headers={"Accept-Encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip"
    assert len(features(gzip.decompress(response.content), tmp_path)) == 8


def test_a_tile_is_sent_again_only_after_a_change(member, project):
    patch = make_patch(project, 0)
    first = member.get(address(project))
    assert member.get(address(project), headers={"If-None-Match": first["ETag"]}).status_code == 304
    claim_patch(patch=patch, user=make_member(project))
    assert member.get(address(project), headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_who_is_not_signed_in_is_told_so_and_a_stranger_nothing(client, project):
    assert client.get(address(project)).status_code == 401
    client.force_login(make_user())
    stranger = client.get(address(project))
    absent = client.get("/tiles/projects/absent/patches/3/1/1")
    assert (stranger.status_code, stranger.json()) == (404, absent.json())


def test_a_project_without_a_patch_zoom_has_an_empty_tile(client):
    project = make_project()
    client.force_login(project.created_by)
    response = client.get(address(project))
    assert (response.status_code, response.content) == (200, b"")


def test_a_tile_that_does_not_exist_is_not_found(member, project):
    assert member.get(f"/tiles/projects/{project.slug}/patches/3/8/0").status_code == 404
