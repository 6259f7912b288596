"""What one person may see of a patch: its state, and whose masks."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet

from annotator.enums import PatchState, ReadingState, Role
from annotator.models import DoubleAnnotation, Patch, QueueEntry, Reading, Revision
from annotator.queries.access import member_roles
from annotator.queries.gold import is_hidden_gold, seen_as, stand_ins
from annotator.queries.prepared import Prepared
from annotator.queries.readings import reading_of

User = AbstractBaseUser | AnonymousUser


# The patch with its place in the queue, what put it there, and its newest mask: the row that is asked for most.
_ROWS = Prepared(
    lambda patch: (
        Patch.objects.filter(pk=patch)
        .select_related(
            "queue_entry__ranking__model_version",
            "queue_entry__ranking__scene",
            "annotation__current__author",
        )
        .defer(
            "square",
            "queue_entry__ranking__model_version__provenance",
            "queue_entry__ranking__model_version__verdict",
            "queue_entry__ranking__scene__footprint",
            "annotation__current__mask_png",
        )
    ),
    patch=int,
)


@dataclass(frozen=True)
class SeenPatch:
    """A patch as one person meets it; ``revision`` is what they would go on from, None where that is hidden."""

    state: PatchState
    entry: QueueEntry | None
    revision: Revision | None


def seen_by(patch: Patch, user: User) -> SeenPatch:
    """The patch, or the person's own reading in the patch's clothes."""
    [rows] = _ROWS.rows(patch=patch.pk)
    entry: QueueEntry | None = getattr(rows, "queue_entry", None)
    is_holder = entry is not None and entry.holder_id == user.pk
    # Whoever holds the patch itself meets it as it is.
    reading = None if is_holder else reading_of(patch, user)
    if reading is not None or (not is_holder and is_hidden_gold(patch, user)):
        annotation = getattr(reading, "annotation", None)
        state = seen_as(reading.state if reading else None)
        return SeenPatch(state, _entry_of(patch, reading, state), annotation.current if annotation else None)
    drawn = getattr(rows, "annotation", None)
    current = drawn.current if drawn else None
    if current and not is_holder and not _main_revisions(patch, user).filter(pk=current.pk).exists():
        current = None
    if entry is not None:
        entry.patch = patch
    if entry is not None and entry.ranking is not None:
        entry.ranking.project = patch.project
    return SeenPatch(PatchState(patch.state), entry, current)


def visible_revisions(patch: Patch, user: User) -> QuerySet[Revision]:
    """The patch's revisions that the person may see, the newest first; to a reader, those of the own reading.

    Leads see all, and so do ML staff unless the patch is drawn twice: then nobody else sees a mask before the patch
    is approved. An annotator sees all of an approved patch and of the one that they claimed, and else only what is
    their own: nobody copies an answer that waits for review.
    """
    reading = reading_of(patch, user)
    rows = _main_revisions(patch, user)
    if reading is not None:
        rows = Revision.objects.filter(annotation__reading=reading)
    return rows.select_related("author").defer("mask_png").order_by("-number")


def may_see(revision: Revision, user: User) -> bool:
    """Whether the person, a member of the project, may see the mask of this revision."""
    reading = revision.annotation.reading
    if reading is not None:
        return reading.reader_id == user.pk or Role.LEAD in member_roles(user, reading.project_id)
    return _main_revisions(revision.annotation.drawn_patch, user).filter(pk=revision.pk).exists()


def _main_revisions(patch: Patch, user: User) -> QuerySet[Revision]:
    """Those of the patch's own annotation that the person may see."""
    rows = Revision.objects.filter(annotation__patch=patch)
    roles = member_roles(user, patch.project_id)
    if Role.LEAD in roles or (patch.state == PatchState.APPROVED and not is_hidden_gold(patch, user)):
        return rows
    if Role.ML_STAFF in roles and not DoubleAnnotation.objects.filter(patch=patch).exists():
        return rows
    holds = QueueEntry.objects.filter(patch=patch, holder_id=user.pk)
    # Who saved after somebody else did has to choose between both masks.
    kept_beside = rows.filter(author_id=user.pk, is_conflicting=True, number__gt=OuterRef("number"))
    return rows.filter(Q(author_id=user.pk) | Exists(holds) | Exists(kept_beside))


def _entry_of(patch: Patch, reading: Reading | None, state: PatchState) -> QueueEntry | None:
    """The place in the queue that the patch would have if nobody had drawn it; it is not saved."""
    if state == PatchState.SUBMITTED:
        return None
    holds = reading is not None and reading.state == ReadingState.HELD
    standing = reading.standing if reading and holds else stand_ins(patch.project_id, [patch.pk])[patch.pk]
    return QueueEntry(
        patch=patch,
        project_id=patch.project_id,
        holder_id=reading.reader_id if reading and holds else None,
        expires_at=reading.expires_at if reading and holds else None,
        **standing,
    )
