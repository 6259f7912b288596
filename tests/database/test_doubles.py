"""Patches that two people draw, each blind to the other."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client
from django.utils import timezone

from annotator.domain.adjudication import adjudicate
from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_next, claim_patch, release_claim, sweep_expired_claims
from annotator.domain.doubles import withdraw_second
from annotator.domain.imagery_reports import report_imagery
from annotator.domain.masks import values_of
from annotator.domain.quality_rules import change_quality_rules
from annotator.domain.reviews import reopen_patch, review_patch
from annotator.enums import (
    DOUBLE_TRANSITIONS,
    PATCH_TRANSITIONS,
    READING_TRANSITIONS,
    Decision,
    DoubleState,
    ImageryProblem,
    PatchState,
    ReadingState,
    Role,
    Verdict,
)
from annotator.errors import (
    BadRule,
    ClaimLost,
    Disputed,
    IllegalTransition,
    MilpaError,
    RevisionConflict,
    SecondReadingOpen,
)
from annotator.models import (
    Annotation,
    Comparison,
    DoubleAnnotation,
    Event,
    Patch,
    Project,
    Reading,
    Revision,
)
from annotator.queries.chosen import is_chosen
from annotator.queries.labels import approved_revisions
from tests.factories import make_member, make_patch, make_project, make_user, mask_of, submit

pytestmark = pytest.mark.django_db


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def project() -> Project:
    project = make_project()
    Project.objects.filter(pk=project.pk).update(double_share=1.0)
    project.refresh_from_db()
    return project


@pytest.fixture
def ann(project: Project) -> User:
    return make_member(project)


@pytest.fixture
def bea(project: Project) -> User:
    return make_member(project)


@pytest.fixture
def patch(project: Project, ann: User, bea: User) -> Patch:
    """Submitted by one person, so that a second one is wanted."""
    patch = make_patch(project)
    submit(patch, ann, drawn(0))
    return Patch.objects.get(pk=patch.pk)


def drawn(differing_rows: int) -> np.ndarray:
    """Half field, half other; so many rows of the field are other too."""
    mask = mask_of(0)
    mask[128 + differing_rows :] = 1
    return mask


def read_by(patch: Patch, user: User, mask: np.ndarray) -> Revision:
    claimed = claim_next(project=patch.project, user=user).patch
    assert claimed == patch
    return save_mask(patch=patch, user=user, mask=mask, base_number=0, submit=True)


def state_of(patch: Patch) -> tuple[str, str]:
    patch = Patch.objects.get(pk=patch.pk)
    return patch.state, patch.double.state


def test_a_share_takes_that_share_of_patches_and_a_larger_one_takes_them_too(project: Project) -> None:
    keys = [f"12{n:05d}" for n in range(4000)]
    taken = {
        share: {key for key in keys if is_chosen(project, key, share, "double")} for share in (0, 0.1, 0.5, 1)
    }
    assert (len(taken[0]), len(taken[1])) == (0, 4000)
    assert 330 < len(taken[0.1]) < 470
    assert taken[0.1] < taken[0.5]
    project.quality_seed = "another"
    assert taken[0.1] != {key for key in keys if is_chosen(project, key, 0.1, "double")}


def test_agreeing_masks_go_to_review_with_that_said(project: Project, patch: Patch, bea: User) -> None:
    lead = project.created_by
    assert state_of(patch) == ("submitted", "wanted")
    with pytest.raises(SecondReadingOpen):
        review_patch(patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=1)
    assert not listed(lead, patch), "it is not offered for review yet"
    read_by(patch, bea, drawn(2))
    assert state_of(patch) == ("submitted", "agreed")
    assert listed(lead, patch)
    page = client_of(lead).get(f"/projects/{project.slug}/review/").content.decode()
    assert "Two masks agree (0.98)" in page
    review_patch(patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=1)
    assert [row.author for row in approved_revisions(project.pk)] == [patch.annotation.current.author]
    event = Event.objects.get(subject="doubleannotation", verb="agreed")
    assert event.facts["miou"] == pytest.approx((126 / 128 + 128 / 130) / 2)


def listed(user: User, patch: Patch) -> bool:
    path = f"/api/v1/projects/{patch.project.slug}/patches/?state=submitted&awaits=review"
    return patch.pk in [row["id"] for row in client_of(user).get(path).json()["results"]]


@pytest.mark.parametrize("decision", Decision)
def test_masks_that_disagree_are_decided_between(
    project: Project, patch: Patch, ann: User, bea: User, decision: Decision
) -> None:
    lead = project.created_by
    read_by(patch, bea, drawn(100))
    assert state_of(patch) == ("submitted", "disputed")
    with pytest.raises(Disputed):
        review_patch(patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=1)
    answer = client_of(lead).post(
        f"/api/v1/patches/{patch.pk}/adjudication/", {"decision": decision}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["state"]) == (200, "approved")
    assert state_of(patch) == ("approved", "settled")
    truth = approved_revisions(project.pk).get()
    chosen, mask = {"first": (ann, drawn(0)), "second": (bea, drawn(100))}[decision]
    assert truth.author == chosen
    assert np.array_equal(values_of(truth.mask_png), mask)
    with pytest.raises(IllegalTransition):
        adjudicate(patch=patch, user=lead, decision=decision)


def test_a_reviewer_goes_on_from_one_of_both_masks(project: Project, patch: Patch, bea: User) -> None:
    lead = project.created_by
    read_by(patch, bea, drawn(100))
    adjudicate(patch=patch, user=lead, decision=Decision.SECOND, redraws=True)
    assert state_of(patch) == ("claimed", "settled")
    document = client_of(lead).get(f"/api/v1/patches/{patch.pk}/").json()
    assert (document["claim"]["mine"], document["revision"]["author"]) == (True, bea.username)
    revision = save_mask(patch=patch, user=lead, mask=drawn(50), base_number=2, submit=True)
    assert state_of(patch) == ("submitted", "settled"), "nobody is asked a second time"
    review_patch(patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=revision.number)


def test_a_dispute_can_be_returned_to_the_first_annotator(
    project: Project, patch: Patch, ann: User, bea: User
) -> None:
    read_by(patch, bea, drawn(100))
    review_patch(
        patch=patch,
        user=project.created_by,
        verdict=Verdict.RETURN,
        revision_number=1,
        comment="Both missed it.",
    )
    assert state_of(patch) == ("returned", "settled")
    assert claim_next(project=project, user=ann).patch == patch


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


def test_every_role_reaches_what_it_may(project: Project, patch: Patch) -> None:
    rules, double = f"/api/v1/projects/{project.slug}/quality/rules/", f"/api/v1/patches/{patch.pk}/double/"
    calls: list[tuple[str, str, set[Role]]] = [
        ("get", rules, {Role.LEAD, Role.ML_STAFF}),
        ("patch", rules, {Role.LEAD, Role.ML_STAFF}),
        ("get", double, {Role.LEAD}),
        ("post", f"/api/v1/patches/{patch.pk}/adjudication/", {Role.LEAD}),
        ("get", f"/projects/{project.slug}/review/{patch.pk}/two/", {Role.LEAD}),
    ]
    for method, path, roles in calls:
        for role in Role:
            answer = getattr(client_of(make_member(project, role)), method)(
                path, content_type="application/json"
            )
            assert answer.status_code not in {401, 404, 500}, (role, path)
            assert (answer.status_code == 403) == (role not in roles), (role, path)
        stranger = client_of(make_member(make_project(name="Hill")))
        assert getattr(stranger, method)(path, content_type="application/json").status_code == 404, path


def test_rules_of_quality_are_set_and_refused(project: Project) -> None:
    client, path = client_of(project.created_by), f"/api/v1/projects/{project.slug}/quality/rules/"
    answer = client.patch(path, {"consensus_miou": 0.7}, content_type="application/json")
    assert answer.json() == {
        "double_share": 1.0,
        "gold_share": 0.0,
        "blind_share": 0.0,
        "consensus_miou": 0.7,
    }
    event = Event.objects.get(verb="quality rules changed")
    assert event.facts["before"]["consensus_miou"] == 0.8
    answer = client.patch(path, {"double_share": 1.2}, content_type="application/json")
    assert (answer.status_code, answer.json()["field"]) == (422, "double_share")
    with pytest.raises(BadRule, match="no rule 'luck'"):
        change_quality_rules(project=project, user=project.created_by, luck=1)


@pytest.mark.parametrize("seed", range(6))
def test_random_walks_of_three_people_stay_in_all_tables(project: Project, seed: int) -> None:
    lead, people = project.created_by, [make_member(project) for _ in range(3)]
    patch, rng = make_patch(project), random.Random(seed)

    def judge(verdict: Verdict) -> Callable[[User], object]:
        def verb(_: User) -> object:
            annotation = Annotation.objects.get(patch=patch)
            return review_patch(
                patch=patch, user=lead, verdict=verdict, revision_number=annotation.current.number, comment="so"
            )  # fmt: skip

        return verb

    def save(who: User) -> object:
        annotation = Annotation.objects.filter(reading__patch=patch, reading__reader=who).first()
        annotation = annotation or Annotation.objects.filter(patch=patch).first()
        base = annotation.current.number if annotation and annotation.current else 0
        return save_mask(
            patch=patch,
            user=who,
            mask=drawn(rng.choice([0, 120])),
            base_number=base,
            submit=rng.random() < 0.7,
        )

    verbs: list[Callable[[User], object]] = [
        lambda who: claim_next(project=project, user=who),
        lambda who: release_claim(patch=patch, user=who),
        save,
        save,
        judge(Verdict.APPROVE),
        judge(Verdict.RETURN),
        lambda _: adjudicate(
            patch=patch, user=lead, decision=rng.choice(list(Decision)), redraws=rng.random() < 0.3
        ),
        lambda _: withdraw_second(patch=patch, user=lead) if rng.random() < 0.2 else None,
        lambda _: reopen_patch(patch=patch, user=lead, comment="again"),
    ]
    for _ in range(50):
        with contextlib.suppress(MilpaError, Annotation.DoesNotExist):
            rng.choice(verbs)(rng.choice(people))
        patch.refresh_from_db()
        double = DoubleAnnotation.objects.filter(patch=patch).first()
        assert Reading.objects.filter(patch=patch, state=ReadingState.HELD).count() <= 1
        if double and double.state == DoubleState.WANTED:
            assert patch.state == PatchState.SUBMITTED, "nothing is decided before both are in"
        if patch.state == PatchState.APPROVED:
            assert double is None or double.state not in {DoubleState.WANTED, DoubleState.DISPUTED}
    for subject, table in (
        ("patch", PATCH_TRANSITIONS), ("reading", READING_TRANSITIONS), ("doubleannotation", DOUBLE_TRANSITIONS),
    ):  # fmt: skip
        for event in Event.objects.filter(subject=subject).exclude(from_state=""):
            assert event.to_state in table[event.from_state]
    beside = Revision.objects.filter(annotation__reading__isnull=False)
    assert not beside.filter(annotation__reading__reader_id__in=[lead.pk]).exists()
    assert not beside.exclude(author=F("annotation__reading__reader")).exists()
