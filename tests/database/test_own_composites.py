"""Band combinations that leads write: who may, what is kept, and what tiles and other programs get of them."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from annotator.api import scene_tiles
from annotator.domain.composites import MOST_OF_A_PROJECT, add_composite, change_composite, delete_composite
from annotator.domain.display_copies import make_display_copy
from annotator.domain.placement import correct_place
from annotator.enums import Role
from annotator.errors import BadComposite
from annotator.imagery import drawing
from annotator.imagery.grid import QUAD
from annotator.imagery.rendering import EMPTY_TILE, tile_stamp
from annotator.models import Event, OwnComposite, Project, Scene
from tests.factories import client_of, make_member, make_project, make_scene, make_user
from tests.rasters import random_values, write_raster

pytestmark = pytest.mark.django_db

NDWI = {"name": "NDWI", "expressions": ["(green - nir) / (green + nir)"], "ramp": "water"}


def wet_and_dry(folder: Path) -> Path:
    """Blue, green, red and near infrared, uint8: water in the west, crops in the east, no data in the north."""
    water, crops = (40, 120, 30, 10), (30, 50, 40, 200)
    is_water = np.arange(400)[None, :] < 200
    bands = np.array(
        [np.where(is_water, a, b) * np.ones((400, 1)) for a, b in zip(water, crops, strict=True)]
    )
    bands[:, :60] = 0
    return write_raster(
        folder / "wet.tif", bands.astype(np.uint8), nodata=0, names=("blue", "green", "red", "nir")
    )


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return make_scene(make_project(), wet_and_dry(tmp_path), acquired_on=date(2022, 10, 3))


@pytest.fixture
def ndwi(scene: Scene) -> OwnComposite:
    return add_composite(project=scene.project, user=scene.project.created_by, **NDWI, ranges=[[-1.0, 1.0]])


def place(scene: Scene, zoom: int = 16, *, east: int = 0) -> str:
    tile = QUAD.tile(scene.footprint.centroid.x, scene.footprint.centroid.y, zoom)
    return f"/tiles/scenes/{scene.pk}/{zoom}/{tile.x + east}/{tile.y}"


def tile(client: Client, scene: Scene, row: OwnComposite, *, stamp: str = "", **where: int) -> Any:
    return client.get(
        f"{place(scene, **where)}?v={tile_stamp(scene)}&composite={row.key}&stamp={stamp or row.stamp}"
    )


def rgba(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA")).astype(int)


def test_a_tile_shows_the_expression_and_is_clear_without_data(scene, ndwi):
    """(120 - 10) / 130 = 0.85 is nearly the ramp's dark end, (50 - 200) / 250 = -0.6 near the light one."""
    client = client_of(make_member(scene.project))
    answer = tile(client, scene, ndwi)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
    assert "immutable" in answer["Cache-Control"]
    seen = rgba(answer.content)
    shown = seen[seen[..., 3] == 255]
    dark, light = (
        np.abs(shown[:, :3] - color).max(axis=1) < 14 for color in ((15, 45, 107), (181, 212, 206))
    )
    assert min(dark.mean(), light.mean()) > 0.15
    assert dark.mean() + light.mean() > 0.95
    assert (seen[..., 3] == 0).mean() > 0.1
    assert tile(client, scene, ndwi, east=9).content == EMPTY_TILE


def test_three_expressions_are_red_green_and_blue_each_with_its_own_range(scene):
    row = add_composite(
        project=scene.project,
        user=scene.project.created_by,
        name="Wet",
        expressions=["red - nir", "NIR", "blue < 35"],
        ranges=[[-200, 100], None, [0, 1]],
    )
    seen = rgba(tile(client_of(scene.project.created_by), scene, row).content)
    shown = seen[seen[..., 3] == 255][:, :3]
    # 30 - 10 is no 8-bit number's wrap, and 40 - 200 = -160; near infrared runs from its 2nd to its 98th percentile.
    for color in ((187, 0, 0), (34, 255, 255)):
        assert (np.abs(shown - color).max(axis=1) < 30).mean() > 0.15


