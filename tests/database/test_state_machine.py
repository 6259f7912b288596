"""Random sequences of verbs never leave the table of lawful transitions, nor a state without its rows."""

from __future__ import annotations

import contextlib
import random

import pytest

from annotator.domain.claims import claim_patch, release_claim
from annotator.domain.reviews import reopen_patch, review_patch
from annotator.enums import PATCH_TRANSITIONS, PatchState, Verdict
from annotator.errors import CommentMissing, IllegalTransition, MilpaError, RevisionConflict
from annotator.models import Annotation, Event, Patch, QueueEntry
from tests.factories import approve, make_member, make_patch, make_project, submit

pytestmark = pytest.mark.django_db


def _number(patch: Patch) -> int:
    annotation = Annotation.objects.filter(patch=patch).first()
    return annotation.current.number if annotation and annotation.current else 0


def _review(patch, lead, verdict):  # type: ignore[no-untyped-def]
    review_patch(patch=patch, user=lead, verdict=verdict, revision_number=_number(patch), comment="because")


@pytest.mark.parametrize("seed", range(8))
def test_random_walks_stay_in_the_table_and_every_change_is_recorded(seed: int) -> None:
    project = make_project()
    lead, annotators = project.created_by, [make_member(project), make_member(project)]
    patch = make_patch(project)
    rng = random.Random(seed)
    verbs = (
        lambda who: claim_patch(patch=patch, user=who),
        lambda who: release_claim(patch=patch, user=who),
        lambda who: submit(patch, who),
        lambda _: _review(patch, lead, Verdict.APPROVE),
        lambda _: _review(patch, lead, Verdict.RETURN),
        lambda _: reopen_patch(patch=patch, user=lead, comment="look again"),
    )
    state = PatchState.UNLABELLED
    seen = set()
    for _ in range(60):
        with contextlib.suppress(MilpaError):
            rng.choice(verbs)(rng.choice(annotators))
        patch.refresh_from_db()
        seen.add(patch.state)
        has_entry = QueueEntry.objects.filter(patch=patch).exists()
        assert has_entry == (patch.state in {"unlabelled", "claimed", "returned"})
        assert QueueEntry.objects.filter(patch=patch, holder__isnull=False).exists() == (
            patch.state == "claimed"
        )
    for event in Event.objects.filter(subject="patch", subject_id=patch.pk):
        assert event.from_state == state
        assert PatchState(event.to_state) in PATCH_TRANSITIONS[PatchState(event.from_state)]
        state = PatchState(event.to_state)
    assert state == patch.state
    assert len(seen) >= 3


def test_a_return_without_a_comment_is_refused() -> None:
    project = make_project()
    patch = make_patch(project)
    revision = submit(patch, make_member(project))
    with pytest.raises(CommentMissing):
        review_patch(
            patch=patch, user=project.created_by, verdict=Verdict.RETURN, revision_number=revision.number
        )
    patch.refresh_from_db()
    assert patch.state == PatchState.SUBMITTED


def test_a_review_of_an_older_revision_is_refused() -> None:
    project = make_project()
    patch = make_patch(project)
    submit(patch, make_member(project))
    with pytest.raises(RevisionConflict):
        review_patch(patch=patch, user=project.created_by, verdict=Verdict.APPROVE, revision_number=9)


def test_an_approved_patch_can_only_be_reopened() -> None:
    project = make_project()
    patch = make_patch(project)
    revision = approve(patch, project.created_by)
    with pytest.raises(IllegalTransition):
        review_patch(
            patch=patch, user=project.created_by, verdict=Verdict.APPROVE, revision_number=revision.number
        )
    assert (
        reopen_patch(patch=patch, user=project.created_by, comment="a field was missed").state == "submitted"
    )
