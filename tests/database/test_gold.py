"""Gold patches are drawn again unseen, scored, and never changed by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_for_the_field, claim_next, claim_patch, release_claim
from annotator.domain.gold import mark_gold, unmark_gold
from annotator.domain.reviews import reopen_patch
from annotator.enums import ReadingPurpose, ReadingState, Role
from annotator.errors import ClaimLost, IllegalTransition
from annotator.models import Comparison, Event, GoldPatch, Patch, Project, Reading, Revision
from annotator.queries.labels import approved_revisions
from annotator.queries.progress import patch_counts
from tests.database.test_patch_tiles import features
from tests.factories import (
    approve,
    client_of,
    halves,
    make_member,
    make_patch,
    make_project,
    make_proposal,
    make_scene,
    make_user,
    submit,
)

pytestmark = pytest.mark.django_db
Set = Callable[..., None]


@pytest.fixture
def project() -> Project:
    project = make_project(patch_zoom=17)
    Project.objects.filter(pk=project.pk).update(gold_share=1.0)
    project.refresh_from_db()
    make_scene(project)
    return project


@pytest.fixture
def ann(project: Project) -> User:
    return make_member(project)


@pytest.fixture
def gold(project: Project) -> Patch:
    """Drawn, approved and marked by the lead; the truth is unsure in its first four rows."""
    patch = make_patch(project, 4, 4)
    make_proposal(patch)
    truth = halves(128)
    truth[:4] = 255
    approve(patch, project.created_by, truth)
    mark_gold(patch=Patch.objects.get(pk=patch.pk), user=project.created_by)
    return Patch.objects.get(pk=patch.pk)


@pytest.fixture
def plain(project: Project) -> Patch:
    """What else there is to draw."""
    patch = make_patch(project, 6, 4, score=0.7)
    make_proposal(patch)
    return patch


def same_shape(one: Any, two: Any) -> bool:
    """Whether two documents have the same keys and kinds of values all the way down."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same_shape(one[key], two[key]) for key in one)
    return type(one) is type(two)


def test_a_gold_patch_cannot_be_told_from_another_one(
    project: Project, gold: Patch, plain: Patch, ann: User, tmp_path: Path
) -> None:
    """Before it is claimed, while it is held and once it is submitted, through every address."""
    client, other = client_of(ann), client_of(make_member(project))
    claims = f"/api/v1/projects/{project.slug}/claims/"

    def told(patch: Patch, who: Client) -> dict[str, Any]:
        base = f"/api/v1/patches/{patch.pk}"
        answers = {
            path: who.get(f"{base}{path}").json() for path in ("/", "/history/", "/masks/", "/neighbours/")
        }
        tile = who.get(f"/tiles/projects/{project.slug}/patches/17/{patch.x}/{patch.y}").content
        ((answers["tile"], _),) = features(tile, tmp_path)
        return answers

    def alike(state: str) -> None:
        one, two = told(gold, client), told(plain, other)
        assert same_shape(one, two), (one, two)
        assert one["/"]["state"] == one["tile"]["state"] == two["/"]["state"] == state
        path = f"/api/v1/projects/{project.slug}/patches/?state="
        assert gold.pk in [row["id"] for row in client.get(path + state).json()["results"]]
        assert gold.pk not in [row["id"] for row in client.get(f"{path}approved").json()["results"]]

    truth = Revision.objects.get(annotation__patch=gold)
    alike("unlabelled")
    assert client.get(f"/api/v1/revisions/{truth.pk}/mask").status_code == 404
    first = client.post(claims, {}, content_type="application/json").json()
    assert first["patch"]["id"] == gold.pk
    second = other.post(claims, {"patch": plain.pk}, content_type="application/json").json()
    assert same_shape(first, second)
    alike("claimed")
    for who, patch in ((client, gold), (other, plain)):
        address = f"/api/v1/patches/{patch.pk}/mask/?submit=1&proposal={patch.proposals.get().pk}"
        answer = who.put(
            address,
            halves(130).tobytes(),
            content_type="application/octet-stream",
            headers={"If-Match": '"0"'},
        )
        assert (answer.status_code, answer.json()["state"]) == (200, "submitted")
        assert who.post(claims, {"patch": patch.pk}, content_type="application/json").status_code == 409
    alike("submitted")
    assert client.get(f"/api/v1/revisions/{truth.pk}/mask").status_code == 404


def test_an_answer_is_scored_and_the_truth_stays(
    project: Project, gold: Patch, plain: Patch, ann: User
) -> None:
    before = approved_revisions(project.pk).get()
    events = list(Event.objects.filter(subject="patch", subject_id=gold.pk).values_list("pk", flat=True))
    assert claim_next(project=project, user=ann).patch == gold
    save_mask(patch=gold, user=ann, mask=halves(160), base_number=0, submit=True)
    after = approved_revisions(project.pk).get()
    assert (before.pk, bytes(before.mask_png)) == (after.pk, bytes(after.mask_png))
    assert Event.objects.filter(subject="patch", subject_id=gold.pk).count() == len(events)
    score = Comparison.objects.get()
    assert (score.purpose, score.other, score.second_author) == (ReadingPurpose.GOLD, after, ann)
    # The four unsure rows count nowhere: 124 rows of other, of which all were found, and 32 more.
    assert score.miou == pytest.approx((124 / 156 + 96 / 128) / 2)
    documents = client_of(project.created_by).get(f"/api/v1/projects/{project.slug}/gold/").json()["results"]
    assert [(row["answers"], row["mean_miou"]) for row in documents] == [(1, pytest.approx(score.miou))]
    assert claim_next(project=project, user=ann).patch == plain, "each gold patch is answered once"


