"""Deciding between two masks of one patch that do not agree."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from annotator.domain.claims import claim_patch
from annotator.domain.corrections import record_correction
from annotator.domain.doubles import lock_double
from annotator.domain.events import record_event
from annotator.domain.patch_work import note_submission
from annotator.domain.reviews import review_patch
from annotator.domain.spot_checks import note_spot_outcome
from annotator.enums import Decision, DoubleState, PatchState, SpotOutcome, Verdict
from annotator.errors import IllegalTransition
from annotator.models import Annotation, Event, Patch, QueueEntry, Reading, Revision
from annotator.queries.imagery_reports import REPORTED


@transaction.atomic
def adjudicate(
    *, patch: Patch, user: User, decision: Decision, comment: str = "", redraws: bool = False
) -> Revision:
    """Approves one of both masks; with ``redraws`` the reviewer gets the patch instead, to go on from that mask.

    The second person's mask becomes a revision of the patch under that person's name, and all that is counted of the
    patch is of that mask from then on. What the other one drew is kept; a spot check of it found that it did not
    stand. Raises IllegalTransition unless the patch waits for this decision.
    """
    patch = Patch.objects.select_for_update().get(pk=patch.pk)
    double = lock_double(patch.pk)
    if double is None or double.state != DoubleState.DISPUTED or patch.state != PatchState.SUBMITTED:
        raise IllegalTransition(
            "There is nothing to decide between on this patch. Reload to see its present state."
        )
    annotation = Annotation.objects.select_related("current").get(patch=patch)
    revision = annotation.current
    assert revision is not None, "the patch was submitted"
    assert double.reading is not None, "a dispute is between two masks"
    if redraws or decision == Decision.SECOND:
        note_spot_outcome(
            patch=patch,
            annotator_id=revision.author_id,
            user=user,
            outcome=SpotOutcome.FIXED if redraws else SpotOutcome.RETURNED,
        )
    if decision == Decision.SECOND:
        revision = _take_over(annotation, double.reading)
    record_event(double, "decided", actor=user, decision=decision, revision=revision.number, redraws=redraws)
    said = comment.strip()
    if redraws:
        said = said or "The reviewer draws this patch."
    review_patch(
        patch=patch,
        user=user,
        verdict=Verdict.RETURN if redraws else Verdict.APPROVE,
        revision_number=revision.number,
        comment=said,
        decides_dispute=True,
    )
    if redraws:
        QueueEntry.objects.filter(patch=patch).update(reserved_for=user)
        claim_patch(patch=patch, user=user)
    return revision


def _take_over(annotation: Annotation, reading: Reading) -> Revision:
    """A copy of the reading's mask as the patch's current revision, submitted when the reading was."""
    drawn = reading.annotation.current
    assert drawn is not None, "the reading was submitted"
    last = annotation.revisions.aggregate(last=Max("number"))["last"]
    copy = Revision.objects.create(
        annotation=annotation,
        number=last + 1,
        author=drawn.author,
        mask_png=drawn.mask_png,
        proposal=drawn.proposal,
        hidden_proposal=drawn.hidden_proposal,
        is_submitted=True,
        seconds_spent=drawn.seconds_spent,
        stroke_count=drawn.stroke_count,
        pixels_changed=drawn.pixels_changed,
    )
    annotation.current = copy
    annotation.save(update_fields=["current"])
    note_submission(patch=annotation.drawn_patch, revision=copy, submitted_at=drawn.saved_at)
    record_correction(copy, drawn_in=reading.annotation)
    report = Event.objects.filter(
        subject="reading", subject_id=reading.pk, verb=REPORTED, facts__revision=drawn.number
    ).last()
    if report is not None:
        record_event(
            annotation.drawn_patch, REPORTED, actor=drawn.author, **report.facts | {"revision": copy.number}
        )
    return copy
