"""Masks to draw by, and the answer that the imagery is bad: who sees what, and at what cost."""

from __future__ import annotations

import gzip
import io
from datetime import date

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from PIL import Image

from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_patch
from annotator.domain.reviews import review_patch
from annotator.enums import PatchState, Role, Verdict
from annotator.models import Event, Patch, Project, Revision
from annotator.queries.labels import approved_revisions
from tests.factories import (
    approve,
    client_of,
    make_member,
    make_patch,
    make_project,
    make_proposal,
    make_scene,
    make_user,
    mask_of,
    submit,
)

pytestmark = pytest.mark.django_db


def saved(patch: Patch, user: User, value: int, base: int = 0) -> Revision:
    claim_patch(patch=patch, user=user)
    return save_mask(patch=patch, user=user, mask=mask_of(value), base_number=base, submit=False)


def addresses(patch: Patch) -> list[tuple[str, str, set[Role]]]:
    base = f"/api/v1/patches/{patch.pk}"
    return [
        ("get", f"{base}/neighbours/", set(Role)),
        ("get", f"{base}/masks/", set(Role)),
        ("get", f"{base}/difference?before=1&after=2", set(Role)),
        ("get", f"{base}/difference.png?before=1&after=2", set(Role)),
        ("post", f"{base}/bad-imagery/", {Role.ANNOTATOR, Role.LEAD}),
    ]


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def patch(project: Project) -> Patch:
    return make_patch(project, 10, 10)


def test_members_reach_the_masks_by_their_role_and_strangers_are_told_that_there_is_no_such_thing(
    project: Project, patch: Patch
) -> None:
    lead = project.created_by
    saved(patch, lead, 1)
    saved(patch, lead, 2, base=1)
    review_patch(patch=submitted(patch, lead), user=lead, verdict=Verdict.APPROVE, revision_number=3)
    for method, path, roles in addresses(patch):
        for role in Role:
            answer = getattr(client_of(make_member(project, role)), method)(path)
            assert answer.status_code not in {401, 404, 500}, (role, path)
            assert (answer.status_code == 403) == (role not in roles), (role, path)
        assert getattr(client_of(make_user()), method)(path).status_code == 404, path
        assert getattr(client_of(make_member(make_project(name="Hill"))), method)(path).status_code == 404, (
            path
        )
        assert getattr(Client(), method)(path).status_code in {401, 403}, path


def submitted(patch: Patch, user: User) -> Patch:
    submit(patch, user)
    return Patch.objects.get(pk=patch.pk)


def test_neighbours_are_approved_masks_only_and_cost_a_fixed_number_of_queries(
    project: Project, patch: Patch, django_assert_num_queries
) -> None:  # type: ignore[no-untyped-def]
    lead, annotator = project.created_by, make_member(project)
    client, path = client_of(annotator), f"/api/v1/patches/{patch.pk}/neighbours/"
    submit(make_patch(project, 11, 10), lead)
    saved(make_patch(project, 10, 11), make_member(project), 1)
    approve(make_patch(project, 12, 10), lead)
    approve(make_patch(make_project(name="Hill"), 9, 10), make_user_lead())
    assert client.get(path).json() == {"results": []}, "waiting, drafted, too far, of another project"
    west, south_east = make_patch(project, 9, 10), make_patch(project, 11, 11)
    revisions = {
        (-1, 0): approve(west, lead, mask_of(2)),
        (1, 1): approve(south_east, make_member_lead(project)),
    }
    with django_assert_num_queries(5):
        rows = client.get(path).json()["results"]
    assert {(row["dx"], row["dy"]): row["mask_url"] for row in rows} == {
        place: f"/api/v1/revisions/{revision.pk}/mask" for place, revision in revisions.items()
    }
    found = next(row for row in rows if row["dx"] == -1)
    assert found["patch"] == west.pk
    assert gzip.decompress(client.get(found["mask_url"]).content) == mask_of(2).tobytes()


def make_user_lead() -> User:
    """The lead of the newest project."""
    return Project.objects.order_by("-pk")[0].created_by


def make_member_lead(project: Project) -> User:
    return make_member(project, Role.LEAD)


def numbers(user: User, patch: Patch) -> list[int]:
    rows = client_of(user).get(f"/api/v1/patches/{patch.pk}/masks/").json()["revisions"]
    return [row["number"] for row in rows]


def test_an_annotator_never_sees_an_answer_that_waits_for_review(project: Project, patch: Patch) -> None:
    lead, ann, bea = project.created_by, make_member(project), make_member(project)
    staff = make_member(project, Role.ML_STAFF)
    saved(patch, ann, 1)
    assert [numbers(who, patch) for who in (ann, bea, lead, staff)] == [[1], [], [1], [1]]
    submit(patch, ann, mask_of(2))
    assert [numbers(who, patch) for who in (ann, bea, lead, staff)] == [[2, 1], [], [2, 1], [2, 1]]
    difference = f"/api/v1/patches/{patch.pk}/difference?before=1&after=2"
    assert client_of(bea).get(difference).status_code == 404
    assert client_of(ann).get(difference).json()["pixels"] == 65_536
    review_patch(patch=patch, user=lead, verdict=Verdict.RETURN, revision_number=2, comment="Look again.")
    assert numbers(bea, patch) == []
    patch.queue_entry.refresh_from_db()
    patch.queue_entry.reserved_for = None
    patch.queue_entry.save()
    claim_patch(patch=Patch.objects.get(pk=patch.pk), user=bea)
    assert numbers(bea, patch) == [2, 1], "who took it over goes on from it"
    save_mask(patch=Patch.objects.get(pk=patch.pk), user=bea, mask=mask_of(1), base_number=2, submit=True)
    assert (numbers(ann, patch), numbers(bea, patch)) == ([2, 1], [3])
    review_patch(patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=3)
    assert numbers(make_member(project), patch) == [3, 2, 1]


