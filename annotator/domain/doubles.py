"""Patches that two people draw, each blind to the other: which, and what becomes of the two masks."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from annotator.domain.events import move, record_event
from annotator.enums import DOUBLE_TRANSITIONS, DoubleState
from annotator.errors import Disputed, IllegalTransition, SecondReadingOpen
from annotator.models import Comparison, DoubleAnnotation, Patch, Reading, Revision
from annotator.queries.chosen import is_chosen
from annotator.queries.readings import blind_members


def want_second(patch: Patch, first: Revision) -> None:
    """Asks for a second reading of a patch that was submitted for the first time, if the project's share takes it.

    Where nobody could draw it blind none is asked for, as the patch would wait for ever. The caller has locked the
    patch.
    """
    project = patch.project
    if not is_chosen(project, patch.quadkey, project.double_share, "double"):
        return
    authors = Revision.objects.filter(annotation=first.annotation_id).values("author")
    if not blind_members(project.pk).exclude(user__in=authors).exists():
        return
    double, is_new = DoubleAnnotation.objects.get_or_create(
        patch=patch,
        defaults={"project_id": project.pk, "first": first, "share": project.double_share},
    )
    if is_new:
        record_event(
            double,
            "wanted",
            actor=None,
            to_state=DoubleState.WANTED,
            share=double.share,
            revision=first.number,
        )


def conclude(double: DoubleAnnotation, comparison: Comparison) -> None:
    """Both masks are in: they agree, or a reviewer decides between them. The caller has locked the row."""
    double.agreement = comparison.miou
    double.consensus_miou = double.patch.project.consensus_miou
    agree = double.agreement >= double.consensus_miou
    move(
        double,
        DoubleState.AGREED if agree else DoubleState.DISPUTED,
        DOUBLE_TRANSITIONS,
        "agreed" if agree else "disputed",
        actor=None,
        fields=("agreement", "consensus_miou"),
        miou=double.agreement,
        asked_for=double.consensus_miou,
    )


@transaction.atomic
def withdraw_second(*, patch: Patch, user: User) -> DoubleAnnotation:
    """Calls the second reading off, so that the patch can be reviewed; what the second person drew is kept.

    Raises IllegalTransition where none is open.
    """
    double = lock_double(patch.pk)
    if double is None:
        raise IllegalTransition(
            "No second reading was asked for on this patch, so there is none to call off."
        )
    move(double, DoubleState.WITHDRAWN, DOUBLE_TRANSITIONS, "withdrawn", actor=user)
    return double


def settle_for_review(patch: Patch, user: User, *, decides: bool) -> None:
    """Lets a review go on, or says what has to happen before: an open second reading comes in, a dispute is decided.

    The caller has locked the patch. Raises SecondReadingOpen, and Disputed unless the verdict ``decides``.
    """
    double = lock_double(patch.pk)
    if double is None:
        return
    if double.state == DoubleState.WANTED:
        raise SecondReadingOpen(
            "A second person still draws this patch. Review it when both masks are in, or call the second off."
        )
    if double.state == DoubleState.DISPUTED:
        if not decides:
            raise Disputed(
                "Two people do not agree on this patch. Open it and choose one of both masks, or return it."
            )
        move(double, DoubleState.SETTLED, DOUBLE_TRANSITIONS, "settled", actor=user)


def lock_double(patch_id: int) -> DoubleAnnotation | None:
    """Locks the patch's double annotation, before any of its readings."""
    return DoubleAnnotation.objects.select_for_update().filter(patch_id=patch_id).first()


def second_wanted(patch_id: int) -> DoubleAnnotation | None:
    """The patch's double annotation, locked, if it waits for somebody to take it."""
    double = lock_double(patch_id)
    is_open = double is not None and double.state == DoubleState.WANTED and double.reading_id is None
    return double if is_open else None


def give_to(double: DoubleAnnotation, reading: Reading | None) -> None:
    """Notes who draws the second mask; None where nobody does any more."""
    double.reading = reading
    double.save(update_fields=["reading"])
