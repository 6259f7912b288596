"""The lead's desk: what its filters find, how it pages, and verbs on many patches."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotator.domain.annotations import save_mask
from annotator.domain.assigning import reassign_patch
from annotator.domain.claims import claim_next, claim_patch
from annotator.domain.reviews import review_patch
from annotator.domain.spot_checks import draw_spot_checks, drawn
from annotator.enums import Role, Verdict
from annotator.errors import IllegalTransition, NotAllowed, NotReady
from annotator.models import DoubleAnnotation, Event, Patch, PatchClass, PatchWork, QueueEntry
from tests.campaigns import Campaign, query_count
from tests.factories import (
    approve,
    make_member,
    make_patch,
    make_project,
    make_proposal,
    make_user,
    mask_of,
    submit,
)

pytestmark = pytest.mark.django_db


def address(campaign: Campaign, end: str = "/") -> str:
    return f"/api/v1/projects/{campaign.project.slug}/desk{end}"


def listed(campaign: Campaign, **query: object) -> list[int]:
    answer = campaign.client("lead").get(address(campaign), query)
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["results"]]


def do(campaign: Campaign, verb: str, *patches: Patch, **more: object) -> dict[str, list]:
    numbers = dict(
        Patch.objects.filter(annotation__current__isnull=False).values_list(
            "pk", "annotation__current__number"
        )
    )
    chosen = [{"id": patch.pk, "revision": numbers.get(patch.pk, 0)} for patch in patches]
    answer = campaign.client("lead").post(
        address(campaign, f"/{verb}/"), {"patches": chosen, **more}, content_type="application/json"
    )
    assert answer.status_code == 200, answer.json()
    return answer.json()


def returned(patch: Patch, user, comment: str = "Look again") -> None:  # type: ignore[no-untyped-def]
    number = submit(patch, user).number
    lead = patch.project.created_by
    review_patch(patch=patch, user=lead, verdict=Verdict.RETURN, revision_number=number, comment=comment)


def test_each_filter_finds_its_patches(campaign: Campaign) -> None:
    project, lead = campaign.project, campaign.people["lead"]
    kim = make_member(project)
    waiting, unlabelled = campaign.patch, project.patches.get(state="unlabelled")
    approved, back, held = make_patch(project), make_patch(project), make_patch(project)
    two = mask_of(1)
    two[:9] = 2
    approve(approved, lead, two)
    returned(back, kim)
    claim_patch(patch=held, user=kim)
    make_proposal(unlabelled, mean_entropy_nats=0.9)
    make_proposal(approved, mean_entropy_nats=0.2)
    Patch.objects.filter(pk=held.pk).update(changed_at=timezone.now() - timedelta(days=9))
    west, south, east, north = 76.9, 19.0, 77.3, 19.5

    assert listed(campaign) == [waiting.pk, unlabelled.pk, approved.pk, back.pk, held.pk]
    assert listed(campaign, state="submitted") == [waiting.pk]
    assert listed(campaign, annotator=kim.username) == [back.pk]
    assert listed(campaign, holder=kim.username) == [held.pk]
    assert listed(campaign, reviewer=lead.username) == [approved.pk, back.pk]
    assert listed(campaign, label_class=2) == [approved.pk]
    assert listed(campaign, label_class=1, state="returned") == [back.pk]
    assert listed(campaign, score_min=0.5) == [unlabelled.pk]
    assert listed(campaign, score_max=0.5) == [approved.pk]
    assert listed(campaign, age_min=8) == [held.pk]
    assert held.pk not in listed(campaign, age_max=8)
    assert listed(campaign, comment="yes") == listed(campaign, words="AGAIN") == [back.pk]
    assert back.pk not in listed(campaign, comment="no")
    assert listed(campaign, order="age")[0] == held.pk
    assert len(listed(campaign, bbox=f"{west},{south},{east},{north}")) in (0, 5)
    assert listed(campaign, bbox="0,0,1,1") == []


def test_disagreement_of_two_people_and_with_the_proposal_is_found(campaign: Campaign) -> None:
    project, lead = campaign.project, campaign.people["lead"]
    near, far, read_twice = (make_patch(project) for _ in range(3))
    for patch, rows in ((near, 250), (far, 64)):
        make_proposal(patch, value=0)
        proposal = patch.proposals.get()
        mask = mask_of(0)
        mask[rows:] = 1
        claim_patch(patch=patch, user=lead)
        save_mask(patch=patch, user=lead, mask=mask, base_number=0, submit=True, proposal=proposal)
    first = submit(read_twice, lead)
    DoubleAnnotation.objects.create(
        patch=read_twice,
        project=project,
        first=first,
        share=1,
        state="disputed",
        agreement=0.4,
        consensus_miou=0.8,
    )
    assert listed(campaign, agreement_max=0.4) == [read_twice.pk]
    assert listed(campaign, agreement_max=0.39) == []
    assert listed(campaign, proposal_miou_max=0.3) == [far.pk]
    assert listed(campaign, proposal_miou_max=0.9) == [near.pk, far.pk]
    text = campaign.client("lead").get(address(campaign, ".csv"), {"agreement_max": 0.5}).getvalue().decode()
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["agreement"], row["proposal_miou"]) == ("0.4", "")
    page = campaign.client("lead").get(campaign.url("desk"), {"proposal_miou_max": 0.3}).content.decode()
    assert "proposal 0.1" in page


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"state": "lost"}, "state"),
        ({"annotator": "nobody-here"}, "annotator"),
        ({"bbox": "1,2,3"}, "bbox"),
        ({"bbox": "nan,0,1,1"}, "bbox"),
        ({"label_class": "9"}, "label_class"),
        ({"cursor": "n1~yesterday"}, "cursor"),
        ({"score_min": "much"}, "score_min"),
        ({"agreement_max": "1.2"}, "agreement_max"),
    ],
)
def test_what_cannot_be_a_filter_is_named(campaign: Campaign, query: dict[str, str], field: str) -> None:
    answer = campaign.client("lead").get(address(campaign), query)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    page = campaign.client("lead").get(campaign.url("desk"), query)
    assert page.status_code == (200 if field == "cursor" else 422)


def test_bounds_of_a_patch_find_it(campaign: Campaign) -> None:
    patch = campaign.patch
    answer = campaign.client("lead").get(f"/api/v1/patches/{patch.pk}/").json()
    assert patch.pk in listed(campaign, bbox=",".join(map(str, answer["bounds"])))


@pytest.mark.parametrize("order", ["made", "age"])
def test_pages_hold_every_patch_once_there_and_back(campaign: Campaign, order: str) -> None:
    for _ in range(5):
        make_patch(campaign.project)
    # Made in one statement, rows have the same time.
    Patch.objects.update(changed_at=timezone.now())
    client, url, seen, pages = (
        campaign.client("lead"),
        f"{address(campaign)}?order={order}&page_size=3",
        [],
        [],
    )
    while url:
        page = client.get(url).json()
        seen += [row["id"] for row in page["results"]]
        pages.append(page)
        url = page["next"]
    assert seen == sorted(seen) == list(Patch.objects.order_by("pk").values_list("pk", flat=True))
    assert [len(page["results"]) for page in pages] == [3, 3, 1]
    assert pages[0]["previous"] is None
    back = client.get(pages[-1]["previous"]).json()
    assert back["results"] == pages[1]["results"]
    first = client.get(back["previous"]).json()
    assert first["results"] == pages[0]["results"]
    assert first["previous"] is None


def test_list_and_page_take_the_same_queries_however_long_they_are(campaign: Campaign) -> None:
    client, lead = campaign.client("lead"), campaign.people["lead"]
    yesterday = timezone.now() - timedelta(days=1)

    def counts() -> list[int]:
        urls = (address(campaign), campaign.url("desk"), address(campaign).replace("desk", "spot-checks"))
        return [query_count(client, url) for url in urls]

    def grow(patches: int) -> None:
        for _ in range(patches):
            patch = make_patch(campaign.project)
            make_proposal(patch)
            approve(patch, lead)
        PatchWork.objects.update(submitted_at=yesterday)

    grow(1)
    draw_spot_checks(project=campaign.project, user=lead, day=yesterday.date(), per_annotator=2)
    before = counts()
    grow(2)
    assert counts() == before
    # Session, person, project with roles, the filter's classes and people, the page and its classes, version, scores,
    # count, and the scene that they are of.
    assert before[0] == 11


def test_the_csv_has_every_row_and_no_formula(campaign: Campaign) -> None:
    returned(make_patch(campaign.project), campaign.people["annotator"], '=HYPERLINK("http://x")')
    answer = campaign.client("lead").get(address(campaign, ".csv"), {"comment": "yes"})
    assert answer.streaming
    assert answer["Content-Disposition"].startswith("attachment")
    (row,) = csv.DictReader(io.StringIO(answer.getvalue().decode()))
    assert row["state"] == "returned"
    assert row["comment"] == '\'=HYPERLINK("http://x")'
    assert row["classes"] == "1"
    whole = campaign.client("lead").get(address(campaign, ".csv")).getvalue().decode()
    assert len(whole.splitlines()) == 1 + Patch.objects.count()


def test_many_are_approved_and_what_cannot_be_is_told(campaign: Campaign) -> None:
    waiting, fresh = campaign.patch, campaign.project.patches.get(state="unlabelled")
    other = make_patch(make_project(name="Elsewhere"))
    report = do(campaign, "approve", waiting, fresh, other)
    assert report["done"] == [waiting.pk]
    assert {row["patch_id"]: row["code"] for row in report["refused"]} == {
        fresh.pk: "revision-conflict",
        other.pk: "not-found",
    }
    again = do(campaign, "approve", waiting)
    assert again["refused"][0]["code"] == "illegal-transition"
    assert Event.objects.filter(subject_id=waiting.pk, verb="approved").count() == 1


def test_nothing_newer_than_the_list_showed_is_approved(campaign: Campaign) -> None:
    patch = campaign.patch
    returned_again = {"patches": [{"id": patch.pk, "revision": 7}]}
    answer = campaign.client("lead").post(
        address(campaign, "/approve/"), returned_again, content_type="application/json"
    )
    assert answer.json()["refused"][0]["code"] == "revision-conflict"
    patch.refresh_from_db()
    assert patch.state == "submitted"


def test_returning_and_reopening_need_a_comment(campaign: Campaign) -> None:
    patch = campaign.patch
    assert do(campaign, "return", patch)["refused"][0]["code"] == "comment-missing"
    assert do(campaign, "return", patch, comment="The track")["done"] == [patch.pk]
    assert QueueEntry.objects.get(patch=patch).reserved_for == campaign.people["annotator"]
    done = make_patch(campaign.project)
    approve(done, campaign.people["lead"])
    assert do(campaign, "reopen", done)["refused"][0]["code"] == "comment-missing"
    assert do(campaign, "reopen", done, comment="Missed a field")["done"] == [done.pk]
    assert listed(campaign, words="missed a field") == [done.pk]


def test_a_patch_is_taken_from_one_person_and_kept_for_another(campaign: Campaign) -> None:
    project, lead = campaign.project, campaign.people["lead"]
    kim, rui = make_member(project), make_member(project)
    patch = project.patches.get(state="unlabelled")
    claim_patch(patch=patch, user=kim)
    assert do(campaign, "reassign", patch, to=rui.username)["done"] == [patch.pk]
    patch.refresh_from_db()
    assert patch.state == "unlabelled"
    assert claim_next(project=project, user=kim).patch is None
    assert claim_next(project=project, user=rui).patch == patch
    reassign_patch(patch=patch, user=lead, to=None)
    assert claim_next(project=project, user=kim).patch == patch
    last = Event.objects.filter(subject="patch", subject_id=patch.pk, verb="reassigned").last()
    assert (last.actor, last.facts) == (lead, {"before": rui.username, "to": None})


def test_only_what_waits_is_reassigned_and_only_to_who_draws(campaign: Campaign) -> None:
    lead, patch = campaign.people["lead"], campaign.project.patches.get(state="unlabelled")
    with pytest.raises(IllegalTransition, match="submitted"):
        reassign_patch(patch=campaign.patch, user=lead, to=None)
    for person in (campaign.people["stranger"], campaign.people["ml_staff"]):
        with pytest.raises(NotAllowed, match="does not annotate"):
            reassign_patch(patch=patch, user=lead, to=person)


def test_a_new_submission_replaces_what_is_found(campaign: Campaign) -> None:
    kim, patch = make_member(campaign.project), make_patch(campaign.project)
    returned(patch, kim)
    submit(patch, kim, np.where(np.arange(256) < 100, 255, mask_of(2)).astype(np.uint8))
    assert dict(PatchClass.objects.filter(patch=patch).values_list("value", "pixels")) == {
        2: 156 * 256,
        255: 100 * 256,
    }
    work = PatchWork.objects.get(patch=patch)
    assert (work.annotator, work.reviewer, work.decided_at) == (kim, campaign.people["lead"], None)


def test_spot_checks_are_drawn_once_and_can_be_drawn_again(campaign: Campaign) -> None:
    project, lead = campaign.project, campaign.people["lead"]
    people = [make_member(project), make_member(project)]
    for person in people:
        for _ in range(4):
            submit(make_patch(project), person)
    day = datetime(2026, 3, 2, 12, tzinfo=UTC)
    PatchWork.objects.filter(annotator__in=people).update(submitted_at=day)
    draw = draw_spot_checks(project=project, user=lead, day=day.date(), per_annotator=3, seed=5)
    checks = list(draw.checks.all())
    assert sorted(check.annotator_id for check in checks) == sorted([p.pk for p in people] * 3)
    assert {check.submitted_that_day for check in checks} == {4}
    for person in people:
        rows = list(PatchWork.objects.filter(annotator=person).values_list("patch_id", "patch__quadkey"))
        chosen = {check.patch_id for check in checks if check.annotator == person}
        assert chosen == set(drawn(rows[::-1], 5, 3))
    again = draw_spot_checks(project=project, user=lead, day=day.date(), per_annotator=1, seed=6)
    assert again == draw
    assert sorted(listed(campaign, spot_day="2026-03-02")) == sorted(c.patch_id for c in checks)
    with pytest.raises(NotReady, match="not over"):
        draw_spot_checks(project=project, user=lead, day=timezone.now().date(), per_annotator=1)


def test_every_patch_is_as_likely_to_be_drawn() -> None:
    candidates = [(number, f"key{number}") for number in range(10)]
    counts = np.zeros(10)
    for seed in range(2000):
        counts[drawn(candidates, seed, 3)] += 1
    # 600 expected of each, with a standard deviation of 20.5.
    assert np.all(np.abs(counts - 600) < 100)


def test_the_page_lists_acts_and_reports(campaign: Campaign) -> None:
    client, url = campaign.client("lead"), campaign.url("desk")
    fresh = campaign.project.patches.get(state="unlabelled")
    chosen = [f"{campaign.patch.pk}.1", f"{fresh.pk}.0"]
    page = client.post(f"{url}?order=age", {"verb": "approve", "patch": chosen}).content.decode()
    assert "1 patch approved." in page
    assert "1 stayed as it was:" in page
    assert client.post(url, {"verb": "approve"}).status_code == 422
    day = (timezone.now() - timedelta(days=1)).date().isoformat()
    drawn = client.post(
        reverse("spot_checks", args=[campaign.project.slug]), {"day": day, "per_annotator": 2}
    )
    assert drawn["Location"] == f"{url}?spot_day={day}"


def test_the_map_shows_what_the_list_does(campaign: Campaign) -> None:
    campaign.project.patch_zoom = 17
    campaign.project.save()
    patch = campaign.patch
    client = campaign.client("lead")
    url = f"/tiles/projects/{campaign.project.slug}/desk/17/{patch.x}/{patch.y}"
    assert client.get(url, {"state": "submitted", "words": ""}).content
    assert client.get(url).content == client.get(url, {"state": "submitted"}).content
    assert not client.get(url, {"state": "approved"}).content
    assert not client.get(url, {"words": "100 % wrong"}).content
    assert client.get(url.replace("/17/", "/99/")).status_code == 404
    assert Client().get(url).status_code == 401


@pytest.mark.parametrize("role", [*Role, "stranger"])
def test_only_leads_are_let_in(campaign: Campaign, role: str) -> None:
    client = campaign.client(role)
    wanted = {"lead": 200, "stranger": 404}.get(role, 403)
    tile = f"/tiles/projects/{campaign.project.slug}/desk/3/1/1"
    for url in (address(campaign), address(campaign, ".csv"), campaign.url("desk"), tile):
        assert client.get(url).status_code == wanted, url
    body = {"patches": [{"id": campaign.patch.pk, "revision": 1}]}
    answer = client.post(address(campaign, "/approve/"), body, content_type="application/json")
    assert answer.status_code == wanted


def test_somebody_unknown_is_not_reassigned_to(campaign: Campaign) -> None:
    make_user("elsewhere")
    body = {"patches": [{"id": campaign.patch.pk}], "to": "nobody-at-all"}
    answer = campaign.client("lead").post(address(campaign, "/reassign/"), body, "application/json")
    assert answer.json()["errors"]["to"]


def test_claims_are_not_taken_away_by_an_oversight(campaign: Campaign) -> None:
    patch, annotator = make_patch(campaign.project), campaign.people["annotator"]
    claim_patch(patch=patch, user=annotator)
    ticked = {"patch": f"{patch.pk}.0", "verb": "reassign"}
    answer = campaign.client("lead").post(campaign.url("desk"), ticked)
    assert (answer.status_code, "Choose who shall have them" in answer.content.decode()) == (422, True)
    assert QueueEntry.objects.get(patch=patch).holder == annotator
    answer = campaign.client("lead").post(campaign.url("desk"), ticked | {"to": "anybody"})
    assert "1 patch reassigned." in answer.content.decode()
    assert QueueEntry.objects.get(patch=patch).holder is None


def test_second_masks_that_nobody_will_draw_are_called_off_for_many(campaign: Campaign) -> None:
    patch = campaign.patch
    first = patch.annotation.current
    double = DoubleAnnotation.objects.create(patch=patch, project=campaign.project, first=first, share=1.0)
    assert do(campaign, "approve", patch)["refused"][0]["code"] == "second-reading-open"
    report = do(campaign, "do-without", patch, campaign.project.patches.get(state="unlabelled"))
    assert (report["done"], len(report["refused"])) == ([patch.pk], 1)
    double.refresh_from_db()
    assert double.state == "withdrawn"
    assert do(campaign, "approve", patch)["done"] == [patch.pk]