def test_proposals_of_every_date_are_listed_at_the_same_cost(
    project: Project, patch: Patch, django_assert_num_queries
) -> None:  # type: ignore[no-untyped-def]
    dry, wet = (make_scene(project, acquired_on=date(2022, month, 1)) for month in (3, 10))
    make_proposal(patch, scene=dry, value=2)
    client = client_of(make_member(project))
    for dates in (["2022-03-01"], ["2022-10-01", "2022-03-01"]):
        with django_assert_num_queries(9):
            answer = client.get(f"/api/v1/patches/{patch.pk}/masks/").json()
        assert [row["acquired_on"] for row in answer["proposals"]] == dates
        if len(dates) == 1:
            make_proposal(patch, scene=wet, value=1)
    masks = [gzip.decompress(client.get(row["mask_url"]).content)[0] for row in answer["proposals"]]
    assert masks == [1, 2]


def test_a_difference_counts_and_pictures_what_changed(project: Project, patch: Patch) -> None:
    ann = make_member(project)
    client = client_of(ann)
    saved(patch, ann, 1)
    mask = mask_of(1)
    mask[:3, :10] = 2
    mask[9, :5] = 255
    save_mask(patch=Patch.objects.get(pk=patch.pk), user=ann, mask=mask, base_number=1, submit=False)
    path = f"/api/v1/patches/{patch.pk}/difference"
    assert client.get(f"{path}?before=1&after=2").json() == {
        "pixels": 35,
        "changes": [{"before": 1, "after": 2, "pixels": 30}, {"before": 1, "after": 255, "pixels": 5}],
    }
    assert client.get(f"{path}?before=2&after=2").json() == {"pixels": 0, "changes": []}
    picture = np.asarray(Image.open(io.BytesIO(client.get(f"{path}.png?before=2&after=1").content)))
    assert np.array_equal(picture == 255, mask != 1)
    assert client.get(f"{path}?before=1&after=9").status_code == 404
    assert client.get(f"{path}?before=1").status_code == 400


def test_bad_imagery_is_submitted_with_its_reason_and_teaches_nothing(project: Project, patch: Patch) -> None:
    lead, ann = project.created_by, make_member(project)
    client, path = client_of(ann), f"/api/v1/patches/{patch.pk}/bad-imagery/"
    claim_patch(patch=patch, user=ann)
    body = {"problem": "cloud", "comment": " Half of it. ", "revision": 0, "seconds": 12}
    late = client.post(path, body, content_type="application/json", headers={"Milpa-Person": str(lead.pk)})
    assert (late.status_code, late.json()["code"]) == (403, "other-person")
    for _ in range(2):
        answer = client.post(path, body, content_type="application/json", headers={"Idempotency-Key": "once"})
        assert answer.status_code == 200
    revision = Revision.objects.get()
    assert revision.seconds_spent == 12
    assert (
        gzip.decompress(client.get(f"/api/v1/revisions/{revision.pk}/mask").content) == bytes([255]) * 65_536
    )
    event = Event.objects.get(verb="imagery reported")
    assert (event.actor, event.facts) == (ann, {"revision": 1, "problem": "cloud", "comment": "Half of it."})
    patch.refresh_from_db()
    assert patch.state == PatchState.SUBMITTED
    review_patch(patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=1)
    assert not approved_revisions(project.pk).exists()
    other = make_patch(project, 11, 10)
    assert client_of(ann).get(f"/api/v1/patches/{other.pk}/neighbours/").json() == {"results": []}


def test_a_patch_that_was_returned_after_a_report_is_labelled_and_counts(
    project: Project, patch: Patch
) -> None:
    lead, ann = project.created_by, make_member(project)
    claim_patch(patch=patch, user=ann)
    client = client_of(ann)
    path = f"/api/v1/patches/{patch.pk}/bad-imagery/"
    client.post(path, {"problem": "haze", "revision": 0}, content_type="application/json")
    review_patch(
        patch=patch, user=lead, verdict=Verdict.RETURN, revision_number=1, comment="It can be drawn."
    )
    approve(Patch.objects.get(pk=patch.pk), ann_lead(project, ann), mask_of(1))
    assert [row.number for row in approved_revisions(project.pk)] == [2]


def ann_lead(project: Project, ann: User) -> User:
    """The annotator, who may review as well."""
    project.memberships.create(user=ann, role=Role.LEAD)
    return ann


def test_a_report_that_cannot_be_kept_says_why_and_leaves_no_trace(project: Project, patch: Patch) -> None:
    ann, bea = make_member(project), make_member(project)
    path = f"/api/v1/patches/{patch.pk}/bad-imagery/"
    claim_patch(patch=patch, user=ann)
    client = client_of(ann)

    def report(who: Client, **body: object) -> int:
        return who.post(path, {"revision": 0, **body}, content_type="application/json").status_code

    assert report(client, problem="other") == 422
    assert report(client, problem="boring") == 400
    assert report(client_of(bea), problem="cloud") == 409
    assert report(client, problem="cloud", revision=4) == 412
    assert not Revision.objects.exists()
    assert not Event.objects.filter(verb="imagery reported").exists()
