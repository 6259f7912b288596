"""Gold patches, and the clothes in which annotators meet them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from annotator.enums import PatchState, QueueReason, ReadingPurpose, ReadingState, Role
from annotator.models import GoldPatch, Membership, Patch, QueueEntry, Reading, Revision

User = AbstractBaseUser | AnonymousUser


def hidden_gold(project_ids: Collection[int], user: User) -> QuerySet[GoldPatch]:
    """The projects' gold patches that the person has to take for any other: all, but for leads and ML staff, who see
    every approved mask anyway, and but for those that the person drew.
    """
    own = Revision.objects.filter(annotation__patch=OuterRef("patch"), author_id=user.pk)
    staff = Membership.objects.filter(
        project=OuterRef("project"), user_id=user.pk, role__in=(Role.LEAD, Role.ML_STAFF)
    )
    return GoldPatch.objects.filter(
        ~Exists(own),
        ~Exists(staff),
        project__in=project_ids,
        is_served=True,
        patch__state=PatchState.APPROVED,
    )


def open_gold(project_id: int, user: User) -> QuerySet[GoldPatch]:
    """The gold patches that can be served to the person, those first that fewest have answered.

    Each is answered once; one that the person gave back comes after the others.
    """
    mine = Reading.objects.filter(patch=OuterRef("patch"), reader_id=user.pk)
    annotates = Membership.objects.filter(project_id=project_id, user_id=user.pk, role=Role.ANNOTATOR)
    return (
        hidden_gold([project_id], user)
        .filter(Exists(annotates), ~Exists(mine.exclude(state=ReadingState.LAPSED)))
        .annotate(
            was_left=Exists(mine),
            readings=Count("patch__readings", filter=~Q(patch__readings__state="lapsed")),
        )
        .order_by("was_left", "readings", "patch_id")
    )


def is_hidden_gold(patch: Patch, user: User) -> bool:
    """Whether the person has to take this patch for one that nobody has drawn."""
    if patch.state != PatchState.APPROVED:
        return False
    return hidden_gold([patch.project_id], user).filter(patch=patch).exists()


@dataclass(frozen=True)
class Disguise:
    """How one person is told of a patch that is not to them what it is: the state it has and the one they see."""

    patch_id: int
    project_id: int
    state: PatchState
    seen: PatchState


def disguises(project_ids: Collection[int], user: User) -> list[Disguise]:
    """All patches of the projects that the person meets as something else than they are; two queries."""
    gold = hidden_gold(project_ids, user).values_list("patch_id", "project_id", "patch__state")
    actual = {patch_id: (project_id, state) for patch_id, project_id, state in gold}
    mine = Reading.objects.filter(project__in=project_ids, reader_id=user.pk)
    rows = mine.filter(Q(patch__in=list(actual)) | Q(state=ReadingState.HELD, purpose=ReadingPurpose.SECOND))
    read = {}
    for patch_id, project_id, state, reading in rows.values_list(
        "patch_id", "project_id", "patch__state", "state"
    ):
        read[patch_id] = reading
        actual[patch_id] = (project_id, state)
    return [
        Disguise(pk, project_id, PatchState(state), seen_as(read.get(pk)))
        for pk, (project_id, state) in actual.items()
    ]


def seen_as(reading_state: str | None) -> PatchState:
    """The state of a patch to somebody who meets it by a reading, or has not met it yet."""
    match reading_state:
        case ReadingState.HELD:
            return PatchState.CLAIMED
        case ReadingState.SUBMITTED:
            return PatchState.SUBMITTED
        case _:
            return PatchState.UNLABELLED


_COPIED = ("score", "reason", "ranking_id", "place", "worth", "worth_rank", "is_novel")
_MOST_LOOKED_AT = 1000


def stand_ins(project_id: int, patch_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """For patches that nobody must tell from waiting ones, by id, the place in the queue of some that do wait.

    Of one patch it is the same as long as the queue stays as it is. One query.
    """
    if not patch_ids:
        return {}
    waiting = QueueEntry.objects.filter(project_id=project_id, holder__isnull=True)
    rows = list(
        waiting.exclude(reason=QueueReason.RETURNED).order_by("patch_id").values(*_COPIED)[:_MOST_LOOKED_AT]
    )
    places = rows or [{"score": -1.0}]
    return {pk: places[_number(pk) % len(places)] for pk in patch_ids}


def next_place(project_id: int) -> dict[str, Any]:
    """The place in the queue of the patch that would be served next."""
    waiting = QueueEntry.objects.filter(
        project_id=project_id, holder__isnull=True, assignment__isnull=True, reserved_for__isnull=True
    )
    return waiting.order_by("-score", "patch_id").values(*_COPIED).first() or {"score": -1.0}


def _number(patch_id: int) -> int:
    """A number that looks like chance and stays."""
    return int.from_bytes(hashlib.sha256(str(patch_id).encode()).digest()[:4], "big")
