"""A scene that lies some metres off is put right, in all that is made from it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from annotator.domain.context import ContextTile
from annotator.domain.display_copies import make_display_copy
from annotator.domain.placement import correct_place
from annotator.domain.round_data import imagery_record
from annotator.enums import Role
from annotator.errors import BadScene, NotReady
from annotator.imagery.composites import NATURAL, picture_of_composite
from annotator.imagery.display_blocks import block_of
from annotator.imagery.grid import QUAD, ground_resolution_m
from annotator.models import Event, Scene
from annotator.queries.documents import scene_document
from annotator.queries.proposals import shown_proposal
from tests.factories import make_member, make_project, make_proposal, make_scene, make_user
from tests.rasters import random_values, write_raster

pytestmark = pytest.mark.django_db
ZOOM = 17


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return make_scene(make_project(), write_raster(tmp_path / "scene.tif", random_values(3, 600, 600)))


def middle(scene: Scene) -> ContextTile:
    tile = QUAD.tile(scene.footprint.centroid.x, scene.footprint.centroid.y, ZOOM)
    return ContextTile(tile.x, tile.y, tile.z, 0)


def move(scene: Scene, *, columns: int, rows: int) -> Scene:
    """So many pixels of the grid to the east and to the south."""
    px_m = ground_resolution_m(ZOOM, scene.footprint.centroid.y)
    user = scene.project.created_by
    return correct_place(scene=scene, user=user, east_m=columns * px_m, north_m=-rows * px_m)


@pytest.mark.parametrize(("columns", "rows"), [(20, 12), (-7, -30)])
def test_what_the_model_and_people_see_moves_by_so_much(scene, columns, rows):
    tile = middle(scene)

    def seen(scene: Scene) -> list[np.ndarray]:
        picture = picture_of_composite(scene, NATURAL, tile.x, tile.y, ZOOM)
        return [tile.read(scene).rgb.astype(int), np.asarray(picture.convert("RGB")).astype(int)]

    for before, after in zip(seen(scene), seen(move(scene, columns=columns, rows=rows)), strict=True):
        expected = np.roll(before, (rows, columns), axis=(0, 1))
        inner = np.s_[40:-40, 40:-40]
        assert np.abs(after - expected)[inner].mean() < 3
        assert np.abs(after - before)[inner].mean() > 15


def test_the_display_copy_is_made_anew_and_moves_along(scene):
    make_display_copy(scene.display_copies.get().pk)
    moved = move(scene, columns=20, rows=12)
    make_display_copy(moved.display_copies.first().pk)
    moved.refresh_from_db()
    tile = middle(scene)
    block = block_of(moved.display_copy_path, tile.x, tile.y, ZOOM)
    drawn = tile.read(moved).rgb.astype(int)
    with Image.open(io.BytesIO(block)) as image:
        assert np.abs(np.asarray(image.convert("RGB")) - drawn).mean() < 12


def test_tiles_have_another_address_and_the_footprint_moves(scene):
    before = scene_document(scene)
    moved = scene_document(move(scene, columns=20, rows=0))
    assert moved["tile_url"] != before["tile_url"]
    assert moved["shift_m"] == pytest.approx([20 * ground_resolution_m(ZOOM, 19.8), 0], abs=0.1)
    east = 20 * 360 / 2**ZOOM / 256
    assert np.subtract(moved["bounds"], before["bounds"]) == pytest.approx([east, 0, east, 0], abs=1e-7)


def test_moving_back_leads_to_where_it_was(scene):
    back = move(move(scene, columns=20, rows=5), columns=0, rows=0)
    assert (back.shift_m, back.placement_number) == ([0, 0], 3)
    assert back.footprint.equals_exact(scene.footprint, 1e-7)


def test_proposals_of_the_old_place_are_stale_until_they_are_made_again(scene):
    patch = scene.project.patches.first()
    make_proposal(patch, scene=scene)
    assert not shown_proposal(patch.pk).is_stale
    moved = move(scene, columns=3, rows=0)
    assert shown_proposal(patch.pk).is_stale
    again = make_proposal(patch, scene=moved)
    shown = shown_proposal(patch.pk)
    assert (shown.proposal.pk, shown.is_stale) == (again.pk, False)


def test_the_same_place_changes_nothing(scene):
    events = Event.objects.count()
    assert move(scene, columns=0, rows=0).placement_number == 1
    assert Event.objects.count() == events


def test_a_round_remembers_where_its_scenes_lay(scene):
    shown = imagery_record([], move(scene, columns=3, rows=0))["display"][str(scene.pk)]
    assert shown["shift_m"][0] > 0


@pytest.mark.parametrize("east_m", [1001, float("nan"), float("inf")])
def test_a_place_far_off_is_refused_with_the_remedy(scene, east_m):
    with pytest.raises(BadScene, match=r"gdal_edit\.py"):
        correct_place(scene=scene, user=scene.project.created_by, east_m=east_m, north_m=0)


def test_a_scene_that_is_not_ready_is_not_moved(scene):
    Scene.objects.update(state="pending")
    with pytest.raises(NotReady):
        correct_place(scene=scene, user=scene.project.created_by, east_m=1, north_m=0)


def test_leads_move_scenes_by_the_api(scene):
    client, address = Client(), f"/api/v1/scenes/{scene.pk}/place/"
    ask = {"data": {"east_m": 4.0, "north_m": -2.5}, "content_type": "application/json"}
    client.force_login(make_member(scene.project, Role.LEAD))
    assert client.put(address, **ask).json()["shift_m"] == [4.0, -2.5]
    client.force_login(make_member(scene.project, Role.ANNOTATOR))
    assert client.put(address, **ask).status_code == 403
    client.force_login(make_user())
    assert client.put(address, **ask).status_code == 404
