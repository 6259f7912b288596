from __future__ import annotations

import numpy as np
import pytest

from annotator.domain.annotations import Effort, save_mask
from annotator.domain.claims import claim_patch, release_claim
from annotator.domain.masks import values_of
from annotator.enums import PatchState
from annotator.errors import BadMask, ClaimLost, RevisionConflict
from annotator.models import Annotation, QueueEntry, Revision
from tests.factories import make_member, make_patch, make_project, make_proposal, mask_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():  # type: ignore[no-untyped-def]
    return make_project()


def test_a_draft_is_kept_and_the_patch_stays_claimed(project) -> None:  # type: ignore[no-untyped-def]
    patch, user = make_patch(project), make_member(project)
    claim_patch(patch=patch, user=user)
    mask = mask_of(1)
    mask[10:20, 30:40] = 255
    revision = save_mask(patch=patch, user=user, mask=mask, base_number=0, submit=False)
    patch.refresh_from_db()
    assert patch.state == PatchState.CLAIMED
    assert np.array_equal(values_of(Revision.objects.get(pk=revision.pk).mask_png), mask)


def test_a_submitted_patch_leaves_the_queue_and_counts_what_the_person_changed(project) -> None:  # type: ignore[no-untyped-def]
    patch, user = make_patch(project), make_member(project)
    proposal = make_proposal(patch, value=1)
    claim_patch(patch=patch, user=user)
    mask = mask_of(1)
    mask[:10, :10] = 2
    revision = save_mask(
        patch=patch,
        user=user,
        mask=mask,
        base_number=0,
        submit=True,
        proposal=proposal,
        effort=Effort(seconds=40, strokes=3),
    )
    patch.refresh_from_db()
    assert patch.state == PatchState.SUBMITTED
    assert not QueueEntry.objects.filter(patch=patch).exists()
    assert (revision.pixels_changed, revision.seconds_spent, revision.stroke_count) == (100, 40, 3)


def test_a_save_on_an_old_revision_keeps_both_masks(project) -> None:  # type: ignore[no-untyped-def]
    patch, user = make_patch(project), make_member(project)
    claim_patch(patch=patch, user=user)
    first = save_mask(patch=patch, user=user, mask=mask_of(1), base_number=0, submit=False)
    with pytest.raises(RevisionConflict) as caught:
        save_mask(patch=patch, user=user, mask=mask_of(2), base_number=0, submit=True)
    kept = Revision.objects.get(pk=caught.value.facts["kept"])
    assert caught.value.facts["current"] == first.pk
    assert kept.is_conflicting
    assert np.array_equal(values_of(kept.mask_png), mask_of(2))
    assert Annotation.objects.get(patch=patch).current == first
    patch.refresh_from_db()
    assert patch.state == PatchState.CLAIMED
    resolved = save_mask(patch=patch, user=user, mask=mask_of(2), base_number=first.number, submit=True)
    assert resolved.number == 3


def test_the_same_save_sent_twice_happens_once(project) -> None:  # type: ignore[no-untyped-def]
    patch, user = make_patch(project), make_member(project)
    claim_patch(patch=patch, user=user)
    saves = [
        save_mask(
            patch=patch, user=user, mask=mask_of(1), base_number=0, submit=True, idempotency_key="a-key"
        )
        for _ in range(2)
    ]
    assert saves[0] == saves[1]
    assert Revision.objects.count() == 1


def test_a_key_answers_with_its_first_outcome_whatever_was_saved_since(project) -> None:  # type: ignore[no-untyped-def]
    patch, user = make_patch(project), make_member(project)
    claim_patch(patch=patch, user=user)
    first = save_mask(patch=patch, user=user, mask=mask_of(1), base_number=0, submit=False)
    outcomes = []
    for base in (0, first.number):
        with pytest.raises(RevisionConflict) as caught:
            save_mask(
                patch=patch, user=user, mask=mask_of(2), base_number=base, submit=True, idempotency_key="key"
            )
        outcomes.append(caught.value.facts)
    assert outcomes[0] == outcomes[1]
    assert Annotation.objects.get(patch=patch).current == first
    patch.refresh_from_db()
    assert patch.state == PatchState.CLAIMED
    assert Revision.objects.count() == 2


def test_a_claim_that_ran_out_is_taken_up_again_by_a_save(project) -> None:  # type: ignore[no-untyped-def]
    patch, user = make_patch(project), make_member(project)
    claim_patch(patch=patch, user=user)
    release_claim(patch=patch, user=user)
    save_mask(patch=patch, user=user, mask=mask_of(1), base_number=0, submit=False)
    assert QueueEntry.objects.get(patch=patch).holder == user


def test_a_save_on_a_patch_that_somebody_else_took_is_refused_without_a_trace(project) -> None:  # type: ignore[no-untyped-def]
    patch = make_patch(project)
    claim_patch(patch=patch, user=make_member(project))
    with pytest.raises(ClaimLost):
        save_mask(patch=patch, user=make_member(project), mask=mask_of(1), base_number=0, submit=False)
    assert not Revision.objects.exists()


def test_a_value_outside_the_legend_is_named(project) -> None:  # type: ignore[no-untyped-def]
    patch, user = make_patch(project), make_member(project)
    claim_patch(patch=patch, user=user)
    with pytest.raises(BadMask, match="value 7,") as caught:
        save_mask(patch=patch, user=user, mask=mask_of(7), base_number=0, submit=False)
    assert caught.value.facts["unknown_values"] == [7]


def test_a_proposal_of_another_patch_is_refused(project) -> None:  # type: ignore[no-untyped-def]
    patch, user = make_patch(project), make_member(project)
    with pytest.raises(BadMask, match="another patch"):
        save_mask(
            patch=patch,
            user=user,
            mask=mask_of(1),
            base_number=0,
            submit=False,
            proposal=make_proposal(make_patch(project)),
        )
