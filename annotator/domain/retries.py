"""Trying again what was given up, as worker after worker was lost at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotator.domain.dispatch import enqueue
from annotator.domain.events import move
from annotator.enums import (
    IMPORT_TRANSITIONS,
    JOB_TRANSITIONS,
    RUN_TRANSITIONS,
    ImportState,
    JobState,
    RunState,
)
from annotator.errors import AlreadyActive, FileGone, IllegalTransition
from annotator.models import Export, LabelImport, TrainingRun

RowT = TypeVar("RowT", Export, LabelImport, TrainingRun)
# By kind: the state that waits, the table of transitions, the task. Proposals, display copies and parcels need none
# of it: asked for again, they go on with what there is.
_KINDS: Mapping[type, tuple[Any, Mapping[Any, Any], str]] = {
    Export: (JobState.QUEUED, JOB_TRANSITIONS, "make_export"),
    LabelImport: (ImportState.QUEUED, IMPORT_TRANSITIONS, "import_labels"),
    TrainingRun: (RunState.QUEUED, RUN_TRANSITIONS, "train"),
}


def try_again(*, row: RowT, user: User) -> RowT:
    """Sends a job that was given up to a worker once more: an import with its file and what was chosen for it, a run
    with its labels and from its checkpoint, an export with its revisions.

    Raises IllegalTransition for one that was not given up, FileGone for an import whose file was removed since,
    AlreadyActive where another has its place meanwhile.
    """
    waiting, table, task = _KINDS[type(row)]
    try:
        with transaction.atomic():
            row = type(row).objects.select_for_update().get(pk=row.pk)
            if not row.is_given_up:
                raise IllegalTransition(
                    "Only what was given up, as its workers were lost, can be tried again as it is. Ask for it anew.",
                    state=row.state,
                )
            if isinstance(row, LabelImport) and not row.file_path.is_file():
                raise FileGone("The file of the import was removed after its time. Bring it again.")
            row.takeovers, row.message, row.ended_at, row.heartbeat_at = 0, "", None, timezone.now()
            changed = ("takeovers", "message", "ended_at", "heartbeat_at")
            move(row, waiting, table, "tried again", actor=user, fields=changed)
            enqueue(task, row.pk)
    except IntegrityError as error:
        raise AlreadyActive(
            "Another one of the same kind is under way. Wait for it to end, or cancel it first."
        ) from error
    return row
