from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from annotator.domain.claims import Lease, claim_patch, lock_entry
from annotator.domain.corrections import record_correction
from annotator.domain.doubles import want_second
from annotator.domain.events import move
from annotator.domain.masks import UNSURE, Mask, check_classes, png_of, values_of
from annotator.domain.patch_work import note_submission
from annotator.domain.readings import hold_on, lock_reading, submit_reading
from annotator.enums import PATCH_TRANSITIONS, Asks, PatchState
from annotator.errors import BadMask, RevisionConflict
from annotator.models import Annotation, LabelClass, Patch, Project, Proposal, QueueEntry, Reading, Revision
from annotator.queries.chosen import is_blind
from annotator.queries.proposals import shown_proposal


@dataclass(frozen=True)
class Effort:
    """What a save cost the person: seconds with the patch in focus and strokes drawn."""

    seconds: int = 0
    strokes: int = 0


def save_mask(
    *,
    patch: Patch,
    user: User,
    mask: Mask,
    base_number: int,
    submit: bool,
    proposal: Proposal | None = None,
    effort: Effort | None = None,
    idempotency_key: str = "",
    is_import: bool = False,
) -> Revision:
    """Adds a revision to the patch's annotation; with ``submit`` it goes to review.

    Where the person draws a blind reading of the patch, the revision is the reading's: the patch is untouched.
    ``base_number`` is the number of the revision that the person started from, 0 for none. When another
    revision was saved in the meantime, this one is kept beside the chain and RevisionConflict is raised
    with both. The same ``idempotency_key`` again has the outcome of the first time, whatever was saved since:
    the same revision, or RevisionConflict with the same one kept.
    Pixels of a class that was retired meanwhile become unsure. Raises ClaimLost when somebody else holds the
    patch, BadMask for a value outside the legend.
    """
    mask = _without_retired_classes(patch.project_id, mask)
    if proposal is not None and proposal.patch_id != patch.pk:
        raise BadMask(_("The proposal named in the save belongs to another patch. Reload the page."))
    with transaction.atomic():
        annotation, repeated = _held_annotation(patch, user, idempotency_key)
        if repeated is not None:
            return _first_outcome(repeated, annotation)
        current = annotation.current
        current_number = current.number if current else 0
        revision = _add_revision(
            annotation, user, mask, proposal, effort or Effort(), idempotency_key, is_import
        )
        if current_number != base_number:
            revision.is_conflicting = True
            revision.save(update_fields=["is_conflicting"])
        else:
            _make_current(annotation, revision, submit=submit, user=user)
    return _first_outcome(revision, annotation)


def _held_annotation(patch: Patch, user: User, key: str) -> tuple[Annotation, Revision | None]:
    """What the person's saves belong to, locked, and what the key has saved already; without such, it is theirs now.

    That is the annotation of the own reading, else the patch's. A claim that ran out is taken up again if nobody
    else has the patch: the work is not lost.
    """
    reading = lock_reading(patch.pk, user)
    if reading is not None:
        annotation, _is_new = Annotation.objects.get_or_create(reading=reading)
        repeated = _already_saved(annotation, user, key)
        if repeated is not None or hold_on(reading, user, timezone.now() + Lease.WORK.duration):
            return annotation, repeated
    lock_entry(patch.pk)
    patch = Patch.objects.select_for_update().get(pk=patch.pk)
    annotation, _is_new = Annotation.objects.get_or_create(patch=patch)
    repeated = _already_saved(annotation, user, key)
    if repeated is None:
        claim_patch(patch=patch, user=user, is_saving=True)
    return annotation, repeated


def _without_retired_classes(project_id: int, mask: Mask) -> Mask:
    """The mask with 255 for retired classes. Raises BadMask for values that never were a class."""
    rows = LabelClass.objects.filter(project_id=project_id)
    is_retired = {
        value: retired_at is not None for value, retired_at in rows.values_list("value", "retired_at")
    }
    check_classes(mask, frozenset(is_retired))
    retired = [value for value, gone in is_retired.items() if gone]
    return np.where(np.isin(mask, retired), np.uint8(UNSURE), mask) if retired else mask


def _first_outcome(revision: Revision, annotation: Annotation) -> Revision:
    """The revision, or RevisionConflict where it is kept beside the chain."""
    if revision.is_conflicting:
        raise RevisionConflict(
            _("Another revision was saved after you started. Both are kept: choose which one goes on."),
            current=annotation.current_id,
            kept=revision.pk,
        )
    return revision


def _already_saved(annotation: Annotation, user: User, idempotency_key: str) -> Revision | None:
    if not idempotency_key:
        return None
    return annotation.revisions.filter(author=user, idempotency_key=idempotency_key).first()


def _add_revision(
    annotation: Annotation,
    user: User,
    mask: Mask,
    proposal: Proposal | None,
    effort: Effort,
    idempotency_key: str,
    is_import: bool,
) -> Revision:
    last = annotation.revisions.aggregate(last=Max("number"))["last"] or 0
    hidden = None if is_import else _hidden_proposal(annotation, proposal)
    return Revision.objects.create(
        annotation=annotation,
        number=last + 1,
        author=user,
        mask_png=png_of(mask),
        proposal=proposal,
        hidden_proposal=hidden,
        seconds_spent=effort.seconds,
        stroke_count=effort.strokes,
        pixels_changed=_pixels_changed(annotation.drawn_patch.project, mask, proposal),
        idempotency_key=idempotency_key,
        is_import=is_import,
    )


def _hidden_proposal(annotation: Annotation, given: Proposal | None) -> Proposal | None:
    """The proposal that was kept from whoever drew this annotation from the beginning, None where none was."""
    patch, before = annotation.drawn_patch, annotation.current
    if given is not None or not is_blind(patch):
        return None
    if before is not None and before.hidden_proposal_id is None:
        return None
    shown = shown_proposal(patch.pk)
    return shown.proposal if shown is not None else None


def _pixels_changed(project: Project, mask: Mask, proposal: Proposal | None) -> int:
    """Against the proposal. Where points are asked for, what is left unsure was not looked at, so not changed."""
    start = values_of(proposal.mask_png) if proposal is not None else np.zeros_like(mask)
    changed = start != mask
    if project.asks_for == Asks.POINTS:
        changed &= mask != UNSURE
    return int(np.count_nonzero(changed))


def _make_current(annotation: Annotation, revision: Revision, *, submit: bool, user: User) -> None:
    annotation.current = revision
    annotation.save(update_fields=["current"])
    if not submit:
        return
    revision.is_submitted = True
    revision.save(update_fields=["is_submitted"])
    record_correction(revision)
    if annotation.reading_id is not None:
        submit_reading(Reading.objects.get(pk=annotation.reading_id), revision)
        return
    patch = Patch.objects.get(annotation=annotation)
    QueueEntry.objects.filter(patch=patch).delete()
    move(patch, PatchState.SUBMITTED, PATCH_TRANSITIONS, "submitted", actor=user, revision=revision.number)
    note_submission(patch=patch, revision=revision)
    if not revision.is_import:
        want_second(patch, revision)
