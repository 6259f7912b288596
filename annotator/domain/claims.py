"""Claims: leases on patches of the labelling queue, with an expiry."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _

from annotator.domain.claim_statement import Claimed, claim_best
from annotator.domain.events import move
from annotator.domain.readings import (
    release_reading,
    renew_reading,
    sweep_expired_readings,
    take_reading,
    take_up_reading,
)
from annotator.enums import PATCH_TRANSITIONS, PatchState, QueueReason
from annotator.errors import ClaimLost, ClaimsExhausted
from annotator.models import Membership, Patch, Project, QueueEntry
from annotator.queries.labelling_queue import held_by_others, queue_summary, within_reach
from annotator.queries.prepared import Prepared
from annotator.queries.readings import HeldReadings, held_readings, seen_state

# Nobody who claims draws the square on a map.
_PATCH = Prepared(lambda patch: Patch.objects.filter(pk=patch).defer("square"), patch=int)


class Lease(StrEnum):
    """How long a claim lasts without a sign of life, by what it is for."""

    WORK = "work"
    # The patch that an open page loads while another one is drawn: it must soon come free when the page is gone.
    AHEAD = "ahead"
    # A day without a connection.
    FIELD = "field"

    @property
    def duration(self) -> timedelta:
        seconds = {
            Lease.WORK: settings.CLAIM_LEASE_SECONDS,
            Lease.AHEAD: settings.CLAIM_AHEAD_LEASE_SECONDS,
            Lease.FIELD: settings.CLAIM_FIELD_LEASE_SECONDS,
        }
        return timedelta(seconds=seconds[self])


class Outcome(StrEnum):
    CLAIMED = "claimed"
    ALL_CLAIMED = "all-claimed"
    ASSIGNED = "assigned"
    FINISHED = "finished"
    EMPTY = "empty"


@dataclass(frozen=True)
class ClaimResult:
    """What the queue answers: a patch, or why there is none and when to ask again."""

    outcome: Outcome
    patch: Patch | None = None
    until: datetime | None = None

    @property
    def detail(self) -> str:
        match self.outcome:
            case Outcome.CLAIMED:
                return _("The patch is yours.")
            case Outcome.ALL_CLAIMED:
                held = _("Every patch that is left is held by somebody else.")
                if not self.until:
                    return held
                when = _("The next one can come free at %(time)s UTC.") % {"time": f"{self.until:%H:%M}"}
                return f"{held} {when}"
            case Outcome.ASSIGNED:
                return _(
                    "What is left is kept for other people. Ask a lead if you want to have a part of it."
                )
            case Outcome.FINISHED:
                return _("Every patch has been submitted. Thank you!")
            case Outcome.EMPTY:
                return _("There are no patches yet: a lead has to add a scene first.")


def claim_next(
    *, project: Project, user: User, besides: Collection[int] = (), lease: Lease = Lease.WORK
) -> ClaimResult:
    """The patch that the person already holds, else the most uncertain one that nobody holds.

    Before that come patches that wait for a second mask: their review waits for it. Nothing tells them apart.
    ``besides`` are ids of patches that the person does not ask for: the one under work while the next is
    loaded, and those whose masks wait for the connection. Raises ClaimsExhausted.
    """
    patch_id = _next_id(project, user, besides, lease)
    if patch_id is not None:
        [patch] = _PATCH.rows(patch=patch_id)
        patch.project = project
        return ClaimResult(Outcome.CLAIMED, patch)
    return _why_none(project, user)


def _why_none(project: Project, user: User) -> ClaimResult:
    """Told by what this person could be given: what is kept for others never comes free for them."""
    others = held_by_others(project.pk, user)
    if others.claimed:
        return ClaimResult(Outcome.ALL_CLAIMED, until=others.next_expiry)
    summary, own = queue_summary(project.pk), _held_by(project, user).count()
    if summary.open or summary.claimed > own:
        return ClaimResult(Outcome.ASSIGNED)
    if own:
        # They are at work on all that is left; whoever asks ahead asks again then.
        return ClaimResult(Outcome.ALL_CLAIMED)
    return ClaimResult(Outcome.FINISHED if summary.total else Outcome.EMPTY)


def _next_id(project: Project, user: User, besides: Collection[int], lease: Lease) -> int | None:
    if not project.gold_share:
        claimed = _take(project, user, lease, besides, readings_first=True)
        if not claimed.meets_reading:
            return claimed.patch_id
    readings = held_readings(project.pk, user)
    patch_id = _held_or_reading(project, user, lease, besides, readings)
    if patch_id is not None:
        return patch_id
    return _take(project, user, lease, besides, reading_count=len(readings.patch_ids)).patch_id


@transaction.atomic
def claim_for_the_field(*, project: Project, user: User, count: int) -> list[int]:
    """Ids of up to ``count`` patches that the person holds for a day without a connection, the best first.

    What the person holds already counts, so that asking again after a lost answer takes nothing more.
    Fewer come where the queue has no more. Raises ClaimsExhausted above CLAIMS_PER_PERSON_MAX.
    """
    limit = claim_limit(project)
    if count > limit:
        raise _exhausted(limit, count)
    # Two requests of one person would each take the whole number.
    list(Membership.objects.select_for_update(no_key=True).filter(project=project, user=user))
    # Locked in the order of their ids, as a ranking does that writes many.
    list(_held_by(project, user).order_by("pk").select_for_update())
    reading_ids = held_readings(project.pk, user).patch_ids
    held = [*(entry.patch_id for entry in _held_by(project, user)), *reading_ids]
    kept = [patch_id for patch_id in held[:count] if _renew(patch_id, user, Lease.FIELD)]
    while len(kept) < count:
        taken = _take(project, user, Lease.FIELD, only_more=True, reading_count=len(reading_ids)).patch_id
        if taken is None:
            break
        kept.append(taken)
    return kept


@transaction.atomic
def claim_patch(*, patch: Patch, user: User, is_saving: bool = False) -> Patch:
    """Claims that very patch, or renews the person's claim on it. Raises ClaimLost when it is not to be had.

    With ``is_saving`` the person has drawn on it already: neither an assignment nor the limit of claims, which
    raises ClaimsExhausted else, loses them their work.
    """
    if _renew(patch.pk, user, Lease.WORK):
        return Patch.objects.get(pk=patch.pk)
    expires_at = timezone.now() + Lease.WORK.duration
    free = Q(reserved_for__isnull=True)
    if not is_saving:
        _check_limit(patch.project, user, len(held_readings(patch.project_id, user).patch_ids))
        free &= within_reach(patch.project_id, user)
    free |= Q(reserved_for=user)
    if take_up_reading(patch=patch, user=user, expires_at=expires_at):
        return patch
    taken = QueueEntry.objects.filter(free, patch=patch, holder__isnull=True).update(
        holder=user, expires_at=expires_at
    )
    if not taken:
        patch.refresh_from_db()
        state = seen_state(patch, user)
        raise ClaimLost(
            _(
                "Patch %(patch)s cannot be claimed: it is %(state)s, "
                "or somebody else holds it. Take the next one from the queue."
            )
            % {"patch": patch, "state": state.label},
            state=state,
        )
    return _mark_claimed(patch.pk, user)


def renew_claim(*, patch: Patch, user: User, lease: Lease = Lease.WORK) -> datetime:
    """A sign of life from the annotator; returns the new expiry, never an earlier one. Raises ClaimLost."""
    expires_at = _renew(patch.pk, user, lease)
    if expires_at is None:
        raise ClaimLost(
            _(
                "Your claim on this patch has ended. Your work is kept in this browser; "
                "save to claim it again if nobody else has it."
            )
        )
    return expires_at


@transaction.atomic
def release_claim(*, patch: Patch, user: User, is_skipped: bool = True) -> None:
    """Gives the patch back to the queue. Raises ClaimLost.

    Whoever skipped it gets others first; one that was only loaded ahead goes back as if nobody had held it.
    """
    if release_reading(patch=patch, user=user):
        return
    entry = lock_entry(patch.pk)
    patch = Patch.objects.select_for_update().get(pk=patch.pk)
    if entry is None or entry.holder_id != user.pk:
        raise ClaimLost(_("You do not hold this patch, so there is nothing to release."))
    if is_skipped:
        entry.skipped_by = user
        entry.reserved_for = None
        entry.save(update_fields=["skipped_by", "reserved_for"])
    put_back(patch, entry, "released", actor=user)


def sweep_expired_claims() -> int:
    """Puts back the patches whose claims have expired; returns how many."""
    expired = list(
        QueueEntry.objects.filter(holder__isnull=False, expires_at__lt=timezone.now())
        .order_by("expires_at")
        .values_list("patch_id", flat=True)[:1000]
    )
    return sum(_expire(patch_id) for patch_id in expired) + sweep_expired_readings()


@transaction.atomic
def _expire(patch_id: int) -> bool:
    entry = lock_entry(patch_id)
    if entry is None or entry.expires_at is None or entry.expires_at >= timezone.now():
        return False
    patch = Patch.objects.select_for_update().get(pk=patch_id)
    put_back(patch, entry, "claim expired", actor=None)
    return True


def lock_entry(patch_id: int) -> QueueEntry | None:
    """Locks the patch's place in the queue, which every verb does before it locks the patch.

    A claim begins at the entry; any other order could meet one in a deadlock.
    """
    return QueueEntry.objects.select_for_update().filter(patch_id=patch_id).first()


def put_back(patch: Patch, entry: QueueEntry, verb: str, *, actor: User | None) -> None:
    """Ends the claim on a patch; the caller has locked the entry, then the patch."""
    entry.holder = None
    entry.expires_at = None
    entry.save(update_fields=["holder", "expires_at"])
    before = PatchState.RETURNED if entry.reason == QueueReason.RETURNED else PatchState.UNLABELLED
    move(patch, before, PATCH_TRANSITIONS, verb, actor=actor)


def _held_by(project: Project, user: User) -> QuerySet[QueueEntry]:
    return QueueEntry.objects.filter(project=project, holder=user).order_by(
        "-expires_at", "-score", "patch_id"
    )


def _renew(patch_id: int, user: User, lease: Lease) -> datetime | None:
    """The new expiry, None where the person does not hold the patch. A lease for the field is never shortened."""
    wanted = timezone.now() + lease.duration
    mine = QueueEntry.objects.filter(patch_id=patch_id, holder=user)
    if not mine.update(expires_at=Greatest(F("expires_at"), wanted)):
        return renew_reading(patch_id, user, wanted)
    return mine.values_list("expires_at", flat=True).first()


def claim_limit(project: Project) -> int:
    """How many patches of the project one person may hold at a time."""
    return project.claims_per_person or int(settings.CLAIMS_PER_PERSON_MAX)


def _check_limit(project: Project, user: User, reading_count: int) -> None:
    """Raises ClaimsExhausted where the person may not hold one more."""
    limit = claim_limit(project)
    held = _held_by(project, user).count() + reading_count
    if held >= limit:
        raise _exhausted(limit, held + 1)


def _held_or_reading(
    project: Project, user: User, lease: Lease, besides: Collection[int], readings: HeldReadings
) -> int | None:
    """A patch that the person holds or reads blind already, else one that they may read blind; None without any."""
    # The longest lease first: what the person works on, or took along, before what a page only loaded ahead.
    held = _held_by(project, user).exclude(pk__in=besides).values_list("patch_id", flat=True)[:1]
    for patch_id in (*held, *readings.patch_ids):
        if patch_id not in besides and _renew(patch_id, user, lease):
            return patch_id
    with transaction.atomic():
        _check_limit(project, user, len(readings.patch_ids))
        taken = take_reading(
            project=project,
            user=user,
            expires_at=timezone.now() + lease.duration,
            besides=besides,
            is_second_wanted=readings.is_second_wanted,
        )
    return taken.pk if taken else None


def _take(
    project: Project,
    user: User,
    lease: Lease,
    besides: Collection[int] = (),
    *,
    only_more: bool = False,
    readings_first: bool = False,
    reading_count: int = 0,
) -> Claimed:
    """The patch that the person holds, unless they want ``only_more``, else the best open one; none without any.

    The longest lease goes first: what the person works on, or took along, before what a page only loaded ahead.
    What they skipped comes when nothing else is left. With ``readings_first`` nothing is taken, nor looked for, where
    a blind reading may go before. Raises ClaimsExhausted.
    """
    limit = claim_limit(project)
    for skipped_too in (False, True):
        claimed = claim_best(
            project_id=project.pk,
            user_id=user.pk,
            expiry=timezone.now() + lease.duration,
            limit=limit - reading_count,
            besides=besides,
            only_more=only_more,
            skipped_too=skipped_too,
            readings_first=readings_first,
        )
        if claimed.patch_id is not None or claimed.meets_reading:
            return claimed
        if claimed.held + reading_count >= limit:
            raise _exhausted(limit, claimed.held + reading_count + 1)
    return claimed


def _exhausted(limit: int, wanted: int) -> ClaimsExhausted:
    return ClaimsExhausted(
        _(
            "One person may hold %(limit)s patches of a project at a time, so that others have work too; "
            "this would be %(wanted)s. Submit or give back some of yours first."
        )
        % {"limit": limit, "wanted": wanted},
        limit=limit,
    )


def _mark_claimed(patch_id: int, user: User) -> Patch:
    patch = Patch.objects.select_for_update().get(pk=patch_id)
    entry = QueueEntry.objects.only("ranking_id", "place").get(patch=patch_id)
    # The entry goes with the submission; what put the patch in front of somebody stays.
    place: dict[str, Any] = {"ranking": entry.ranking_id, "place": entry.place} if entry.ranking_id else {}
    move(patch, PatchState.CLAIMED, PATCH_TRANSITIONS, "claimed", actor=user, **place)
    return patch