def test_only_annotators_who_did_not_draw_it_get_it_and_only_between_others(
    project: Project, gold: Patch, ann: User
) -> None:
    staff = make_member(project)
    project.memberships.create(user=staff, role=Role.ML_STAFF)
    assert claim_next(project=project, user=ann).patch is None, "gold alone would give itself away"
    patches = [make_patch(project) for _ in range(2)]
    assert claim_next(project=project, user=project.created_by).patch in patches
    assert claim_next(project=project, user=staff).patch in patches
    patches.append(make_patch(project))
    assert claim_next(project=project, user=ann).patch == gold
    carl, left = make_member(project), make_patch(project)
    Project.objects.update(gold_share=0.0)
    assert claim_next(project=Project.objects.get(), user=carl).patch in {patches[-1], left}


def test_a_gold_patch_is_given_back_claimed_by_name_and_taken_to_the_field(
    project: Project, gold: Patch, plain: Patch, ann: User
) -> None:
    claim_patch(patch=gold, user=ann)
    save_mask(patch=gold, user=ann, mask=halves(10), base_number=0, submit=False)
    release_claim(patch=gold, user=ann)
    assert Reading.objects.get().state == ReadingState.LAPSED
    assert client_of(ann).get(f"/api/v1/patches/{gold.pk}/").json()["state"] == "unlabelled"
    revision = save_mask(patch=gold, user=ann, mask=halves(20), base_number=1, submit=False)
    assert revision.number == 2
    assert claim_for_the_field(project=project, user=ann, count=2) == [gold.pk, plain.pk]
    with pytest.raises(ClaimLost, match="somebody else"):
        claim_patch(patch=plain, user=make_member(project))


def test_what_is_no_longer_gold_is_what_it_is(project: Project, gold: Patch, plain: Patch, ann: User) -> None:
    client, lead = client_of(ann), project.created_by
    neighbour = make_patch(project, 5, 4)
    path = f"/api/v1/patches/{neighbour.pk}/neighbours/"
    assert client.get(path).json()["results"] == [], "its mask would be seen from beside"
    assert len(client_of(lead).get(path).json()["results"]) == 1
    counts = [patch_counts(project.pk, who)["approved"] for who in (ann, lead)]
    assert counts == [0, 1]
    unmark_gold(patch=gold, user=lead)
    assert client.get(f"/api/v1/patches/{gold.pk}/").json()["state"] == "approved"
    assert len(client.get(path).json()["results"]) == 1
    mark_gold(patch=gold, user=lead)
    reopen_patch(patch=gold, user=lead, comment="Is it right?")
    assert claim_next(project=project, user=ann).patch == plain, "it is not served while it is in doubt"
    with pytest.raises(IllegalTransition, match="approved mask"):
        mark_gold(patch=gold, user=lead)


def test_whoever_may_marks_gold(project: Project, gold: Patch) -> None:
    unmark_gold(patch=gold, user=project.created_by)
    page = reverse("gold", args=[project.slug, gold.pk])
    calls = [
        ("put", f"/api/v1/patches/{gold.pk}/gold/"),
        ("get", f"/api/v1/projects/{project.slug}/gold/"),
        ("delete", f"/api/v1/patches/{gold.pk}/gold/"),
    ]
    for method, path in calls:
        for role in Role:
            answer = getattr(client_of(make_member(project, role)), method)(path)
            assert (answer.status_code < 300) == (role == Role.LEAD), (role, path)
        assert getattr(client_of(make_user()), method)(path).status_code == 404
    for role, status in ((Role.ANNOTATOR, 403), (Role.ML_STAFF, 403), (Role.LEAD, 302)):
        assert client_of(make_member(project, role)).post(page, {"mark": "1"}).status_code == status
    assert client_of(make_user()).post(page, {"mark": "1"}).status_code == 404
    assert GoldPatch.objects.get().is_served
    button = client_of(project.created_by).get(reverse("review_patch", args=[project.slug, gold.pk]))
    assert "No longer a gold patch" in button.content.decode()


def test_lists_and_documents_cost_the_same_with_more_gold(project: Project, gold: Patch, ann: User) -> None:
    def cost(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client_of(ann).get(path).status_code == 200
        return len(captured)

    paths = [f"/api/v1/projects/{project.slug}/patches/", f"/api/v1/patches/{gold.pk}/", "/"]
    before = [cost(path) for path in paths]
    for _ in range(2):
        patch = make_patch(project)
        approve(patch, project.created_by)
        mark_gold(patch=Patch.objects.get(pk=patch.pk), user=project.created_by)
    submit(make_patch(project), ann)
    assert [cost(path) for path in paths] == before
