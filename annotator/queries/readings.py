"""Blind readings as their readers and leads meet them."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from annotator.enums import DoubleState, PatchState, ReadingState, Role
from annotator.models import DoubleAnnotation, Membership, Patch, QueueEntry, Reading, Revision
from annotator.queries.gold import is_hidden_gold, seen_as

User = AbstractBaseUser | AnonymousUser


def blind_members(project_id: int) -> QuerySet[Membership]:
    """The memberships of the annotators who are no leads: leads see every mask, so they cannot draw one blind."""
    rows = Membership.objects.filter(project_id=project_id)
    leads = rows.filter(role=Role.LEAD).values("user")
    return rows.filter(role=Role.ANNOTATOR).exclude(user__in=leads)


def open_seconds(project_id: int, user: User) -> QuerySet[DoubleAnnotation]:
    """The patches that wait for a second mask and that the person has not drawn, the longest waiting first.

    ``was_left`` tells those that the person has had and given back. Empty for people who would not be blind.
    """
    own = Revision.objects.filter(annotation__patch=OuterRef("patch"), author_id=user.pk)
    left = Reading.objects.filter(patch=OuterRef("patch"), reader_id=user.pk)
    return (
        DoubleAnnotation.objects.filter(
            Exists(blind_members(project_id).filter(user_id=user.pk)),
            ~Exists(own),
            project_id=project_id,
            state=DoubleState.WANTED,
            reading__isnull=True,
        )
        .annotate(was_left=Exists(left))
        .order_by("was_left", "asked_at")
    )


# Every claim asks this, so it is one statement on two small indexes.
_HELD_SQL = """
SELECT ARRAY(
           SELECT patch_id FROM annotator_reading
           WHERE project_id = %(project)s AND reader_id = %(user)s AND state = 'held'
           ORDER BY expires_at DESC, patch_id),
       EXISTS (
           SELECT FROM annotator_doubleannotation
           WHERE project_id = %(project)s AND state = 'wanted' AND reading_id IS NULL)
"""


@dataclass(frozen=True)
class HeldReadings:
    """The patches whose readings the person holds, the longest lease first; whether any patch waits for a second."""

    patch_ids: list[int]
    is_second_wanted: bool


def held_readings(project_id: int, user: User) -> HeldReadings:
    with connection.cursor() as cursor:
        cursor.execute(_HELD_SQL, {"project": project_id, "user": user.pk})
        return HeldReadings(*cursor.fetchone())


def reading_of(patch: Patch, user: User) -> Reading | None:
    """The reading by which the person meets the patch; None where they meet the patch itself.

    That is so from taking it until the patch is approved, unless the patch itself has come to them since; of a gold
    patch, for as long as it is one.
    """
    reading = (
        Reading.objects.filter(patch=patch, reader_id=user.pk)
        .exclude(state=ReadingState.LAPSED)
        .exclude(Exists(QueueEntry.objects.filter(patch=patch, holder_id=user.pk)))
        .select_related("annotation__current__author")
        .defer("annotation__current__mask_png")
        .first()
    )
    if reading is None or (patch.state == PatchState.APPROVED and not is_hidden_gold(patch, user)):
        return None
    return reading


def seen_state(patch: Patch, user: User) -> PatchState:
    """The state that the person is told."""
    reading = reading_of(patch, user)
    if reading is not None or is_hidden_gold(patch, user):
        return seen_as(reading.state if reading else None)
    return PatchState(patch.state)
