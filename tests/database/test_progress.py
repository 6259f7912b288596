"""Progress by class and by area: right whatever is done, and read from what is kept."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

import pytest
import shapely
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Geod

from annotator.domain.reviews import reopen_patch
from annotator.domain.tallies import add_up_tallies
from annotator.enums import PatchState
from annotator.errors import TooManyTiles
from annotator.imagery.patch_tiles import read_patch_tile
from annotator.models import Patch, PatchTally, Project, TileCount
from annotator.queries import progress_parts
from annotator.queries.progress_parts import class_progress, tile_progress, usual_level
from tests.campaigns import Campaign, query_count
from tests.database.test_patch_tiles import features
from tests.factories import CORNER_X, CORNER_Y, approve, halves, make_patch, make_project, submit

pytestmark = pytest.mark.django_db
DONE = (PatchState.SUBMITTED, PatchState.APPROVED)


@pytest.fixture
def project() -> Project:
    return make_project(patch_zoom=17)


def hectares(patch: Patch) -> float:
    outline = shapely.from_wkt(patch.square.transform(4326, clone=True).wkt)
    area_m2, _ = Geod(ellps="WGS84").geometry_area_perimeter(outline)
    return abs(area_m2) / 10_000


def by_class(project: Project) -> dict[int, tuple[int, float]]:
    rows = class_progress(project, 2)
    return {row.value: (row.approved_patches, pytest.approx(row.approved_ha, rel=1e-4)) for row in rows}


def test_hectares_of_a_class_are_those_of_the_approved_masks(project: Project) -> None:
    lead = project.created_by
    first, second = make_patch(project), make_patch(project)
    approve(first, lead, halves(64))
    submit(second, lead, halves(128))
    whole = hectares(first)
    assert by_class(project) == {0: (1, whole / 4), 1: (1, 3 * whole / 4), 2: (0, 0)}
    add_up_tallies()
    assert by_class(project) == {0: (1, whole / 4), 1: (1, 3 * whole / 4), 2: (0, 0)}
    reopen_patch(patch=first, user=lead, comment="Look again.")
    assert by_class(project) == {0: (0, 0), 1: (0, 0), 2: (0, 0)}


def test_a_deleted_patch_takes_its_hectares_along(project: Project) -> None:
    patch = make_patch(project)
    approve(patch, project.created_by, halves(64))
    patch.delete()
    assert by_class(project) == {0: (0, 0), 1: (0, 0), 2: (0, 0)}
    assert tile_progress(project, 15) == []


def told(project: Project, level: int) -> dict[str, tuple[int, int, int]]:
    return {
        tile.quadkey: (tile.patches, tile.labelled, tile.approved) for tile in tile_progress(project, level)
    }


def counted(project: Project, level: int) -> dict[str, tuple[int, int, int]]:
    """The same by looking at every patch."""
    rows = list(project.patches.values_list("quadkey", "state"))
    return {
        tile: (
            count,
            sum(key.startswith(tile) and state in DONE for key, state in rows),
            sum(key.startswith(tile) and state == PatchState.APPROVED for key, state in rows),
        )
        for tile, count in Counter(key[:level] for key, _ in rows).items()
    }


@given(st.lists(st.sampled_from(["make", "submit", "approve", "reopen", "add up", "delete"]), max_size=10))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tiles_tell_what_a_count_of_the_patches_would(verbs: list[str]) -> None:
    project = make_project(patch_zoom=17)
    lead = project.created_by
    for number, verb in enumerate(verbs):
        waiting = project.patches.filter(state=PatchState.UNLABELLED).first()
        done = project.patches.filter(state=PatchState.APPROVED).first()
        if verb == "make":
            make_patch(project, 3 * number, 5 * number)
        elif verb == "add up":
            add_up_tallies()
        elif verb == "submit" and waiting:
            submit(waiting, lead)
        elif verb == "approve" and waiting:
            approve(waiting, lead)
        elif verb == "reopen" and done:
            reopen_patch(patch=done, user=lead, comment="Look again.")
        elif verb == "delete" and waiting:
            waiting.delete()
    for level in (0, 9, 14, 15):
        assert told(project, level) == counted(project, level)


def test_a_list_is_of_the_finest_tiles_that_are_few(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    west, north = (CORNER_X >> 6 << 6) - CORNER_X, (CORNER_Y >> 6 << 6) - CORNER_Y
    for column in range(0, 64, 8):
        make_patch(project, west + column, north)
    assert usual_level(project) == 15
    monkeypatch.setattr(progress_parts, "_FEW_TILES", 4)
    assert usual_level(project) == 13
    add_up_tallies()
    assert usual_level(project) == 13
    assert len(tile_progress(project, 13)) == 4
    for level in (14, 16):
        with pytest.raises(TooManyTiles, match="zoom"):
            tile_progress(project, level, 7)


def test_far_out_the_map_tells_what_a_count_of_the_patches_would(project: Project, tmp_path) -> None:  # type: ignore[no-untyped-def]
    west = (CORNER_X >> 8 << 8) - CORNER_X
    patches = [make_patch(project, west + 3 * n) for n in range(6)]
    approve(patches[0], project.created_by)
    add_up_tallies()
    submit(patches[1], project.created_by)
    place = {"project_id": project.pk, "patch_zoom": 17, "user_id": 0, "z": 9}
    place |= {"x": CORNER_X >> 8, "y": CORNER_Y >> 8}
    # To somebody the second patch is one that nobody has drawn.
    disguise = {patches[1].pk: ("unlabelled", 0.5)}
    for seen in ({}, disguise):
        kept = read_patch_tile(**place, told=seen)
        assert kept == read_patch_tile(
            **place, told=seen, chosen="SELECT id, quadkey, state FROM annotator_patch"
        )
        assert sum(row["patches"] for row, _ in features(kept, tmp_path)) == 6
    (only,) = features(read_patch_tile(**place, told={}, state="approved"), tmp_path)
    assert (only[0]["patches"], only[0]["approved"]) == (1, 1)


def test_no_patch_is_read_and_of_the_kept_counts_only_those_that_are_told(project: Project) -> None:
    make_patch(project, 0)
    add_up_tallies()
    with CaptureQueriesContext(connection) as captured:
        class_progress(project, 1)
        tile_progress(project, usual_level(project))
        read_patch_tile(project_id=project.pk, patch_zoom=17, user_id=0, x=0, y=0, z=1, told={})
    plans = []
    with connection.cursor() as cursor:
        # Of tables this small every row would be read at once.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        for query in captured:
            cursor.execute("EXPLAIN (COSTS OFF) " + query["sql"])
            plans.append("\n".join(row[0] for row in cursor.fetchall()))
    *lists, far_tile = plans
    assert not [plan for plan in lists if "on annotator_patch " in plan]
    for plan in (lists[-1], far_tile):
        assert re.search(r"a_tile_has_one_count_of_a_state.*\n.*Index Cond: .*level = ", plan)
    assert re.search(r"Index Cond: .*quadkey.*>= .*quadkey.*< ", far_tile)
    # Only what the person is told otherwise is looked up.
    assert re.search(r"Function Scan on (unnest )?told", far_tile)


def test_page_and_api_tell_the_same_in_as_many_queries_for_three_patches(campaign: Campaign) -> None:
    project = campaign.project
    project.patch_zoom = 17
    project.save(update_fields=["patch_zoom"])
    client, url = campaign.client("lead"), campaign.url("progress")
    few = query_count(client, url)
    approve(make_patch(project), campaign.people["lead"], halves(64))
    make_patch(project)
    assert query_count(client, url) == few
    document = client.get(f"/api/v1{url}").json()
    assert sum(tile["patches"] for tile in document["tiles"]) == sum(document["patches"].values()) == 4
    page = client.get(url).content.decode()
    for tile in document["tiles"]:
        assert f"{tile['labelled']} / {tile['patches']}" in page
    field = document["classes"][1]
    assert (field["name"], field["approved_patches"], field["share"]) == ("field", 1, 1.0)
    assert f"{field['approved_ha']:.2f}" in page


def test_both_tables_are_csv(campaign: Campaign) -> None:
    project = campaign.project
    project.patch_zoom = 17
    project.save(update_fields=["patch_zoom"])
    client = campaign.client("ml_staff")
    root = f"/api/v1/projects/{project.slug}/progress/"

    def rows(name: str) -> list[dict[str, str]]:
        text = client.get(root + name).getvalue().decode()
        return list(csv.DictReader(io.StringIO(text)))

    assert [row["name"] for row in rows("classes.csv")] == ["other", "field", "boundary"]
    (whole,) = rows("areas.csv?zoom=0")
    assert (whole["quadkey"], whole["patches"], whole["labelled"]) == ("", "2", "1")
    assert client.get(f"{root}areas.csv?zoom=16").json()["code"] == "too-many-tiles"
    assert client.get(f"{root}areas.csv?zoom=near").status_code == 400
    assert client.get(f"{root}people.csv").status_code == 404


def test_the_desk_finds_a_tiles_patches_and_no_neighbours(campaign: Campaign) -> None:
    project = campaign.project
    project.patches.all().delete()
    project.patch_zoom = 17
    project.save(update_fields=["patch_zoom"])
    west, north = (CORNER_X >> 2 << 2) - CORNER_X, (CORNER_Y >> 2 << 2) - CORNER_Y
    inside = {make_patch(project, west + column, north).pk for column in (0, 3)}
    for column in (-1, 4):
        make_patch(project, west + column, north)
    page = campaign.client("lead").get(campaign.url("progress"), {"zoom": 15})
    bboxes = [bbox for tile, bbox in page.context["tiles"] if tile.patches == 2]
    answer = campaign.client("lead").get(f"/api/v1/projects/{project.slug}/desk/", {"bbox": bboxes[0]})
    assert {row["id"] for row in answer.json()["results"]} == inside


def test_a_project_that_is_gone_leaves_no_counts() -> None:
    PatchTally.objects.create(project_id=0, tile="1", state="unlabelled", change=-1)
    add_up_tallies()
    assert not TileCount.objects.filter(project=0).exists()
