"""The reviewer goes through a list patch by patch, and each is served once."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from annotator.domain.placement import correct_place
from annotator.domain.reviews import review_patch
from annotator.enums import Verdict
from annotator.models import Patch
from tests.campaigns import Campaign
from tests.factories import make_patch, make_proposal, make_scene, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(campaign: Campaign) -> list[Patch]:
    """Three more that wait for review, submitted in another order than they were made in."""
    patches = [make_patch(campaign.project) for _ in range(3)]
    for patch in (patches[1], patches[2], patches[0]):
        submit(patch, campaign.people["annotator"])
    return patches


def walk(campaign: Campaign, patch: Patch, query: str = "") -> dict[str, str]:
    """What the page of the patch says of its list: the filter, the place in it, and where it is."""
    answer = campaign.client("lead").get(
        reverse("review_patch", args=[campaign.project.slug, patch.pk]) + query
    )
    found = re.findall(r'data-(walk|place|list)="([^"]*)"', answer.content.decode())
    return {name: unescape(value) for name, value in found}


def following(campaign: Campaign, at: dict[str, str], way: str = "n") -> list[int]:
    url = f"/api/v1/projects/{campaign.project.slug}/desk/?{at['walk']}&page_size=2&"
    answer = campaign.client("lead").get(url + urlencode({"cursor": way + at["place"]}))
    return [row["id"] for row in answer.json()["results"]]


def approve_submitted(campaign: Campaign, patch: Patch) -> None:
    number = Patch.objects.get(pk=patch.pk).annotation.current.number
    lead = campaign.people["lead"]
    review_patch(patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=number)


def test_the_next_is_the_one_that_has_waited_next_longest_also_after_the_verdict(
    campaign: Campaign, waiting: list[Patch]
) -> None:
    first = waiting[1]
    at = walk(campaign, first)
    assert at["list"] == campaign.url("review")
    approve_submitted(campaign, first)
    assert following(campaign, at) == [waiting[2].pk, waiting[0].pk]
    at = walk(campaign, waiting[2])
    approve_submitted(campaign, waiting[0])
    assert following(campaign, at) == []
    assert first.pk not in following(campaign, at, "p")


def test_a_filter_of_the_desk_is_kept(campaign: Campaign, waiting: list[Patch]) -> None:
    make_proposal(waiting[0], mean_entropy_nats=0.9)
    make_proposal(waiting[2], mean_entropy_nats=0.8)
    query = "score_min=0.7&state=submitted"
    at = walk(campaign, waiting[0], f"?{query}&cursor=n1")
    assert (at["walk"], at["list"]) == (query, f"{campaign.url('desk')}?{query}")
    approve_submitted(campaign, waiting[0])
    assert following(campaign, at) == [waiting[2].pk]


def test_what_is_no_filter_leads_to_all_that_waits(campaign: Campaign, waiting: list[Patch]) -> None:
    assert walk(campaign, waiting[0], "?state=nonsense")["walk"] == "awaits=review&order=age"


def test_scores_are_those_that_the_queue_is_ranked_by(campaign: Campaign) -> None:
    project, patch = campaign.project, make_patch(campaign.project)
    newest = make_scene(project)
    scene = make_scene(project)
    scene.acquired_on = None
    scene.save()
    make_proposal(patch, scene=newest, mean_entropy_nats=0.1)
    make_proposal(patch, scene=scene, mean_entropy_nats=0.9)
    url = f"/api/v1/projects/{project.slug}/desk/"
    client = campaign.client("lead")

    def told(**query: float) -> list[float | None]:
        rows = client.get(url, query).json()["results"]
        return [row["entropy_nats"] for row in rows if row["id"] == patch.pk]

    assert told() == told(score_max=0.2) == [0.1]
    assert told(score_min=0.5) == []
    correct_place(scene=newest, user=campaign.people["lead"], east_m=5, north_m=0)
    assert told() != [0.1], "where the scene lay is over"
