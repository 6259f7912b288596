"""The labelling queue under real PostgreSQL locks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from annotator.domain.claims import (
    Outcome,
    claim_next,
    claim_patch,
    release_claim,
    renew_claim,
    sweep_expired_claims,
)
from annotator.domain.members import remove_member
from annotator.domain.reviews import review_patch
from annotator.enums import PatchState, Verdict
from annotator.errors import ClaimLost
from annotator.models import Event, Membership, QueueEntry
from tests.factories import make_member, make_patch, make_project, submit

pytestmark = pytest.mark.django_db


def test_the_most_uncertain_open_patch_is_served_first() -> None:
    project = make_project()
    make_patch(project, score=0.2)
    best = make_patch(project, score=0.9)
    result = claim_next(project=project, user=make_member(project))
    assert (result.outcome, result.patch) == (Outcome.CLAIMED, best)


def test_asking_again_gives_the_patch_that_is_held_already() -> None:
    project = make_project()
    make_patch(project, score=0.1)
    user = make_member(project)
    first = claim_next(project=project, user=user).patch
    make_patch(project, score=0.9)
    assert claim_next(project=project, user=user).patch == first


def test_a_skipped_patch_comes_back_only_when_nothing_else_is_left() -> None:
    project = make_project()
    first, second = make_patch(project, score=0.9), make_patch(project, score=0.1)
    user = make_member(project)
    assert claim_next(project=project, user=user).patch == first
    release_claim(patch=first, user=user)
    assert claim_next(project=project, user=user).patch == second
    release_claim(patch=second, user=user)
    assert claim_next(project=project, user=user).patch == first


def test_all_claimed_is_told_apart_from_finished_and_from_empty() -> None:
    project = make_project()
    annotator, other = make_member(project), make_member(project)
    assert claim_next(project=project, user=annotator).outcome == Outcome.EMPTY
    patch = make_patch(project)
    claim_patch(patch=patch, user=other)
    waiting = claim_next(project=project, user=annotator)
    assert waiting.outcome == Outcome.ALL_CLAIMED
    assert waiting.until == QueueEntry.objects.get(patch=patch).expires_at
    submit(patch, other)
    assert claim_next(project=project, user=annotator).outcome == Outcome.FINISHED


def test_an_expired_claim_goes_back_to_the_queue_and_is_recorded() -> None:
    project = make_project()
    patch, user = make_patch(project), make_member(project)
    claim_patch(patch=patch, user=user)
    assert sweep_expired_claims() == 0
    QueueEntry.objects.filter(patch=patch).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert sweep_expired_claims() == 1
    patch.refresh_from_db()
    assert patch.state == PatchState.UNLABELLED
    assert Event.objects.filter(
        subject="patch", subject_id=patch.pk, verb="claim expired", actor=None
    ).exists()
    with pytest.raises(ClaimLost):
        renew_claim(patch=patch, user=user)


def test_a_returned_patch_waits_for_its_annotator_before_all_others() -> None:
    project = make_project()
    lead = project.created_by
    author, other = make_member(project), make_member(project)
    patch = make_patch(project, score=0.1)
    revision = submit(patch, author)
    review_patch(
        patch=patch,
        user=lead,
        verdict=Verdict.RETURN,
        revision_number=revision.number,
        comment="The track is missing.",
    )
    fresh = make_patch(project, score=5.0)
    assert claim_next(project=project, user=other).patch == fresh
    assert claim_next(project=project, user=author).patch == patch
    release_claim(patch=patch, user=author)
    patch.refresh_from_db()
    assert patch.state == PatchState.RETURNED


def test_a_patch_that_somebody_holds_cannot_be_claimed_by_name() -> None:
    project = make_project()
    patch = make_patch(project)
    claim_patch(patch=patch, user=make_member(project))
    with pytest.raises(ClaimLost, match="somebody else"):
        claim_patch(patch=patch, user=make_member(project))


def test_a_returned_patch_is_anybodys_once_its_annotator_left_the_project() -> None:
    project = make_project()
    lead, author = project.created_by, make_member(project)
    patch = make_patch(project)
    revision = submit(patch, author)
    review_patch(
        patch=patch, user=lead, verdict=Verdict.RETURN, revision_number=revision.number, comment="Again."
    )
    remove_member(membership=Membership.objects.get(project=project, user=author), user=lead)
    assert claim_next(project=project, user=make_member(project)).patch == patch


@pytest.mark.django_db(transaction=True)
def test_sixteen_annotators_at_once_never_get_the_same_patch() -> None:
    project = make_project()
    for score in range(64):
        make_patch(project, score=float(score))
    users = [make_member(project) for _ in range(16)]

    def claim_and_submit(user) -> list[int]:  # type: ignore[no-untyped-def]
        try:
            got = []
            for _ in range(4):
                patch = claim_next(project=project, user=user).patch
                assert patch is not None
                got.append(patch.pk)
                submit(patch, user)
            return got
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        served = [pk for got in pool.map(claim_and_submit, users) for pk in got]
    assert sorted(served) == sorted(project.patches.values_list("pk", flat=True))
