"""Who gets a scene's tiles, and when a browser may keep them."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from PIL import Image
from rest_framework.authtoken.models import Token

from annotator.api import scene_tiles
from annotator.domain.display_copies import make_display_copy
from annotator.domain.scenes import change_display
from annotator.enums import Role, SceneState
from annotator.imagery.grid import QUAD
from annotator.imagery.rendering import EMPTY_TILE, tile_stamp
from annotator.models import Scene
from tests.factories import make_member, make_project, make_scene, make_user
from tests.rasters import random_values, write_raster

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return make_scene(make_project(), write_raster(tmp_path / "scene.tif", random_values(3, 600, 600)))


@pytest.fixture
def member(client: Client, scene: Scene) -> Client:
    client.force_login(make_member(scene.project))
    return client


def address(scene: Scene, *, zoom: int = 17, columns_east: int = 0) -> str:
    tile = QUAD.tile(scene.footprint.centroid.x, scene.footprint.centroid.y, zoom)
    return f"/tiles/scenes/{scene.pk}/{zoom}/{tile.x + columns_east}/{tile.y}"


def stamped(scene: Scene, **place: int) -> str:
    return f"{address(scene, **place)}?v={tile_stamp(scene)}"


def with_copy(scene: Scene) -> Scene:
    """The scene with its display copy, made by the job that ingest asked for."""
    make_display_copy(scene.display_copies.get().pk)
    scene.refresh_from_db()
    assert scene.display_copy_stamp == tile_stamp(scene), scene.display_copies.get().message
    return scene


def rgba(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA")).astype(int)


def test_a_tile_is_the_very_block_of_the_display_copy(member, scene):
    """At every zoom that the copy has, and what it shows is what would be drawn."""
    drawn = {zoom: member.get(stamped(scene, zoom=zoom)) for zoom in (15, 16, 17)}
    copy = with_copy(scene).display_copy_path.read_bytes()
    for zoom, before in drawn.items():
        sent = member.get(address(scene, zoom=zoom))
        assert sent.content in copy
        assert sent["ETag"] != before["ETag"]
        assert np.abs(rgba(sent.content) - rgba(before.content)).mean() < 12


def test_a_tile_without_a_block_reads_no_file(member, scene, monkeypatch):
    with_copy(scene)
    corner = QUAD.tile(scene.footprint.extent[0], scene.footprint.extent[3], 17)
    read = []
    monkeypatch.setattr(os, "pread", lambda *place: read.append(place))
    for place in (f"17/{corner.x - 1}/{corner.y}", "17/3/3"):
        for composite in ("", "?composite=natural"):
            assert member.get(f"/tiles/scenes/{scene.pk}/{place}{composite}").content == EMPTY_TILE
    assert read == []


def test_deeper_than_the_copy_and_farther_out_tiles_are_drawn(member, scene):
    with_copy(scene)
    for zoom in (19, 8):
        assert rgba(member.get(address(scene, zoom=zoom)).content)[..., 3].any()


def test_a_copy_of_another_look_is_not_sent(member, scene):
    tag = member.get(address(with_copy(scene)))["ETag"]
    change_display(scene=scene, user=scene.project.created_by, stretch=[[0, 60]] * 3)
    response = member.get(address(scene), headers={"If-None-Match": tag})
    assert (response.status_code, response["ETag"] != tag) == (200, True)
    assert rgba(response.content)[..., :3].mean() > 200


def test_a_lost_copy_is_drawn_instead(member, scene):
    with_copy(scene).display_copy_path.unlink()
    assert rgba(member.get(address(scene)).content)[..., 3].any()


def test_a_tile_asks_the_database_once_in_some_seconds(
    member, scene, django_assert_num_queries, settings, monkeypatch
):
    with django_assert_num_queries(5):
        first = member.get(stamped(scene))
    with django_assert_num_queries(0):
        again = member.get(stamped(scene))
        assert member.get(stamped(scene), headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert (again.content, again["ETag"]) == (first.content, first["ETag"])
    assert (again["X-Content-Type-Options"], again["Cache-Control"]) == ("nosniff", first["Cache-Control"])


def test_who_is_no_longer_a_member_sees_tiles_for_some_seconds_at_most(client, scene, settings, monkeypatch):
    user = make_member(scene.project)
    client.force_login(user)
    assert client.get(stamped(scene)).status_code == 200
    user.milpa_memberships.all().delete()
    later = time.monotonic() + settings.TILE_GRANT_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert client.get(stamped(scene)).status_code == 404


def test_what_one_may_see_another_may_not(client, scene):
    """By session, by token, or without either, of the same tile a moment later."""
    token = Token.objects.create(user=make_member(scene.project))
    client.force_login(make_member(scene.project))
    assert client.get(stamped(scene)).status_code == 200
    client.logout()
    by_token = {"Authorization": f"Token {token.key}"}
    assert client.get(stamped(scene), headers=by_token).status_code == 200
    assert client.get(stamped(scene)).status_code == 401
    client.force_login(make_user())
    assert client.get(stamped(scene)).status_code == 404


def test_who_was_let_in_is_remembered_for_few(member, scene, monkeypatch):
    monkeypatch.setattr(scene_tiles, "_GRANTS_KEPT", 2)
    for name in ("a", "b", "c", "d"):
        member.cookies["other"] = name
        assert member.get(stamped(scene)).status_code == 200
        assert len(scene_tiles._grants) <= 2


def test_a_member_of_any_role_gets_the_tile(client, scene):
    for role in Role:
        client.force_login(make_member(scene.project, role))
        response = client.get(address(scene))
        assert (response.status_code, response["Content-Type"]) == (200, "image/webp")
        image = Image.open(io.BytesIO(response.content))
        assert image.size == (256, 256)
        assert np.asarray(image.convert("RGB")).std() > 20


def test_a_tile_beside_the_scene_is_transparent(member, scene):
    assert member.get(address(scene, columns_east=20)).content == EMPTY_TILE


def test_a_script_signs_in_with_a_token(client, scene):
    token = Token.objects.create(user=make_member(scene.project))
    assert client.get(address(scene), headers={"Authorization": f"Token {token.key}"}).status_code == 200
    wrong = client.get(address(scene), headers={"Authorization": "Token wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "not-signed-in")


def test_who_is_not_signed_in_is_told_so_without_a_redirect(client, scene):
    response = client.get(address(scene))
    assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")
    assert response.json()["code"] == "not-signed-in"


def test_a_stranger_is_told_that_there_is_no_such_scene(client, scene):
    """The same words as for a scene that does not exist."""
    client.force_login(make_user())
    stranger, absent = client.get(address(scene)), client.get("/tiles/scenes/999999/3/1/1")
    assert (stranger.status_code, stranger.json()) == (404, absent.json())


@pytest.mark.parametrize("tile", ["17/131072/0", "17/0/131072", "25/0/0", "99/0/0"])
def test_a_tile_that_does_not_exist_is_not_found(member, scene, tile):
    response = member.get(f"/tiles/scenes/{scene.pk}/{tile}")
    assert (response.status_code, response.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("state", [SceneState.PENDING, SceneState.INGESTING, SceneState.FAILED])
def test_a_scene_that_is_not_ready_has_no_tiles_yet(member, scene, state):
    Scene.objects.filter(pk=scene.pk).update(state=state)
    response = member.get(address(scene))
    assert (response.status_code, response.json()["code"]) == (409, "not-ready")
    assert str(state.label) in response.json()["detail"]


def test_a_scene_whose_file_is_gone_says_so(member, scene):
    scene.cog_path.unlink()
    response = member.get(address(scene))
    assert (response.status_code, response.json()["code"]) == (410, "scene-file-gone")


def test_an_unchanged_tile_is_not_sent_again_nor_read(member, scene):
    first = member.get(address(scene))
    scene.cog_path.unlink()
    again = member.get(address(scene), headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])


@pytest.mark.parametrize(
    "change", [{"stretch": [[0, 100]] * 3}, {"display_bands": [3, 2, 1]}, {"cog_name": "other.tif"}]
)
def test_another_look_has_another_etag(member, scene, change):
    before = member.get(address(scene))["ETag"]
    # Not through save(), so that the time of the change is the same.
    Scene.objects.filter(pk=scene.pk).update(**change)
    answer = member.head(address(scene), headers={"If-None-Match": before})
    assert answer.status_code == (410 if "cog_name" in change else 200)
    assert answer.get("ETag") != before


def test_each_tile_has_its_own_etag(member, scene):
    tags = {member.get(address(scene, zoom=zoom))["ETag"] for zoom in (15, 16, 17)}
    assert len(tags) == 3


def test_only_an_address_with_the_stamp_of_the_present_look_is_kept_without_asking(member, scene):
    assert member.get(address(scene))["Cache-Control"] == "private, no-cache"
    assert member.get(address(scene) + "?v=1")["Cache-Control"] == "private, no-cache"
    assert member.get(stamped(scene))["Cache-Control"] == "private, max-age=604800, immutable"


def test_a_problem_is_not_kept(client, scene):
    assert "max-age" not in client.get(address(scene) + "?v=1").get("Cache-Control", "")


def test_only_reading_is_possible(member, scene):
    assert member.post(address(scene)).status_code == 405


def test_a_tile_costs_few_queries(member, scene, django_assert_num_queries):
    """The session, the person, the scene and the roles."""
    with django_assert_num_queries(5):
        member.get(address(scene))


def test_a_real_sentinel_2_scene_of_16_bits_looks_like_farmland(client, milpa_data):
    """Greenish and brownish fields with contrast, not black, as unstretched 16 bits would be."""
    path = milpa_data / "maharashtra-s2-scene" / "s2_sr_maharashtra_20221003.tif"
    scene = make_scene(make_project(), path)
    client.force_login(scene.project.created_by)
    image = Image.open(io.BytesIO(client.get(address(scene, zoom=15)).content))
    rgb = np.asarray(image.convert("RGB")).astype(float)
    assert 60 < rgb.mean() < 190
    assert rgb.std(axis=(0, 1)).min() > 25
