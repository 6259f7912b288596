"""Exports: approved masks as one file, made part after part, so that a worker may die and another goes on."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from annotator import inference
from annotator.domain.dispatch import enqueue
from annotator.domain.events import move, record_event
from annotator.domain.export_contents import contents_of, settle_contents
from annotator.domain.export_parcels import write_stored_parcels
from annotator.domain.leases import signs_of_life, take_lease
from annotator.domain.locks import lock_project
from annotator.enums import ACTIVE_JOB_STATES, JOB_TRANSITIONS, ExportKind, JobState
from annotator.errors import AlreadyActive, BadExport, FileGone, IllegalTransition, MilpaError, NotReady
from annotator.exports.archive import remove, write_archive
from annotator.exports.contents import Contents, Part
from annotator.exports.forms import FORMS, PARCEL_KINDS, parameters_of
from annotator.exports.vector import STORED
from annotator.models import Export, Project

logger = logging.getLogger(__name__)

MAX_ACTIVE = 4
# Room that is left to the database and to scenes.
SPARE_BYTES = 256 * 2**20
TOLD_EVERY_BYTES = 64 * 2**20
# The first of the two numbers of an advisory lock; the second is the export's id.
LOCK_SPACE = 7001


class _Ended(Exception):
    """Somebody ended the export meanwhile."""


def request_export(
    *, project: Project, user: User, kind: ExportKind, parameters: Mapping[str, Any] | None = None
) -> Export:
    """Asks for the approved masks as they are now; the same export again is the one that there is already.

    Raises BadExport with the ``field`` of a parameter that cannot be used, NothingToExport, NotReady without a
    scene where images are wanted, AlreadyActive while too many others of the project are being made.
    """
    export = settle_contents(project, kind, parameters_of(kind, parameters or {}))
    with transaction.atomic():
        lock_project(project.pk)
        rows = Export.objects.filter(project=project)
        same = rows.filter(fingerprint=export.fingerprint)
        if there := same.filter(state__in=ACTIVE_JOB_STATES).first() or _with_file(same):
            return there
        if rows.filter(state__in=ACTIVE_JOB_STATES).count() >= MAX_ACTIVE:
            raise AlreadyActive(
                f"{MAX_ACTIVE} exports of the project are being made. Wait for one of them, or cancel one first."
            )
        _check_room(0)
        export.requested_by = user
        export.heartbeat_at = timezone.now()
        export.save()
        record_event(
            export,
            "requested",
            actor=user,
            to_state=JobState.QUEUED,
            kind=str(kind),
            patches=export.total,
            fingerprint=export.fingerprint,
        )
        enqueue("make_export", export.pk)
    return export


def cancel_export(*, export: Export, user: User) -> Export:
    """Ends the export within one of its parts; what was made of it is removed. Raises IllegalTransition."""
    with transaction.atomic():
        export = Export.objects.select_for_update().get(pk=export.pk)
        if not export.is_active:
            raise IllegalTransition(
                f"The export is {export.get_state_display()}; there is nothing to cancel.", state=export.state
            )
        _end(export, JobState.CANCELLED, "Cancelled.", actor=user)
    # A worker that is at it removes what it made itself.
    with _alone(export) as alone:
        if alone:
            remove(export.work_path)
    return export


def make_export(export_id: int) -> None:
    """Makes the export, or goes on with it where a lost worker left it; finished parts are not made again."""
    export = take_lease(
        Export,
        export_id,
        waiting=JobState.QUEUED,
        working=(JobState.RUNNING,),
        becomes=JobState.RUNNING,
        give_up=_fail,
    )
    if export is None:
        return
    with _alone(export) as alone:
        if not alone:
            # Its worker lives and is at a long step: taking the lease was its sign of life.
            return
        record_event(
            export, "started" if export.done == 0 else "resumed", actor=None, to_state=JobState.RUNNING
        )
        try:
            with signs_of_life(Export.objects.filter(pk=export.pk, state=JobState.RUNNING)):
                _make(export)
        except _Ended:
            remove(export.work_path)
        except (MilpaError, inference.MethodError) as error:
            _fail(export, str(error))
        except OSError as error:
            _fail(
                export, f"The disk of the server did not take the file ({error.strerror}). Tell the operator."
            )
        except Exception:
            _fail(export, "The export failed unexpectedly. The worker's log has the details.")
            raise


def download_path(export: Export) -> Path:
    """The export's file. Raises NotReady before there is one, FileGone after it was removed."""
    if export.is_active:
        raise NotReady("The export is still being made. Ask again when it has succeeded.")
    if not export.has_file or not export.file_path.is_file():
        raise FileGone(
            "There is no file of this export: it was removed after its time, or never made. Export again; the same "
            "masks make the same file."
        )
    return export.file_path


