from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotator.domain.assignments import assignment_of
from annotator.domain.claims import claim_patch
from annotator.domain.doubles import settle_for_review
from annotator.domain.events import move
from annotator.domain.parcels import want_parcels
from annotator.domain.patch_work import note_reopening, note_verdict
from annotator.domain.pins import Pin, pin_comments
from annotator.domain.spot_checks import note_spot_outcome
from annotator.enums import PATCH_TRANSITIONS, PatchState, QueueReason, SpotOutcome, Verdict
from annotator.errors import CommentMissing, RevisionConflict
from annotator.models import Annotation, Patch, QueueEntry, Review, Revision
from annotator.queries.access import draws_in

# A returned patch is served to its annotator before anything that a ranking scores.
RETURNED_SCORE = 1e6


@transaction.atomic
def review_patch(
    *,
    patch: Patch,
    user: User,
    verdict: Verdict,
    revision_number: int,
    comment: str = "",
    pins: Sequence[Pin] = (),
    decides_dispute: bool = False,
    in_bulk: bool = False,
) -> Review:
    """Approves or returns the submitted revision; a returned patch waits for its annotator with the comments.

    ``pins`` are comments on places; what they say stands for a ``comment`` that is empty.
    Where two people drew the patch and do not agree, an approval has to be for one of both masks, which
    ``decides_dispute`` says; see `annotator.domain.adjudication`.
    An approval ``in_bulk``, of many patches at once, leaves spot checks open: nobody looked at each of them.
    Raises RevisionConflict when the revision reviewed is not the current one, CommentMissing for a return
    without a word, IllegalTransition when the patch is not waiting for review, SecondReadingOpen, Disputed.
    """
    comment = comment.strip() or "\n".join(pin.text.strip() for pin in pins)
    if verdict == Verdict.RETURN and not comment:
        raise CommentMissing(_("Tell the annotator what to change: a return needs a comment."))
    patch = Patch.objects.select_for_update().get(pk=patch.pk)
    revision = _current_revision(patch)
    if revision is None or revision.number != revision_number:
        raise RevisionConflict(
            _("The patch has a newer revision than the one you looked at. Reload and look again."),
            current=revision.pk if revision else None,
        )
    if patch.state == PatchState.SUBMITTED:
        settle_for_review(patch, user, decides=decides_dispute or verdict == Verdict.RETURN)
    facts: dict[str, Any] = {"in_bulk": True} if in_bulk else {}
    state = PatchState.APPROVED if verdict == Verdict.APPROVE else PatchState.RETURNED
    move(
        patch,
        state,
        PATCH_TRANSITIONS,
        "approved" if verdict == Verdict.APPROVE else "returned",
        actor=user,
        only_from=PatchState.SUBMITTED,
        revision=revision.number,
        comment=comment,
        **facts,
    )
    # After a reopening the same revision is judged again: the newest verdict stands, events keep the others.
    review, _is_new = Review.objects.update_or_create(
        revision=revision,
        defaults={"reviewer": user, "verdict": verdict, "comment": comment, "decided_at": timezone.now()},
    )
    pin_comments(revision=revision, user=user, pins=pins)
    note_verdict(review=review, patch=patch)
    if verdict == Verdict.RETURN or not in_bulk:
        note_spot_outcome(
            patch=patch,
            annotator_id=revision.author_id,
            user=user,
            outcome=SpotOutcome.PASSED if verdict == Verdict.APPROVE else SpotOutcome.RETURNED,
        )
    if verdict == Verdict.APPROVE:
        want_parcels(patch)
    else:
        QueueEntry.objects.create(
            patch=patch,
            project_id=patch.project_id,
            score=RETURNED_SCORE,
            reason=QueueReason.RETURNED,
            reserved_for=revision.author if draws_in(patch.project_id, revision.author) else None,
            assignment_id=assignment_of(patch),
        )
    return review


@transaction.atomic
def fix_patch(*, patch: Patch, user: User, revision_number: int, comment: str = "") -> Patch:
    """Takes a submitted patch over from its annotator, so that the reviewer draws the next revision of it.

    Recorded as what it is: a return, and a claim by the reviewer. Raises what those raise.
    """
    current = _current_revision(patch)
    if current is not None:
        # Before the return is noted, which it is not.
        note_spot_outcome(patch=patch, annotator_id=current.author_id, user=user, outcome=SpotOutcome.FIXED)
    review_patch(
        patch=patch,
        user=user,
        verdict=Verdict.RETURN,
        revision_number=revision_number,
        comment=comment.strip() or _("%(reviewer)s draws it.") % {"reviewer": user.get_username()},
    )
    QueueEntry.objects.filter(patch=patch).update(reserved_for=user)
    return claim_patch(patch=patch, user=user)


@transaction.atomic
def reopen_patch(*, patch: Patch, user: User, comment: str) -> Patch:
    """Takes an approval back, so that the patch waits for review again; the reason is recorded."""
    if not comment.strip():
        raise CommentMissing(_("Say why the approval is taken back."))
    patch = Patch.objects.select_for_update().get(pk=patch.pk)
    move(
        patch,
        PatchState.SUBMITTED,
        PATCH_TRANSITIONS,
        "reopened",
        actor=user,
        only_from=PatchState.APPROVED,
        comment=comment.strip(),
    )
    note_reopening(patch=patch, comment=comment.strip())
    want_parcels(patch)
    return patch


def _current_revision(patch: Patch) -> Revision | None:
    annotation = Annotation.objects.filter(patch=patch).select_related("current").first()
    return annotation.current if annotation else None
