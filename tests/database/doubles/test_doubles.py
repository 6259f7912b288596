"""Patches that two people draw, each blind to the other: how many, and what becomes of both masks."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db.models import F

from annotator.domain.adjudication import adjudicate
from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_next, release_claim
from annotator.domain.doubles import withdraw_second
from annotator.domain.masks import values_of
from annotator.domain.quality_rules import change_quality_rules
from annotator.domain.reviews import reopen_patch, review_patch
from annotator.enums import (
    DOUBLE_TRANSITIONS,
    PATCH_TRANSITIONS,
    READING_TRANSITIONS,
    Decision,
    DoubleState,
    PatchState,
    ReadingState,
    Role,
    Verdict,
)
from annotator.errors import (
    BadRule,
    Disputed,
    IllegalTransition,
    MilpaError,
    SecondReadingOpen,
)
from annotator.models import (
    Annotation,
    DoubleAnnotation,
    Event,
    Patch,
    Project,
    Reading,
    Revision,
)
from annotator.queries.chosen import is_chosen
from annotator.queries.labels import approved_revisions
from tests.drawn_twice import drawn, read_by, state_of
from tests.factories import (
    client_of,
    make_member,
    make_patch,
    make_project,
)

pytestmark = pytest.mark.django_db


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