def remove_old_exports() -> int:
    """Removes the files that are older than ``EXPORT_KEEP_DAYS``; their rows stay. Returns how many."""
    limit = timezone.now() - timedelta(days=settings.EXPORT_KEEP_DAYS)
    old = Export.objects.filter(size_bytes__gt=0, ended_at__lt=limit)
    for export in old:
        remove(export.file_path)
        Export.objects.filter(pk=export.pk).update(size_bytes=0)
        record_event(export, "file removed", actor=None)
    return len(old)


def _with_file(exports: QuerySet[Export]) -> Export | None:
    """The first whose file is there; one whose file is lost, as from an older copy of the disk, has none any more."""
    for export in exports.filter(size_bytes__gt=0):
        if export.file_path.is_file():
            return export
        Export.objects.filter(pk=export.pk).update(size_bytes=0)
        record_event(export, "file lost", actor=None)
    return None


def _make(export: Export) -> None:
    form = FORMS[ExportKind(export.kind)]
    export.work_path.mkdir(parents=True, exist_ok=True)
    done = 0
    _tell(export, done)
    if export.kind in PARCEL_KINDS:
        stored = partial(write_stored_parcels, export, lambda message: _tell(export, 0, message))
        _make_part(Part(STORED, export.total, stored), export.work_path)
        done = export.total
        _tell(export, done)
    contents = contents_of(export)
    for part in form.parts(contents):
        _make_part(part, export.work_path)
        done += part.patches
        _tell(export, done)
    sha256 = _pack(export, contents)
    size_bytes = export.file_path.stat().st_size
    _succeed(export, contents.name, size_bytes, sha256)
    remove(export.work_path)


def _make_part(part: Part, work: Path) -> None:
    made = work / part.name
    if made.exists():
        return
    _check_room(_size_of(work))
    partial = work / f"{part.name}.partial"
    remove(partial)
    part.write(partial)
    partial.rename(made)


def _pack(export: Export, contents: Contents) -> str:
    """The archive under its last name, and its SHA-256."""
    members = FORMS[ExportKind(export.kind)].members(contents, export.work_path)
    partial = export.file_path.with_suffix(".partial")
    told = 0

    def on_bytes(written: int) -> None:
        nonlocal told
        if written - told > TOLD_EVERY_BYTES:
            told = written
            _check_room(written)
            _tell(export, export.total)

    try:
        sha256 = write_archive(partial, members, on_bytes=on_bytes)
        partial.rename(export.file_path)
    finally:
        remove(partial)
    return sha256


def _check_room(more_bytes: int) -> None:
    """Raises BadExport where the files of exports, with so many bytes more, are beyond what they may take."""
    kept = Export.objects.aggregate(all=Sum("size_bytes"))["all"] or 0
    folder = Path(settings.MEDIA_ROOT) / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    if kept + more_bytes > settings.EXPORTS_MAX_BYTES or shutil.disk_usage(folder).free < SPARE_BYTES:
        raise BadExport(
            "There is no room on the server for another export. Wait until older files are removed, export a "
            "smaller area with the parameter bbox, or have the operator make room or raise EXPORTS_MAX_BYTES.",
            field=None,
        )


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def _alone(export: Export) -> Iterator[bool]:
    """Whether nobody else works on the export now; the database ends the lock when a worker's connection ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_SPACE, export.pk])
        taken = bool(cursor.fetchone()[0])
    try:
        yield taken
    finally:
        if taken:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_SPACE, export.pk])


def _tell(export: Export, done: int, message: str = "") -> None:
    """Writes progress and heartbeat; raises `_Ended` when the export is no longer wanted."""
    rows = Export.objects.filter(pk=export.pk, state=JobState.RUNNING)
    if not rows.update(done=min(done, export.total), message=message, heartbeat_at=timezone.now()):
        raise _Ended


@transaction.atomic
def _succeed(export: Export, name: str, size_bytes: int, sha256: str) -> None:
    row = Export.objects.select_for_update().get(pk=export.pk)
    if row.state != JobState.RUNNING:
        remove(row.file_path)
        raise _Ended
    row.file_name, row.size_bytes, row.sha256 = f"{name}.zip", size_bytes, sha256
    row.save(update_fields=["file_name", "size_bytes", "sha256"])
    _end(row, JobState.SUCCEEDED, f"Patches: {row.total}.", actor=None, sha256=sha256)


def _fail(export: Export, message: str) -> None:
    with transaction.atomic():
        row = Export.objects.select_for_update().get(pk=export.pk)
        if row.state == JobState.RUNNING:
            _end(row, JobState.FAILED, message, actor=None)
    remove(export.work_path)


def _end(export: Export, state: JobState, message: str, *, actor: User | None, **facts: Any) -> None:
    export.message = message
    export.ended_at = timezone.now()
    move(export, state, JOB_TRANSITIONS, str(state), actor=actor, fields=("message", "ended_at"), **facts)
