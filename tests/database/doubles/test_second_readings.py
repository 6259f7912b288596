"""The second of two people who draw a patch: what they meet, and what nobody else sees."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from annotator.domain.adjudication import adjudicate
from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_next, claim_patch, release_claim, sweep_expired_claims
from annotator.domain.imagery_reports import report_imagery
from annotator.domain.reviews import review_patch
from annotator.enums import (
    Decision,
    DoubleState,
    ImageryProblem,
    ReadingState,
    Role,
    Verdict,
)
from annotator.errors import (
    ClaimLost,
    RevisionConflict,
)
from annotator.models import (
    Comparison,
    DoubleAnnotation,
    Event,
    Patch,
    Project,
    Reading,
    Revision,
)
from annotator.queries.labels import approved_revisions
from tests.drawn_twice import drawn, state_of
from tests.factories import (
    client_of,
    make_member,
    make_patch,
    make_project,
    make_user,
    submit,
)

pytestmark = pytest.mark.django_db


def test_nobody_but_a_lead_sees_the_others_mask_through_any_address(
    project: Project, patch: Patch, ann: User, bea: User
) -> None:
    staff, carl = make_member(project, Role.ML_STAFF), make_member(project)
    first = patch.annotation.current
    claim_next(project=project, user=bea)
    save_mask(patch=patch, user=bea, mask=drawn(9), base_number=0, submit=False)
    second = Revision.objects.get(author=bea)

    def seen(user: User) -> set[int]:
        """Ids of the revisions that the person meets or reaches."""
        client, base = client_of(user), f"/api/v1/patches/{patch.pk}"
        document, history, masks = (
            client.get(f"{base}{path}").json() for path in ("/", "/history/", "/masks/")
        )
        told = {
            row["id"] for row in [*history["revisions"], *masks["revisions"], document["revision"]] if row
        }
        rasters = {
            row.pk
            for row in Revision.objects.all()
            for suffix in ("", ".png")
            if client.get(f"/api/v1/revisions/{row.pk}/mask{suffix}").status_code == 200
        }
        assert told <= rasters
        return rasters

    assert [seen(who) for who in (ann, bea, carl, staff)] == [{first.pk}, {second.pk}, set(), set()]
    assert seen(project.created_by) == {first.pk, second.pk}
    assert client_of(make_user()).get(f"/api/v1/revisions/{first.pk}/mask").status_code == 404
    save_mask(patch=patch, user=bea, mask=drawn(9), base_number=1, submit=True)
    final = Revision.objects.get(author=bea, number=2)
    assert first.pk not in seen(bea), "not after having submitted either"
    assert client_of(ann).get(f"/api/v1/revisions/{final.pk}/mask").status_code == 404
    review_patch(patch=patch, user=project.created_by, verdict=Verdict.APPROVE, revision_number=1)
    assert seen(carl) == {first.pk}, "an approved mask is everybody's, the second reading is not"


def test_the_second_annotator_meets_a_patch_like_any_other(
    project: Project, patch: Patch, bea: User, django_assert_num_queries: Any
) -> None:
    other = make_patch(project, score=-9)
    client, address = client_of(bea), f"/api/v1/projects/{project.slug}/claims/"
    claimed = client.post(address, {}, content_type="application/json").json()
    assert claimed["patch"]["id"] == patch.pk, "it comes first: its review waits"
    plain = client_of(make_member(project)).post(
        address, {"patch": other.pk}, content_type="application/json"
    )
    one, two = claimed["patch"], plain.json()["patch"]
    assert one.keys() == two.keys()
    assert (one["state"], one["revision"], one["review"]) == ("claimed", None, None)
    assert one["claim"]["mine"]
    assert one["queue"].keys() == two["queue"].keys()
    path = f"/api/v1/patches/{patch.pk}/mask/"
    how = {"content_type": "application/octet-stream", "headers": {"If-Match": '"0"', "Idempotency-Key": "k"}}
    for _ in range(2):
        answer = client.put(f"{path}?submit=1&seconds=30&strokes=2", drawn(0).tobytes(), **how)
        assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
        assert answer.json()["state"] == "submitted"
    assert client.get(f"/api/v1/patches/{patch.pk}/").json()["revision"]["author"] == bea.username
    events = client.get(f"/api/v1/patches/{patch.pk}/history/").json()["events"]
    assert [(row["verb"], row["actor"]) for row in events] == [
        ("claimed", bea.username), ("submitted", bea.username)
    ]  # fmt: skip
    assert Reading.objects.get().state == ReadingState.SUBMITTED
    with pytest.raises(ClaimLost, match="it is submitted"):
        save_mask(patch=patch, user=bea, mask=drawn(1), base_number=1, submit=True)


def test_only_somebody_blind_is_asked(project: Project, patch: Patch, ann: User, bea: User) -> None:
    lead = project.created_by
    both = make_member(project)
    project.memberships.create(user=both, role=Role.LEAD)
    for person in (ann, lead, both):
        assert claim_next(project=project, user=person).patch is None
    assert claim_next(project=project, user=bea).patch == patch
    assert claim_next(project=project, user=make_member(project)).patch is None, "one second is enough"
    alone = make_project(name="Alone")
    Project.objects.filter(pk=alone.pk).update(double_share=1.0)
    submitted = submit(make_patch(alone), make_member(alone))
    assert not DoubleAnnotation.objects.filter(patch=submitted.annotation.patch).exists(), "nobody could"


def test_a_second_reading_is_given_back_expires_and_is_taken_up_again(
    project: Project, patch: Patch, bea: User
) -> None:
    carl = make_member(project)
    claim_next(project=project, user=bea)
    save_mask(patch=patch, user=bea, mask=drawn(3), base_number=0, submit=False)
    release_claim(patch=patch, user=bea)
    assert claim_next(project=project, user=carl).patch == patch
    assert client_of(carl).get(f"/api/v1/patches/{patch.pk}/").json()["revision"] is None
    with pytest.raises(ClaimLost):
        save_mask(patch=patch, user=bea, mask=drawn(4), base_number=1, submit=True)
    Reading.objects.filter(reader=carl).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert sweep_expired_claims() == 1
    assert sweep_expired_claims() == 0
    revision = save_mask(patch=patch, user=bea, mask=drawn(4), base_number=1, submit=True)
    assert (revision.number, state_of(patch)[1]) == (2, "agreed")
    assert claim_next(project=project, user=carl).patch is None


def test_a_conflict_within_the_own_reading_keeps_both_masks(
    project: Project, patch: Patch, bea: User
) -> None:
    claim_next(project=project, user=bea)
    save_mask(patch=patch, user=bea, mask=drawn(3), base_number=0, submit=False)
    with pytest.raises(RevisionConflict) as caught:
        save_mask(patch=patch, user=bea, mask=drawn(4), base_number=0, submit=True)
    for revision_id in caught.value.facts.values():
        assert client_of(bea).get(f"/api/v1/revisions/{revision_id}/mask").status_code == 200


def test_whoever_saved_second_sees_what_they_have_to_choose_between(
    project: Project, ann: User, bea: User
) -> None:
    patch = make_patch(project)
    claim_patch(patch=patch, user=ann)
    save_mask(patch=patch, user=ann, mask=drawn(0), base_number=0, submit=False)
    release_claim(patch=patch, user=ann)
    claim_patch(patch=patch, user=bea)
    with pytest.raises(RevisionConflict) as caught:
        save_mask(patch=patch, user=bea, mask=drawn(4), base_number=0, submit=True)
    release_claim(patch=patch, user=bea)
    theirs = f"/api/v1/revisions/{caught.value.facts['current']}/mask"
    assert client_of(bea).get(theirs).status_code == 200
    later = submit(patch, ann, drawn(7))
    assert client_of(bea).get(f"/api/v1/revisions/{later.pk}/mask").status_code == 404


def test_a_second_can_be_called_off_and_what_comes_in_late_is_kept(
    project: Project, patch: Patch, bea: User
) -> None:
    claim_next(project=project, user=bea)
    address, lead = f"/api/v1/patches/{patch.pk}/double/", client_of(project.created_by)
    assert lead.get(address).json()["is_open"]
    assert lead.delete(address).json()["state"] == DoubleState.WITHDRAWN
    assert lead.delete(address).status_code == 409
    review_patch(patch=patch, user=project.created_by, verdict=Verdict.APPROVE, revision_number=1)
    save_mask(patch=patch, user=bea, mask=drawn(9), base_number=0, submit=True)
    assert state_of(patch) == ("approved", "withdrawn")
    assert approved_revisions(project.pk).get().number == 1
    assert Comparison.objects.count() == 1


def test_two_reports_of_bad_imagery_agree_and_the_readings_is_not_the_patchs(
    project: Project, ann: User, bea: User
) -> None:
    patch = make_patch(project)
    submit(patch, ann)
    claim_next(project=project, user=bea)
    report_imagery(patch=patch, user=bea, problem=ImageryProblem.CLOUD, base_number=0)
    assert state_of(patch)[1] == "disputed"
    assert not Event.objects.filter(subject="patch", verb="imagery reported").exists()
    adjudicate(patch=patch, user=project.created_by, decision=Decision.SECOND)
    assert not approved_revisions(project.pk).exists(), "the imagery is bad, so nothing is learned from it"
    other = make_patch(project)
    for person in (ann, bea):
        claim_next(project=project, user=person)
        report_imagery(patch=other, user=person, problem=ImageryProblem.HAZE, base_number=0)
    assert state_of(other)[1] == "agreed"
