"""Comments pinned to places of a revision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotator.domain.events import record_event
from annotator.errors import CommentMissing
from annotator.models import PinnedComment, Revision


@dataclass(frozen=True)
class Pin:
    """What is said about the pixel ``x`` from the west and ``y`` from the north side of the patch."""

    x: int
    y: int
    text: str


def pin_comments(*, revision: Revision, user: User, pins: Sequence[Pin]) -> None:
    """Raises CommentMissing where a place is marked and nothing said."""
    if not all(pin.text.strip() for pin in pins):
        raise CommentMissing(_("Say what is meant at each place that you marked."))
    PinnedComment.objects.bulk_create(
        PinnedComment(revision=revision, author=user, x=pin.x, y=pin.y, text=pin.text.strip()) for pin in pins
    )


@transaction.atomic
def answer_pin(*, pin: PinnedComment, user: User, text: str) -> PinnedComment:
    """Says something back; a later answer takes the place of an earlier one, which the record keeps."""
    if not text.strip():
        raise CommentMissing(_("Write an answer first."))
    pin = PinnedComment.objects.select_for_update().get(pk=pin.pk)
    pin.answer, pin.answered_by = text.strip(), user
    pin.save(update_fields=["answer", "answered_by"])
    _record(pin, "comment answered", user, answer=pin.answer)
    return pin


@transaction.atomic
def resolve_pin(*, pin: PinnedComment, user: User) -> PinnedComment:
    """Says that it is done; doing so twice changes nothing."""
    pin = PinnedComment.objects.select_for_update().get(pk=pin.pk)
    if pin.resolved_at is None:
        pin.resolved_at, pin.resolved_by = timezone.now(), user
        pin.save(update_fields=["resolved_at", "resolved_by"])
        _record(pin, "comment resolved", user)
    return pin


def _record(pin: PinnedComment, verb: str, user: User, **facts: str) -> None:
    record_event(
        pin.revision.annotation.drawn_patch, verb, actor=user, x=pin.x, y=pin.y, comment=pin.text, **facts
    )
