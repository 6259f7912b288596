"""Training runs: a LoRA round on approved masks, then parent and candidate measured on held-out ones."""

from __future__ import annotations

import logging
import shutil
import uuid
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from annotator import inference
from annotator.domain.dispatch import enqueue
from annotator.domain.events import record_event
from annotator.domain.label_sets import plan_split
from annotator.domain.leases import signs_of_life, take_lease
from annotator.domain.legend_records import hidden_values, legend_record
from annotator.domain.locks import lock_project
from annotator.domain.round_data import imagery_record
from annotator.domain.run_progress import StoppedElsewhere
from annotator.domain.sides import record_sides
from annotator.domain.training_round import complete_round, end_run
from annotator.enums import ACTIVE_RUN_STATES, RunState
from annotator.errors import AlreadyActive, BadConfig, IllegalTransition, MilpaError, NotReady
from annotator.models import Project, Revision, TrainingRun
from annotator.queries.labels import approved_revisions, legend_of
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
    try:
        with transaction.atomic():
            # The sides of new blocks are decided by one request at a time, and no promotion comes in between.
            lock_project(project.pk)
            parent = promoted_version(project.pk)
            scene = default_scene(project.pk)
            if parent is None or scene is None:
                raise NotReady("A run needs a ready scene and a promoted model version to start from.")
            split = plan_split(project.pk, parent, approved_revisions(project.pk).defer("mask_png"))
            record_sides(project.pk, split.sides)
            legend = legend_of(project.pk)
            run = TrainingRun.objects.create(
                project=project,
                parent=parent,
                config=checked,
                steps=checked["steps"],
                training_revisions=_ids(split.training + split.replay + split.validation),
                replay_revisions=_ids(split.replay),
                validation_revisions=_ids(split.validation),
                holdout_revisions=_ids(split.holdout),
                legend=legend_record(legend),
                imagery=imagery_record(split.everything, scene),
                hidden_values=hidden_values(_ids(split.everything), legend),
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


def _ids(revisions: list[Revision]) -> list[int]:
    return [revision.pk for revision in revisions]


def _requested_before(project: Project, idempotency_key: str) -> TrainingRun | None:
    if not idempotency_key:
        return None
    return TrainingRun.objects.filter(project=project, idempotency_key=idempotency_key).first()


def checked_config(config: dict[str, Any]) -> dict[str, Any]:
    """The config with its defaults filled in. Raises BadConfig, naming the field where it is one's value."""
    try:
        return inference.finetune_config(config)
    except (TypeError, ValueError) as error:
        sentence = str(error)
        raise BadConfig(
            f"The training config cannot be used: {sentence}.",
            field=next((name for name in inference.finetune_config({}) if sentence.startswith(name)), None),
        ) from error


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
        give_up=_fail,
    )
    if run is None:
        return
    run.attempt = uuid.uuid4().hex[:8]
    run.save(update_fields=["attempt"])
    record_event(run, "started" if run.step == 0 else "resumed", actor=None, to_state=RunState.TRAINING)
    try:
        with signs_of_life(TrainingRun.objects.filter(pk=run.pk, attempt=run.attempt)):
            complete_round(run)
    except StoppedElsewhere:
        logger.info("run %s was ended or taken over by somebody", run_id)
    except (MilpaError, inference.MethodError) as error:
        _fail(run, str(error))
    except (OperationalError, InterfaceError):
        # The row keeps its state, and the run goes on from its checkpoint once the database is back.
        raise
    except OSError as error:
        _fail(
            run,
            f"The disk or a file failed ({error.strerror or error}). Free some space and start another run.",
        )
    except Exception:
        _fail(run, "Training failed unexpectedly. The worker's log has the details.")
        raise
    finally:
        _remove_work(run)


def _remove_work(run: TrainingRun) -> None:
    """Removes the checkpoints unless the run still goes on, here or with another worker."""
    try:
        goes_on = TrainingRun.objects.filter(pk=run.pk, state__in=ACTIVE_RUN_STATES).exists()
    except (OperationalError, InterfaceError):
        return
    if not goes_on:
        shutil.rmtree(run.work_path, ignore_errors=True)


@transaction.atomic
def _fail(run: TrainingRun, message: str) -> None:
    attempt = run.attempt
    run = TrainingRun.objects.select_for_update().get(pk=run.pk)
    if run.is_active and run.attempt == attempt:
        end_run(run, RunState.FAILED, message, actor=None)
