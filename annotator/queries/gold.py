"""Gold patches, and the clothes in which annotators meet them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from annotator.enums import PatchState, QueueReason, ReadingPurpose, ReadingState, Role, VersionState
from annotator.models import GoldPatch, Membership, Patch, Proposal, Reading, Revision

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
    score: float


def disguises(project_ids: Collection[int], user: User) -> list[Disguise]:
    """All patches of the projects that the person meets as something else than they are; three queries."""
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
    places = queue_places(actual)
    return [
        Disguise(pk, project_id, PatchState(state), seen_as(read.get(pk)), places[pk].score)
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


@dataclass(frozen=True)
class Place:
    """A place in the queue."""

    score: float
    reason: QueueReason


def queue_places(patch_ids: Collection[int]) -> dict[int, Place]:
    """Where the patches would stand in the queue if nobody had drawn them, by patch id; one query."""
    if not patch_ids:
        return {}
    fresh = Proposal.objects.filter(
        patch__in=patch_ids,
        model_version__state=VersionState.PROMOTED,
        legend_number=F("patch__project__legend_number"),
    )
    # The newest scene's last, so that it stays.
    rows = fresh.order_by(F("scene__acquired_on").asc(nulls_first=True), "made_at")
    entropies = dict(rows.values_list("patch_id", "mean_entropy_nats"))
    return {
        pk: Place(entropies[pk], QueueReason.ENTROPY)
        if pk in entropies
        else Place(-1 - _fraction(pk), QueueReason.SPREAD)
        for pk in patch_ids
    }


def _fraction(number: int) -> float:
    """A number between 0 and 1 that looks like chance and stays."""
    return int.from_bytes(hashlib.sha256(str(number).encode()).digest()[:4], "big") / 2**32