def test_a_tile_beside_the_scene_reads_nothing(scene, ndwi, monkeypatch):
    """With a display copy and without one."""
    client = client_of(scene.project.created_by)
    tile(client, scene, ndwi)
    monkeypatch.setattr(drawing, "_read", lambda *_: pytest.fail("pixels were read"))
    assert tile(client, scene, ndwi, east=2).content == EMPTY_TILE
    monkeypatch.undo()
    make_display_copy(scene.display_copies.get().pk)
    scene_tiles._grants.clear()
    monkeypatch.setattr(drawing, "_drawn", lambda *_: pytest.fail("the tile was drawn"))
    assert tile(client, scene, ndwi, east=2).content == EMPTY_TILE


def test_a_changed_expression_range_or_ramp_has_another_address_and_tag(scene, ndwi):
    """Also within the seconds in which nobody is asked who may see the scene."""
    lead = scene.project.created_by
    client = client_of(lead)
    tags = [tile(client, scene, ndwi)["ETag"]]
    now = {**NDWI, "ranges": [[-1.0, 1.0]]}
    for change in ({"expressions": ["green - nir"]}, {"ranges": [None]}, {"ramp": "heat"}):
        now |= change
        row = change_composite(composite=ndwi, user=lead, **now)
        # Under the old address is what was there before, or the present which nobody keeps.
        assert tile(client, scene, row, stamp=ndwi.stamp)["ETag"] == tags[-1]
        fresh = tile(client, scene, row)
        old = tile(client, scene, row, stamp=ndwi.stamp)
        assert (old["ETag"], old["Cache-Control"]) == (fresh["ETag"], "private, no-cache")
        assert "immutable" in fresh["Cache-Control"]
        unasked = client.get(
            f"{place(scene)}?v={tile_stamp(scene)}&composite={row.key}", headers={"If-None-Match": tags[-1]}
        )
        assert (unasked.status_code, unasked["Cache-Control"]) == (200, "private, no-cache")
        tags.append(fresh["ETag"])
        ndwi = row
    correct_place(scene=scene, user=lead, east_m=5, north_m=0)
    scene.refresh_from_db()
    tags.append(tile(client, scene, ndwi)["ETag"])
    assert len(set(tags)) == 5
    kept = client.get(f"{place(scene)}?composite={ndwi.key}", headers={"If-None-Match": tags[-1]})
    assert kept.status_code == 304
    renamed = change_composite(composite=ndwi, user=lead, **now | {"name": "Water"})
    assert tile(client, scene, renamed)["ETag"] == tags[-1]


def test_a_deleted_one_is_gone_and_its_event_keeps_what_it_was(scene, ndwi):
    lead = scene.project.created_by
    scene_tiles._grants.clear()
    delete_composite(composite=ndwi, user=lead)
    delete_composite(composite=ndwi, user=lead)
    answer = tile(client_of(lead), scene, ndwi)
    assert (answer.status_code, "natural, infrared, ndvi" in answer.json()["detail"]) == (404, True)
    events = Event.objects.filter(subject="owncomposite", subject_id=ndwi.pk)
    assert [(one.verb, one.actor, one.facts["expressions"]) for one in events] == [
        (verb, lead, NDWI["expressions"]) for verb in ("added", "deleted")
    ]


