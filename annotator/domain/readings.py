"""Taking, holding and submitting a blind reading, by the same verbs with which any patch is claimed and drawn."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from annotator.domain.comparisons import compare
from annotator.domain.doubles import conclude, give_to, lock_double, second_wanted
from annotator.domain.events import move, record_event
from annotator.domain.gold import is_golds_turn, open_gold_of, pick_gold
from annotator.enums import READING_TRANSITIONS, DoubleState, ReadingPurpose, ReadingState
from annotator.models import DoubleAnnotation, Patch, Project, QueueEntry, Reading, Revision
from annotator.queries.gold import next_place
from annotator.queries.readings import open_seconds


def take_reading(
    *, project: Project, user: User, expires_at: datetime, besides: Collection[int], is_second_wanted: bool
) -> Patch | None:
    """A patch that the person may draw blind: one that waits for a second mask, or a gold one when its turn has come.

    None where there is none. The caller holds a transaction.
    """
    if is_second_wanted:
        rows = open_seconds(project.pk, user).exclude(patch__in=besides)
        double = rows.select_for_update(skip_locked=True, of=("self",)).first()
        if double is not None:
            return _hold_second(double, user, expires_at).patch
    if project.gold_share and is_golds_turn(project):
        gold = pick_gold(project, user, besides)
        if gold is not None:
            return _hold(gold, user, ReadingPurpose.GOLD, expires_at).patch
    return None


def take_up_reading(*, patch: Patch, user: User, expires_at: datetime) -> bool:
    """Takes this very patch as a reading: one that the person has had, or any gold one, as if it were unlabelled.

    False where it is to be had as itself, or not at all. The caller holds a transaction.
    """
    if open_gold_of(patch, user):
        _hold(patch, user, ReadingPurpose.GOLD, expires_at)
        return True
    if not Reading.objects.filter(patch=patch, reader=user, state=ReadingState.LAPSED).exists():
        return False
    double = second_wanted(patch.pk)
    if double is None:
        return False
    _hold_second(double, user, expires_at)
    return True


def renew_reading(patch_id: int, user: User, expires_at: datetime) -> datetime | None:
    """The new expiry, never an earlier one; None where the person holds no reading of the patch."""
    mine = Reading.objects.filter(patch_id=patch_id, reader=user, state=ReadingState.HELD)
    if not mine.update(expires_at=Greatest(F("expires_at"), expires_at)):
        return None
    return mine.values_list("expires_at", flat=True).first()


def hold_on(reading: Reading, user: User, expires_at: datetime) -> bool:
    """Whether the person holds the reading, or does so again. The caller has locked it."""
    if reading.state == ReadingState.HELD:
        return renew_reading(reading.patch_id, user, expires_at) is not None
    return take_up_reading(patch=reading.patch, user=user, expires_at=expires_at)


def release_reading(*, patch: Patch, user: User) -> bool:
    """Gives the person's reading back; False where there is none. The caller holds a transaction."""
    reading = lock_reading(patch.pk, user)
    if reading is None or reading.state != ReadingState.HELD:
        return False
    _put_back(reading, "released", actor=user)
    return True


def sweep_expired_readings() -> int:
    """Puts back the readings whose leases have expired; returns how many."""
    expired = Reading.objects.filter(state=ReadingState.HELD, expires_at__lt=timezone.now())
    rows = list(expired.order_by("expires_at").select_related("reader")[:1000])
    return sum(_expire(row) for row in rows)


@transaction.atomic
def _expire(found: Reading) -> bool:
    reading = lock_reading(found.patch_id, found.reader)
    if reading is None or reading.expires_at is None or reading.expires_at >= timezone.now():
        return False
    _put_back(reading, "claim expired", actor=None)
    return True


def lock_reading(patch_id: int, user: User) -> Reading | None:
    """The person's reading of the patch, its rows locked; None where they draw the patch itself."""
    rows = Reading.objects.filter(patch_id=patch_id, reader=user)
    if not rows.exists() or QueueEntry.objects.filter(patch_id=patch_id, holder=user).exists():
        return None
    lock_double(patch_id)
    return rows.select_for_update().first()


def submit_reading(reading: Reading, revision: Revision) -> None:
    """The reading is done: it is compared with the other mask, and the patch is concluded by what is found.

    The caller has locked the reading.
    """
    reading.expires_at = None
    move(
        reading,
        ReadingState.SUBMITTED,
        READING_TRANSITIONS,
        "submitted",
        actor=revision.author,
        fields=("expires_at",),
        revision=revision.number,
    )
    if reading.purpose == ReadingPurpose.GOLD:
        truth = reading.patch.annotation.current
        assert truth is not None, "a gold patch was approved"
        compare(reading, revision, truth)
        return
    double = DoubleAnnotation.objects.select_related("first", "patch__project").get(reading=reading)
    comparison = compare(reading, revision, double.first)
    if double.state == DoubleState.WANTED:
        conclude(double, comparison)


def _hold_second(double: DoubleAnnotation, user: User, expires_at: datetime) -> Reading:
    reading = _hold(double.patch, user, ReadingPurpose.SECOND, expires_at)
    give_to(double, reading)
    return reading


def _hold(patch: Patch, user: User, purpose: ReadingPurpose, expires_at: datetime) -> Reading:
    known = Reading.objects.select_for_update().filter(patch=patch, reader=user).first()
    if known is None:
        reading = Reading.objects.create(
            project_id=patch.project_id,
            patch=patch,
            reader=user,
            purpose=purpose,
            expires_at=expires_at,
            standing=next_place(patch.project_id),
        )
        record_event(reading, "claimed", actor=user, to_state=ReadingState.HELD, purpose=purpose)
        return reading
    known.expires_at = expires_at
    move(known, ReadingState.HELD, READING_TRANSITIONS, "claimed", actor=user, fields=("expires_at",))
    return known


def _put_back(reading: Reading, verb: str, *, actor: User | None) -> None:
    reading.expires_at = None
    move(reading, ReadingState.LAPSED, READING_TRANSITIONS, verb, actor=actor, fields=("expires_at",))
    double = DoubleAnnotation.objects.filter(reading=reading).first()
    if double is not None and double.state == DoubleState.WANTED:
        give_to(double, None)
