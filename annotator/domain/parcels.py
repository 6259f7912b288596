"""Parcels follow approvals: what changes a patch's approved mask leaves a row, and a worker draws what rows want."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from annotator.domain.chores import do_chore, tell_chore, wake_chore
from annotator.domain.dispatch import enqueue, send
from annotator.domain.events import move, record_event
from annotator.domain.locks import lock_project
from annotator.domain.parcel_joining import join_changed
from annotator.domain.parcel_pieces import redraw_pieces
from annotator.enums import ACTIVE_JOB_STATES, JOB_TRANSITIONS, ChoreKind, JobState
from annotator.errors import IllegalTransition
from annotator.models import Chore, ParcelRebuild, ParcelUpdate, Patch, Project

BATCH_PATCHES = 16
"""How many patches one transaction draws: what a killed worker loses, and how long an approval waits at most."""
# The first of the two numbers of an advisory lock; the second is the project.
PARCEL_LOCKS = 0x9A2CE1


def want_parcels(patch: Patch) -> None:
    """Has the parcels of the patch and around it drawn anew, once the present transaction commits."""
    ParcelUpdate.objects.create(project_id=patch.project_id, patch=patch)
    enqueue("draw_parcels", patch.project_id)


@transaction.atomic
def rebuild_parcels(*, project: Project, user: User | None) -> ParcelRebuild:
    """Has all parcels of the project drawn anew, behind what approvals want.

    Parcels that come out as they were keep their ids. Asked for again, it starts over.
    """
    lock_project(project.pk)
    if active := _active_rebuild(project.pk):
        _end_rebuild(active, JobState.CANCELLED, "It was asked for again.", actor=user)
    ParcelUpdate.objects.filter(project=project, is_rebuild=True).delete()
    ids = Patch.objects.filter(project=project).order_by("quadkey").values_list("pk", flat=True)
    rows = [ParcelUpdate(project=project, patch_id=patch_id, is_rebuild=True) for patch_id in ids]
    ParcelUpdate.objects.bulk_create(rows, batch_size=5000)
    rebuild = ParcelRebuild.objects.create(
        project=project, total=len(rows), requested_by=user, heartbeat_at=timezone.now()
    )
    record_event(rebuild, "requested", actor=user, to_state=JobState.QUEUED, patches=len(rows))
    if not rows:
        _tell_rebuild(project.pk, 0)
    wake_chore(project.pk, ChoreKind.PARCELS)
    enqueue("draw_parcels", project.pk)
    return rebuild


@transaction.atomic
def cancel_rebuild(*, rebuild: ParcelRebuild, user: User) -> ParcelRebuild:
    """Ends it after the batch that a worker is at; what was drawn stays. Raises IllegalTransition."""
    rebuild = ParcelRebuild.objects.select_for_update().get(pk=rebuild.pk)
    if not rebuild.is_active:
        raise IllegalTransition(
            f"The drawing of all parcels is {rebuild.get_state_display()}; there is nothing to cancel.",
            state=rebuild.state,
        )
    ParcelUpdate.objects.filter(project_id=rebuild.project_id, is_rebuild=True).delete()
    left = f"Cancelled after {rebuild.done:,} of {rebuild.total:,} patches; the others keep their parcels of before."
    _end_rebuild(rebuild, JobState.CANCELLED, left, actor=user)
    return rebuild


def draw_wanted_parcels(project_id: int) -> int:
    """Draws until nothing is wanted any more, or leaves it to the worker that is at it; returns how many rows went.

    What each worker is lost at is given up, and with it the drawing of all parcels, if one was asked for: the rows
    that approvals left stay until a person asks for all parcels anew.
    """
    drawn = 0

    def draw(chore: Chore) -> None:
        nonlocal drawn
        while batch := draw_batch(project_id):
            drawn += batch
            tell_chore(chore, drawn)

    do_chore(project_id, ChoreKind.PARCELS, draw, lambda message: _give_up_rebuild(project_id, message))
    return drawn


@transaction.atomic
def draw_batch(project_id: int) -> int:
    """Draws what the next `BATCH_PATCHES` rows want, those of approvals first, and returns how many they were.

    It is 0 where nothing is wanted or another worker is at it.
    """
    if not _lock_parcels(project_id):
        return 0
    waiting = ParcelUpdate.objects.filter(project_id=project_id).select_related("patch")
    wanted = list(waiting.order_by("is_rebuild", "id")[:BATCH_PATCHES])
    if not wanted:
        return 0
    redrawn = redraw_pieces(
        project_id,
        around={(row.patch.x, row.patch.y) for row in wanted if not row.is_rebuild},
        alone={(row.patch.x, row.patch.y) for row in wanted if row.is_rebuild},
        zoom=wanted[0].patch.z,
    )
    join_changed(project_id, redrawn, zoom=wanted[0].patch.z)
    if rebuilt := sum(row.is_rebuild for row in wanted):
        # Before the rows go, as whoever cancels it locks the one and then the others.
        _tell_rebuild(project_id, rebuilt, [row.pk for row in wanted])
    ParcelUpdate.objects.filter(pk__in=[row.pk for row in wanted]).delete()
    return len(wanted)


def _active_rebuild(project_id: int) -> ParcelRebuild | None:
    rows = ParcelRebuild.objects.select_for_update()
    return rows.filter(project_id=project_id, state__in=ACTIVE_JOB_STATES).first()


def _give_up_rebuild(project_id: int, message: str) -> None:
    if rebuild := _active_rebuild(project_id):
        ParcelUpdate.objects.filter(project_id=project_id, is_rebuild=True).delete()
        _end_rebuild(rebuild, JobState.FAILED, message, actor=None)


def _tell_rebuild(project_id: int, drawn: int, settled: Sequence[int] = ()) -> None:
    """So many more of its patches are drawn; it ends with the last, when nothing but the ``settled`` rows is left."""
    rebuild = _active_rebuild(project_id)
    if rebuild is None:
        return
    if rebuild.state == JobState.QUEUED:
        move(rebuild, JobState.RUNNING, JOB_TRANSITIONS, "started", actor=None)
    rebuild.done = min(rebuild.done + drawn, rebuild.total)
    rebuild.heartbeat_at = timezone.now()
    rebuild.save(update_fields=["done", "heartbeat_at"])
    left = ParcelUpdate.objects.filter(project_id=project_id, is_rebuild=True).exclude(pk__in=settled)
    if not left.exists():
        _end_rebuild(rebuild, JobState.SUCCEEDED, f"Patches: {rebuild.total}.", actor=None)


def _end_rebuild(rebuild: ParcelRebuild, state: JobState, message: str, *, actor: User | None) -> None:
    rebuild.message = message
    rebuild.ended_at = timezone.now()
    move(rebuild, state, JOB_TRANSITIONS, str(state), actor=actor, fields=("message", "ended_at"))


@contextmanager
def parcels_held(project_id: int) -> Iterator[None]:
    """Has the project's parcels to itself: nobody else draws any meanwhile; approvals go on, and leave their rows.

    Waits for a worker that is at a batch. What was wanted meanwhile is drawn afterwards.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [PARCEL_LOCKS, project_id])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [PARCEL_LOCKS, project_id])
        # Workers that were sent to draw found the project locked and went.
        if ParcelUpdate.objects.filter(project_id=project_id).exists():
            send("draw_parcels", project_id)


def _lock_parcels(project_id: int) -> bool:
    """Whether the project's parcels are this transaction's alone until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [PARCEL_LOCKS, project_id])
        return bool(cursor.fetchone()[0])