def test_a_scene_without_the_bands_does_not_offer_it(scene, ndwi, tmp_path):
    plain = write_raster(tmp_path / "plain.tif", random_values(3, 300, 300), names=("red", "green", "blue"))
    other = make_scene(scene.project, plain)
    client = client_of(scene.project.created_by)
    found = {one["id"]: one for one in client.get(f"/api/v1/projects/{scene.project.slug}/").json()["scenes"]}
    assert found[scene.pk]["composites"] == ["natural", "infrared", "ndvi", ndwi.key]
    assert found[scene.pk]["own_composites"] == [
        {"composite": ndwi.key, "name": "NDWI", "query": f"&composite={ndwi.key}&stamp={ndwi.stamp}"}
    ]
    assert (found[other.pk]["composites"], found[other.pk]["own_composites"]) == (["natural"], [])
    assert tile(client, other, ndwi).status_code == 404


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"expressions": ["(green - nri) / (green + nir)"]}, "expression",
         "There is no band nri in wet: it has blue, green, red, nir. Did you mean nir?"),
        ({"expressions": ["red", "nir +", "blue"]}, "green", "At character 5: something is missing"),
        ({"expressions": ["red", "nir"]}, "expressions", "one expression, or three"),
        ({"expressions": []}, "expressions", "one expression, or three"),
        ({"ramp": "rainbow"}, "ramp", "must be one of grey"),
        ({"ranges": [[1, 1]]}, "expression", "the low below the high"),
        ({"ranges": [[1e7, 1e7 + 0.1]]}, "expression", "the low below the high"),
        ({"ranges": [[float("nan"), 1]]}, "expression", "the low below the high"),
        ({"ranges": [None, None]}, "ranges", "for each expression"),
        ({"name": " "}, "name", "1 to 60 characters"),
        ({"name": "wet\x01"}, "name", "1 to 60 characters"),
        ({"name": "ndwi"}, "name", "Choose another name"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused_with_its_field(scene, ndwi, change, field, words):
    values = {**NDWI, "name": "Another", "ranges": [], **change}
    with pytest.raises(BadComposite, match=words.replace("?", r"\?")) as error:
        add_composite(project=scene.project, user=scene.project.created_by, **values)
    assert error.value.facts["field"] == field
    assert OwnComposite.objects.get().name == "NDWI"


def test_a_project_has_so_many_and_each_has_its_own(scene, ndwi):
    OwnComposite.objects.bulk_create(
        OwnComposite(project=scene.project, name=f"{n}", expressions=["nir"], ranges=[None])
        for n in range(MOST_OF_A_PROJECT - 1)
    )
    with pytest.raises(BadComposite, match="Delete one first"):
        add_composite(project=scene.project, user=scene.project.created_by, **NDWI | {"name": "More"})
    elsewhere = make_project(name="Elsewhere")
    assert add_composite(project=elsewhere, user=elsewhere.created_by, **NDWI).project == elsewhere


def test_leads_write_by_the_api_and_members_read(scene):
    project: Project = scene.project
    address = f"/api/v1/projects/{project.slug}/composites/"
    lead, member = client_of(project.created_by), client_of(make_member(project))
    as_json: dict[str, Any] = {"content_type": "application/json"}
    made = lead.post(address, json.dumps(NDWI), **as_json)
    assert (made.status_code, made.json()["scenes"], made.json()["ranges"]) == (201, [scene.pk], [None])
    one = f"/api/v1/composites/{made.json()['id']}/"
    assert [row["name"] for row in member.get(address).json()["results"]] == ["NDWI"]
    assert member.get(one).json() == made.json()
    for client, status in ((member, 403), (client_of(make_user()), 404), (Client(), 401)):
        assert client.post(address, json.dumps(NDWI), **as_json).status_code == status
        assert client.put(one, json.dumps(NDWI), **as_json).status_code == status
        assert client.delete(one).status_code == status
    wrong = lead.put(one, json.dumps({**NDWI, "expressions": ["nri"]}), **as_json)
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["field"]) == (
        422,
        "bad-composite",
        "expression",
    )
    changed = lead.put(one, json.dumps({**NDWI, "ranges": [[0, 0.5]]}), **as_json)
    assert changed.json()["ranges"] == [[0, 0.5]]
    assert lead.delete(one).status_code == 204
    assert not OwnComposite.objects.exists()


def test_other_programs_are_offered_it(scene, ndwi):
    client = client_of(make_member(scene.project))
    body = client.get(f"/api/v1/projects/{scene.project.slug}/wmts.xml").content.decode()
    assert f"scene-{scene.pk}-{ndwi.key}" in body
    assert "wet, 2022-10-03 (NDWI)" in body
    document = client.get(f"/api/v1/scenes/{scene.pk}/tilejson.json?composite={ndwi.key}").json()
    assert document["tiles"][0].endswith(f"&composite={ndwi.key}&stamp={ndwi.stamp}")


