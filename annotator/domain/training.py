"""Training runs: a LoRA round on approved masks, then parent and candidate measured on held-out ones."""

from __future__ import annotations

import logging
import shutil
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotator import inference
from annotator.domain.dispatch import enqueue
from annotator.domain.events import record_event
from annotator.domain.label_sets import split_revisions
from annotator.domain.leases import take_lease
from annotator.domain.training_round import StoppedElsewhere, complete_round, end_run
from annotator.enums import ACTIVE_RUN_STATES, RunState
from annotator.errors import AlreadyActive, BadConfig, IllegalTransition, MilpaError, NotReady
from annotator.models import Project, TrainingRun
from annotator.queries.labels import approved_revisions
from annotator.queries.scenes import default_scene
from annotator.queries.versions import promoted_version

logger = logging.getLogger(__name__)


def request_run(
    *,
    project: Project,
    user: User | None,
    config: dict[str, Any] | None = None,
    idempotency_key: str = "",
    reason: str = "",
) -> TrainingRun:
    """Asks for a round from the promoted version on the patches that are approved now.

    ``user`` is None where a rule of the project asks, and ``reason`` tells which; the event keeps it. The same
    ``idempotency_key`` again answers with the run of the first time. Raises NothingToTrainOn, NotReady,
    AlreadyActive with the active run's id.
    """
    if (known := _requested_before(project, idempotency_key)) is not None:
        return known
    checked = checked_config(config or {})
    parent = promoted_version(project.pk)
    if parent is None or default_scene(project.pk) is None:
        raise NotReady("A run needs a ready scene and a promoted model version to start from.")
    split = split_revisions(approved_revisions(project.pk).defer("mask_png"))
    try:
        with transaction.atomic():
            run = TrainingRun.objects.create(
                project=project,
                parent=parent,
                config=checked,
                steps=checked["steps"],
                training_revisions=[r.pk for r in split.training + split.validation],
                holdout_revisions=[r.pk for r in split.holdout],
                idempotency_key=idempotency_key,
                requested_by=user,
                heartbeat_at=timezone.now(),
            )
            facts = {"reason": reason} if reason else {}
            record_event(run, "requested", actor=user, to_state=RunState.QUEUED, **facts)
            enqueue("train", run.pk)
            return run
    except IntegrityError as error:
        # The same request may have come twice at once.
        if (known := _requested_before(project, idempotency_key)) is not None:
            return known
        active = TrainingRun.objects.filter(project=project, state__in=ACTIVE_RUN_STATES).first()
        raise AlreadyActive(
            f"Training run {active.pk if active else ''} of this project is under way. "
            "Wait for it to end, or cancel it first.",
            active=active.pk if active else None,
        ) from error


def _requested_before(project: Project, idempotency_key: str) -> TrainingRun | None:
    if not idempotency_key:
        return None
    return TrainingRun.objects.filter(project=project, idempotency_key=idempotency_key).first()


def checked_config(config: dict[str, Any]) -> dict[str, Any]:
    """The config with its defaults filled in. Raises BadConfig."""
    try:
        return inference.finetune_config(config)
    except (TypeError, ValueError) as error:
        raise BadConfig(f"The training config cannot be used: {error}.") from error


def cancel_run(*, run: TrainingRun, user: User) -> TrainingRun:
    """Ends a waiting run at once and a working one within a step. Raises IllegalTransition."""
    with transaction.atomic():
        run = TrainingRun.objects.select_for_update().get(pk=run.pk)
        if not run.is_active:
            raise IllegalTransition(
                f"The run is {run.get_state_display()}; there is nothing to cancel.", state=run.state
            )
        end_run(run, RunState.CANCELLED, f"Cancelled after {run.step} of {run.steps} steps.", actor=user)
    return run


def train(run_id: int) -> None:
    """Does the run, or goes on from its checkpoint where a lost worker left it."""
    run = take_lease(
        TrainingRun,
        run_id,
        waiting=RunState.QUEUED,
        working=(RunState.TRAINING, RunState.EVALUATING),
        becomes=RunState.TRAINING,
    )
    if run is None:
        return
    record_event(run, "started" if run.step == 0 else "resumed", actor=None, to_state=RunState.TRAINING)
    try:
        complete_round(run)
    except StoppedElsewhere:
        logger.info("run %s was ended by somebody", run_id)
    except (MilpaError, inference.MethodError) as error:
        _fail(run, str(error))
    except OSError as error:
        _fail(run, f"The disk or a file failed ({error.strerror}). Free some space and start another run.")
    except Exception:
        _fail(run, "Training failed unexpectedly. The worker's log has the details.")
        raise
    shutil.rmtree(run.work_path, ignore_errors=True)


@transaction.atomic
def _fail(run: TrainingRun, message: str) -> None:
    run = TrainingRun.objects.select_for_update().get(pk=run.pk)
    if run.is_active:
        end_run(run, RunState.FAILED, message, actor=None)
