"""The server-rendered pages: who gets in, what they say, how many queries they take."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from annotator.domain.proposals import request_proposals
from annotator.domain.ranking import rank_patches
from annotator.domain.versions import promote
from annotator.enums import JobState
from annotator.models import InferenceJob, Membership, TrainingRun
from annotator.queries.versions import promoted_version
from tests.campaigns import Campaign, query_count
from tests.factories import (
    PASSWORD,
    approve,
    make_member,
    make_patch,
    make_project,
    make_proposal,
    make_scene,
    submit,
)

pytestmark = pytest.mark.django_db


MEMBERS = {"annotator", "lead", "ml_staff"}
WHO_MAY = {
    "project": MEMBERS,
    "scene": MEMBERS,
    "annotate": {"annotator", "lead"},
    "scene_new": {"lead"},
    "review": {"lead"},
    "review_patch": {"lead"},
    "members": {"lead"},
    "exports": {"lead", "ml_staff"},
    "imports": {"lead"},
}


@pytest.mark.parametrize("role", ["annotator", "lead", "ml_staff", "stranger", "anonymous"])
@pytest.mark.parametrize("page", WHO_MAY)
def test_each_page_lets_in_the_roles_it_is_for(campaign: Campaign, page: str, role: str) -> None:
    response = campaign.client(role).get(campaign.url(page))
    if role in WHO_MAY[page]:
        assert response.status_code == 200
        assert "<h1" in response.content.decode()
    elif role == "stranger":
        assert response.status_code == 404
        assert "There is nothing here" in response.content.decode()
    elif role == "anonymous":
        assert response["Location"] == f"/login/?next={campaign.url(page)}"
    else:
        assert response.status_code == 403
        assert "is for the role" in response.content.decode()


@pytest.mark.parametrize("role", ["annotator", "ml_staff", "stranger", "anonymous"])
def test_only_leads_reach_the_buttons_of_leads(campaign: Campaign, role: str) -> None:
    membership = campaign.project.memberships.get(user=campaign.people["annotator"])
    remove = reverse("member_remove", args=[campaign.project.slug, membership.pk])
    copy = reverse("display_copy", args=[campaign.project.slug, campaign.scene.pk])
    for button in (remove, copy):
        response = campaign.client(role).post(button)
        assert response.status_code == {"stranger": 404, "anonymous": 302}.get(role, 403)
    assert not campaign.scene.display_copies.exists()
    assert Membership.objects.filter(pk=membership.pk).exists()


def test_signing_in_and_out_leads_back_to_the_page_asked_for(campaign: Campaign, client: Client) -> None:
    asked = client.get(campaign.url("project"))
    page = client.get(asked["Location"]).content.decode()
    assert "Sign in to Milpa" in page
    wrong = client.post(asked["Location"], {"username": "lina", "password": "no"})
    assert "correct username and password" in wrong.content.decode()
    right = {"username": "lina", "password": PASSWORD, "next": campaign.url("project")}
    assert client.post("/login/", right)["Location"] == campaign.url("project")
    assert client.post(reverse("logout"))["Location"] == "/login/"
    assert client.get(campaign.url("project")).status_code == 302


def test_the_list_shows_own_projects_with_roles_and_progress(campaign: Campaign) -> None:
    make_project(name="Another valley")
    page = campaign.client("lead").get("/").content.decode()
    assert "Valley" in page
    assert "Another valley" not in page
    assert "Your role: project lead." in page
    assert "of 2 patches approved" in page
    assert "Review 1 waiting" in page


def test_a_stranger_is_told_how_to_begin(campaign: Campaign) -> None:
    page = campaign.client("stranger").get("/").content.decode()
    assert "You are not a member of any project yet." in page
    assert "Set up the first one" in page


def test_the_overview_hands_the_project_to_the_map(campaign: Campaign) -> None:
    response = campaign.client("annotator").get(campaign.url("project"))
    page = response.content.decode()
    document = json.loads(
        page.split('<script id="project" type="application/json">')[1].split("</script>")[0]
    )
    assert document["slug"] == campaign.project.slug
    assert document["roles"] == ["annotator"]
    assert 'id="map"' in page
    assert "/static/milpa/overview.js" in page


@pytest.mark.parametrize(
    ("role", "seen", "unseen"),
    [
        ("annotator", ["Annotate"], ["Add a scene", "Make proposals", "Train the model", "Review 1"]),
        ("lead", ["Annotate", "Add a scene", "Make proposals", "Review 1 waiting"], ["Train the model"]),
        ("ml_staff", ["Make proposals", "Train the model"], ["Annotate", "Add a scene", "Review 1"]),
    ],
)
def test_the_overview_offers_what_the_role_can_do(
    campaign: Campaign, role: str, seen: list[str], unseen: list[str]
) -> None:
    page = campaign.client(role).get(campaign.url("project")).content.decode()
    assert [text for text in seen if text not in page] == []
    assert [text for text in unseen if text in page] == []


def test_the_overview_says_what_orders_the_queue(campaign: Campaign) -> None:
    def sentence() -> str:
        return str(campaign.client("lead").get(campaign.url("project")).context["ranking"])

    assert sentence() == "Not ranked yet: patches are served spread over the area."
    rank_patches(campaign.project.pk)
    assert "there were no proposals to rank by" in sentence()
    make_proposal(campaign.project.patches.get(state="unlabelled"), scene=campaign.scene)
    rank_patches(campaign.project.pk)
    assert sentence().startswith("Ranked with the proposals of version 1")
    assert "Stale" not in sentence()
    promote(version=campaign.add_candidate(), user=campaign.people["lead"])
    assert "Stale: version 2 was promoted since" in sentence()


def test_proposals_are_asked_for_and_cancelled_without_scripts(campaign: Campaign) -> None:
    client = campaign.client("lead")
    ask = reverse("make_proposals", args=[campaign.project.slug])
    page = client.post(ask, {"scene": campaign.scene.pk}, follow=True).content.decode()
    job = InferenceJob.objects.get()
    assert "Proposals are being made." in page
    assert f'data-job-id="{job.pk}"' in page
    again = client.post(ask, follow=True).content.decode()
    assert "are being made already" in again
    stop = reverse("stop_proposals", args=[campaign.project.slug, job.pk])
    assert "The job is cancelled." in client.post(stop, follow=True).content.decode()
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert "there is nothing to cancel" in client.post(stop, follow=True).content.decode()


@pytest.mark.parametrize("name", ["make_proposals", "stop_proposals"])
def test_rows_of_other_projects_are_not_to_be_had(campaign: Campaign, name: str) -> None:
    other = make_project(name="Other")
    job = request_proposals(project=other, user=other.created_by, scene=make_scene(other))
    if name == "make_proposals":
        url, data = reverse(name, args=[campaign.project.slug]), {"scene": job.scene_id}
    else:
        url, data = reverse(name, args=[campaign.project.slug, job.pk]), {}
    assert campaign.client("lead").post(url, data).status_code == 404
    assert campaign.client("lead").get(url).status_code == 405


def test_the_review_list_has_the_longest_waiting_first(campaign: Campaign) -> None:
    later = make_patch(campaign.project)
    submit(later, campaign.people["lead"])
    rows = campaign.client("lead").get(campaign.url("review")).context["rows"]
    assert [row["patch"].pk for row in rows] == [campaign.patch.pk, later.pk]
    assert rows[0]["patch"].submitted_by == campaign.people["annotator"].username
    assert rows[0]["tile_url"].startswith(f"/tiles/scenes/{campaign.scene.pk}/{campaign.patch.z}/")


def more_projects(campaign: Campaign) -> None:
    for name in ("Second", "Third"):
        other = make_project(lead=campaign.people["lead"], name=name)
        make_patch(other)


def more_rows(campaign: Campaign) -> None:
    project, lead = campaign.project, campaign.people["lead"]
    for _ in range(2):
        submit(make_patch(project), make_member(project))
        approve(make_patch(project), lead)
        request_proposals(project=project, user=lead, scene=make_scene(project))
        TrainingRun.objects.create(
            project=project, parent=promoted_version(project.pk), requested_by=lead, state="failed"
        )


@pytest.mark.parametrize(
    ("page", "grow"),
    [
        ("projects", more_projects),
        ("project", more_rows),
        ("review", more_rows),
        ("members", more_rows),
    ],
)
def test_lists_take_the_same_queries_however_long_they_are(
    campaign: Campaign, page: str, grow: Callable[[Campaign], None]
) -> None:
    lead = campaign.people["lead"]
    request_proposals(project=campaign.project, user=lead)
    TrainingRun.objects.create(
        project=campaign.project,
        parent=promoted_version(campaign.project.pk),
        requested_by=lead,
        state="failed",
    )
    client = campaign.client("lead")
    url = "/" if page == "projects" else campaign.url(page)
    before = query_count(client, url)
    grow(campaign)
    assert query_count(client, url) == before


def test_what_breaks_is_admitted_kindly(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(project_id: int) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr("annotator.web.views.overview.queue_summary", broken)
    client = campaign.client("lead")
    client.raise_request_exception = False
    response = client.get(campaign.url("project"))
    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()


def test_a_lead_asks_for_a_display_copy_and_stops_it(campaign: Campaign) -> None:
    lead, page = campaign.client("lead"), campaign.url("scene")
    button = reverse("display_copy", args=[campaign.project.slug, campaign.scene.pk])
    assert "Make it" in lead.get(page).content.decode()
    for state in ("queued", "cancelled"):
        assert lead.post(button)["Location"] == page
        assert campaign.scene.display_copies.get().state == state
    assert "Cancelled at 0 %." in lead.get(page).content.decode()
    assert "Make it" not in campaign.client("annotator").get(page).content.decode()