def test_more_of_them_and_more_scenes_cost_no_more_queries(scene, ndwi, django_assert_num_queries, tmp_path):
    OwnComposite.objects.bulk_create(
        OwnComposite(project=scene.project, name=f"{n}", expressions=["nir"], ranges=[None]) for n in range(9)
    )
    for _ in range(2):
        make_scene(scene.project)
    client = client_of(make_member(scene.project))
    scene_tiles._grants.clear()
    with django_assert_num_queries(5):
        tile(client, scene, ndwi)
    with django_assert_num_queries(0):
        tile(client, scene, ndwi)
    with django_assert_num_queries(5):
        client.get(f"/api/v1/projects/{scene.project.slug}/scenes/")
    with django_assert_num_queries(5):
        client.get(f"/api/v1/projects/{scene.project.slug}/composites/")


def form_of(**fields: str) -> dict[str, str]:
    return {"name": "", "red": "", "green": "", "blue": "", "ramp": "grey", "scene": "", **fields}


def test_the_page_shows_a_scene_before_it_saves_anything(scene):
    lead = client_of(scene.project.created_by)
    address = f"/projects/{scene.project.slug}/composites/"
    begun = lead.get(address).content.decode()
    assert ("Excess green" in begun, "NDMI" in begun, "data:image/webp" in begun) == (True, False, False)
    looked = lead.post(address, form_of(red="(green - nir) / (green + nir)", ramp="water", preview="1"))
    assert (looked.status_code, OwnComposite.objects.count()) == (200, 0)
    assert "data:image/webp;base64," in looked.content.decode()
    assert "-0.6</span>" in looked.content.decode()
    wrong = lead.post(address, form_of(red="nir", green="swir", blue="red", preview="1")).content.decode()
    assert "Green: There is no band swir in wet: it has blue, green, red, nir." in wrong
    half = lead.post(address, form_of(red="nir", red_low="0", preview="1")).content.decode()
    assert "Give both ends" in half
    unsaved = lead.post(address, form_of(name="Near", red="nir * * 2"))
    assert (unsaved.status_code, OwnComposite.objects.count()) == (422, 0)
    saved = lead.post(address, form_of(name="Near", red="nir", red_low="0", red_high="250"), follow=True)
    row = OwnComposite.objects.get()
    assert (row.name, row.ranges, "1 of 1" in saved.content.decode()) == ("Near", [[0.0, 250.0]], True)
    changed = lead.get(f"{address}{row.pk}/").content.decode()
    assert ('value="250.0"' in changed, "data:image/webp" in changed) == (True, True)
    lead.post(f"{address}{row.pk}/", form_of(name="Far", red="red"))
    row.refresh_from_db()
    assert (row.name, row.expressions, row.ranges) == ("Far", ["red"], [None])
    lead.post(f"{address}{row.pk}/delete/")
    assert not OwnComposite.objects.exists()


def test_the_page_tells_of_a_scene_whose_file_is_gone_and_of_none(scene):
    lead = client_of(scene.project.created_by)
    address = f"/projects/{scene.project.slug}/composites/"
    scene.cog_path.unlink()
    assert "cannot be read any more" in lead.post(address, form_of(red="nir", preview="1")).content.decode()
    Scene.objects.update(state="failed")
    assert "No scene is ready yet" in lead.get(f"{address}?red=nir").content.decode()


def test_each_role_meets_its_own_page_or_a_sentence(scene, ndwi):
    address = f"/projects/{scene.project.slug}/composites/"
    for role, status in ((Role.LEAD, 200), (Role.ANNOTATOR, 403), (Role.ML_STAFF, 403)):
        client = client_of(make_member(scene.project, role))
        assert client.get(address).status_code == status
        assert tile(client, scene, ndwi).status_code == 200
    stranger = client_of(make_user())
    assert (stranger.get(address).status_code, tile(stranger, scene, ndwi).status_code) == (404, 404)
    elsewhere = make_project(name="Elsewhere")
    lead = client_of(elsewhere.created_by)
    assert lead.get(f"/projects/{elsewhere.slug}/composites/{ndwi.pk}/").status_code == 404
