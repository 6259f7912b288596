"""Display copies: the COG whose blocks are sent as a scene's tiles, made beside the source that the model reads."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from annotator.domain.dispatch import enqueue
from annotator.domain.events import move, record_event
from annotator.domain.leases import signs_of_life, take_lease
from annotator.enums import ACTIVE_JOB_STATES, JOB_TRANSITIONS, JobState, SceneState
from annotator.errors import AlreadyActive, BadScene, IllegalTransition, MilpaError, NotReady
from annotator.imagery.composites import NATURAL, picture_of_composite
from annotator.imagery.display_copy import write_display_copy
from annotator.imagery.drawing import mercator_bounds_of
from annotator.imagery.grid import native_zoom
from annotator.imagery.ingest import disk_full_told
from annotator.imagery.rendering import tile_stamp
from annotator.models import DisplayCopy, Scene

_TOLD_EVERY_SECONDS = 1.0
# What is drawn before it is packed: four bytes a pixel of the grid, of which packing saves about half.
_BYTES_A_PIXEL = 3


class _Ended(Exception):
    """Somebody ended the job while it ran."""


def request_display_copy(*, scene: Scene, user: User | None) -> DisplayCopy:
    """Asks for the copy of the scene as it is shown now. Raises NotReady, AlreadyActive with the active job's id."""
    with transaction.atomic():
        scene = Scene.objects.select_for_update().get(pk=scene.pk)
        if scene.state != SceneState.READY:
            raise NotReady(f"The scene is {scene.get_state_display()}; wait until it is ready.")
        active = scene.display_copies.filter(state__in=ACTIVE_JOB_STATES).first()
        if active is not None:
            raise AlreadyActive(
                f"The display copy of {scene.name} is being made already. Wait for it, or cancel it first.",
                active=active.pk,
            )
        return _create(scene, user)


def renew_display_copy(*, scene: Scene, user: User | None) -> DisplayCopy | None:
    """After a change of the display: ends the job for the one before and asks for one of the present.

    None where the copy already shows it. The caller holds a transaction and the scene's lock.
    """
    active = scene.display_copies.select_for_update().filter(state__in=ACTIVE_JOB_STATES).first()
    if active is not None:
        _end(active, JobState.CANCELLED, "The scene is shown otherwise now.", actor=user)
    return None if scene.display_copy_stamp == tile_stamp(scene) else _create(scene, user)


def cancel_display_copy(*, copy: DisplayCopy, user: User) -> DisplayCopy:
    """Ends the job within seconds; tiles are drawn from the scene itself meanwhile. Raises IllegalTransition."""
    with transaction.atomic():
        copy = DisplayCopy.objects.select_for_update().get(pk=copy.pk)
        if not copy.is_active:
            raise IllegalTransition(
                f"The job is {copy.get_state_display()}; there is nothing to cancel.", state=copy.state
            )
        _end(copy, JobState.CANCELLED, f"Cancelled at {copy.percent} %.", actor=user)
    return copy


def make_display_copy(copy_id: int) -> None:
    """Does the job; begins anew where a lost worker left it half done."""
    copy = take_lease(
        DisplayCopy,
        copy_id,
        waiting=JobState.QUEUED,
        working=(JobState.RUNNING,),
        becomes=JobState.RUNNING,
        give_up=_fail,
    )
    if copy is None:
        return
    record_event(copy, "started", actor=None, to_state=JobState.RUNNING)
    try:
        with signs_of_life(DisplayCopy.objects.filter(pk=copy.pk, state=JobState.RUNNING)):
            _write(copy)
    except _Ended:
        return
    except MilpaError as error:
        _fail(copy, error.detail)
    except Exception:
        _fail(copy, "Making the display copy failed unexpectedly. The worker's log has the details.")
        raise


def _create(scene: Scene, user: User | None) -> DisplayCopy:
    copy = DisplayCopy.objects.create(
        project_id=scene.project_id, scene=scene, requested_by=user, heartbeat_at=timezone.now()
    )
    record_event(copy, "requested", actor=user, to_state=JobState.QUEUED)
    enqueue("make_display_copy", copy.pk)
    return copy


def _write(copy: DisplayCopy) -> None:
    scene = copy.scene
    bounds_m = mercator_bounds_of(scene.cog_path)
    if bounds_m is None:
        raise BadScene(
            "The scene crosses the 180th meridian: each of its tiles is drawn when it is asked for."
        )
    assert scene.gsd_m is not None, "a ready scene is described"
    assert scene.footprint is not None, "a ready scene is described"
    (west, south, east, north), (east_m, north_m) = bounds_m, scene.shift_m
    stamp = tile_stamp(scene)
    name = f"{scene.project_id}-{scene.pk}-{uuid.uuid4().hex[:8]}.display.tif"
    target = Path(settings.MEDIA_ROOT) / "scenes" / name
    needed_bytes = (scene.width_px or 0) * (scene.height_px or 0) * _BYTES_A_PIXEL
    try:
        with disk_full_told(target, needed_bytes):
            write_display_copy(
                lambda x, y, z, size_px: picture_of_composite(scene, NATURAL, x, y, z, size_px=size_px),
                (west + east_m, south + north_m, east + east_m, north + north_m),
                native_zoom(scene.gsd_m, scene.footprint.centroid.y),
                target,
                work_folder=target.with_name(f".display-{copy.pk}"),
                on_progress=_Teller(copy).tell,
            )
        _succeed(copy, name, stamp)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


class _Teller:
    """Writes progress and heartbeat about once a second; raises _Ended when the job is no longer running."""

    def __init__(self, copy: DisplayCopy) -> None:
        self._copy = copy
        self._told_at = 0.0

    def tell(self, share: float) -> None:
        if time.monotonic() - self._told_at < _TOLD_EVERY_SECONDS:
            return
        self._told_at = time.monotonic()
        rows = DisplayCopy.objects.filter(pk=self._copy.pk, state=JobState.RUNNING)
        if not rows.update(percent=round(share * 100), heartbeat_at=timezone.now()):
            raise _Ended


@transaction.atomic
def _succeed(copy: DisplayCopy, name: str, stamp: str) -> None:
    scene = Scene.objects.select_for_update().get(pk=copy.scene_id)
    copy = DisplayCopy.objects.select_for_update().get(pk=copy.pk)
    if copy.state != JobState.RUNNING or tile_stamp(scene) != stamp:
        raise _Ended
    before = scene.display_copy_path if scene.display_copy_name else None
    scene.display_copy_name, scene.display_copy_stamp = name, stamp
    scene.save(update_fields=["display_copy_name", "display_copy_stamp"])
    copy.percent = 100
    _end(copy, JobState.SUCCEEDED, "", actor=None)
    if before is not None:
        # Whoever has it open reads on; whoever finds it gone draws the tile.
        transaction.on_commit(lambda: before.unlink(missing_ok=True))


@transaction.atomic
def _fail(copy: DisplayCopy, message: str) -> None:
    copy = DisplayCopy.objects.select_for_update().get(pk=copy.pk)
    if copy.state == JobState.RUNNING:
        _end(copy, JobState.FAILED, message, actor=None)


def _end(copy: DisplayCopy, state: JobState, message: str, *, actor: User | None) -> None:
    copy.message = message
    copy.ended_at = timezone.now()
    move(copy, state, JOB_TRANSITIONS, str(state), actor=actor, fields=("message", "ended_at", "percent"))
