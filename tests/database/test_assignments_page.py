"""Giving patches to people on the page and by API, and how much of each is left."""

from __future__ import annotations

import json

import pytest

from annotator.domain import assignments
from annotator.domain.claims import claim_next
from annotator.models import Assignment, Patch, QueueEntry
from tests.campaigns import Campaign, query_count
from tests.factories import make_member, make_patch, submit

pytestmark = pytest.mark.django_db


def give(campaign: Campaign, **fields: object):  # type: ignore[no-untyped-def]
    fields.setdefault("people", [campaign.people["annotator"].pk])
    return campaign.client("lead").post(campaign.url("assignments"), fields, follow=True)


def test_a_lead_gives_tiles_sees_what_is_left_and_ends_it(campaign: Campaign) -> None:
    annotator = campaign.people["annotator"]
    patches = [make_patch(campaign.project) for _ in range(3)]
    told = give(campaign, tiles=f"{patches[0].quadkey}, {patches[1].quadkey}", name="The valley")
    assert "The valley: 2 patches that wait are kept for them." in told.content.decode()
    assert claim_next(project=campaign.project, user=annotator).patch in patches[:2]
    rows = campaign.client("lead").get(campaign.url("assignments")).context["rows"]
    assert [(row.left, row.claimed, row.given) for row in rows] == [(2, 1, 2)]
    submit(patches[0], annotator)
    (row,) = campaign.client("lead").get(f"/api/v1{campaign.url('assignments')}").json()["results"]
    assert (row["patch_count"], row["waiting"] + row["claimed"], row["people"]) == (
        2,
        1,
        [annotator.username],
    )
    ended = campaign.client("lead").post(
        f"{campaign.url('assignments')}{Assignment.objects.get().pk}/end/", follow=True
    )
    assert "is for everybody again" in ended.content.decode()
    assert not QueueEntry.objects.exclude(assignment=None).exists()


def test_tiles_ticked_in_the_list_of_progress_are_in_the_form(campaign: Campaign) -> None:
    keys = [make_patch(campaign.project).quadkey for _ in range(2)]
    page = campaign.client("lead").get(campaign.url("assignments"), {"tiles": keys})
    assert page.context["form"]["tiles"].value().split() == keys


def test_a_lead_gives_an_area_that_was_drawn(campaign: Campaign) -> None:
    patch = make_patch(campaign.project)
    west, south, east, north = patch.square.transform(4326, clone=True).extent
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    give(campaign, area=json.dumps({"type": "Polygon", "coordinates": [ring]}))
    assert Assignment.objects.get().patch_count == 1


def test_a_lead_gives_what_the_desk_shows(campaign: Campaign) -> None:
    project = campaign.project
    far = make_patch(project, 500)
    west, south, east, north = far.square.transform(4326, clone=True).extent
    query = {"state": "unlabelled", "bbox": f"{west},{south},{east},{north}"}
    page = campaign.client("lead").get(campaign.url("assignments"), query)
    assert "1 patch of the desk" in page.content.decode()
    give(campaign, filter=page.context["filter_query"])
    assert QueueEntry.objects.get(patch=far).assignment == Assignment.objects.get()
    answer = campaign.client("lead").post(
        f"/api/v1{campaign.url('assignments')}",
        {"people": [campaign.people["annotator"].username], "filter": {"state": "unlabelled"}},
        content_type="application/json",
    )
    assert answer.json()["patch_count"] == Patch.objects.filter(state="unlabelled").count()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"tiles": "0", "area": '{"type": "Polygon", "coordinates": [[[0,0],[1,0],[1,1],[0,0]]]}'},
            "one of them",
        ),
        ({}, "one of them"),
        ({"tiles": "north"}, "no quadkey"),
        ({"tiles": "0", "people": []}, "This field is required"),
        ({"filter": "state=returned"}, "No patch is like that"),
        ({"filter": "state=lost"}, "Filter there again"),
        ({"area": "{"}, "not JSON"),
    ],
)
def test_what_cannot_be_given_is_explained(
    campaign: Campaign, fields: dict[str, object], sentence: str
) -> None:
    answer = give(campaign, **fields)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Assignment.objects.exists()


def test_a_filter_of_too_many_patches_is_refused(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignments, "MOST_TILES", 1)
    answer = campaign.client("lead").post(
        f"/api/v1{campaign.url('assignments')}",
        {"people": [campaign.people["annotator"].username], "filter": {}},
        content_type="application/json",
    )
    assert (answer.status_code, "Narrow it" in answer.json()["detail"]) == (422, True)


def test_the_page_takes_as_many_queries_for_three_assignments(campaign: Campaign) -> None:
    client, url = campaign.client("lead"), campaign.url("assignments")
    bea = make_member(campaign.project)
    for number, patch in enumerate(make_patch(campaign.project) for _ in range(3)):
        give(campaign, tiles=patch.quadkey, people=[bea.pk, campaign.people["annotator"].pk])
        if number == 0:
            few = query_count(client, url)
    assert query_count(client, url) == few
