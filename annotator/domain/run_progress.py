"""What a worker writes while a run goes on: signs of life, steps, log lines; and whether the run is still its own."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from annotator.enums import RunState
from annotator.inference import FinetuneReport, StepReport
from annotator.models import TrainingRun

logger = logging.getLogger(__name__)
PAUSE_SECONDS = 2.0
ResultT = TypeVar("ResultT")


class StoppedElsewhere(Exception):
    """The run was cancelled, ended otherwise or taken over by another worker while this one was at it."""


def ride_out(write: Callable[[], ResultT]) -> ResultT:
    """The result of a write that may be done twice, tried again while the database is away, as in a restart.

    Raises the database's error when it was away for `DATABASE_PATIENCE_SECONDS`.
    """
    deadline = time.monotonic() + settings.DATABASE_PATIENCE_SECONDS
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError) as error:
            # In a transaction of the caller, nothing is left to be written again.
            if connection.in_atomic_block or time.monotonic() > deadline:
                raise
            logger.warning("the database is away (%s); trying again", error)
            connection.close()
            time.sleep(PAUSE_SECONDS)


def tell_alive(run: TrainingRun, **fields: object) -> None:
    """A sign of life with whatever progress there is. Raises StoppedElsewhere when the run is not ours any more."""
    rows = TrainingRun.objects.filter(
        pk=run.pk, attempt=run.attempt, state__in=(RunState.TRAINING, RunState.EVALUATING)
    )
    if not ride_out(lambda: rows.update(heartbeat_at=timezone.now(), **fields)):
        raise StoppedElsewhere


def tell_log(run: TrainingRun, line: str) -> None:
    run.log += f"{timezone.now():%H:%M:%S} {line}\n"
    tell_alive(run, log=run.log)


def tell_step(run: TrainingRun, report: StepReport) -> None:
    """Keeps the step's loss, and what was validated after it."""
    if report.resumed_from is not None and report.step == report.resumed_from + 1:
        tell_log(run, f"Resumed from the checkpoint of step {report.resumed_from}.")
    run.losses = [*run.losses[: report.step - 1], round(report.loss, 5)]
    run.step = report.step
    if report.validation is not None:
        earlier = [point for point in run.validations if point["step"] < report.step]
        run.validations = [*earlier, dataclasses.asdict(report.validation)]
    tell_alive(run, step=run.step, losses=run.losses, validations=run.validations)


def tell_learned(run: TrainingRun, report: FinetuneReport) -> None:
    """Keeps the whole validation curve and says how the training ended."""
    run.validations = [dataclasses.asdict(point) for point in report.validations]
    run.best_step = report.best_step
    tell_alive(run, validations=run.validations, best_step=run.best_step)
    tell_log(
        run,
        f"{len(report.losses)} steps in {report.seconds:.0f} s, computed in {report.precision}; "
        f"{report.trainable_parameters:,} adapter weights.",
    )
    if report.stopped_early:
        tell_log(
            run,
            f"Ended early after step {len(report.losses)} of {run.steps}: the last {run.config['patience']} "
            "validations brought no gain.",
        )
    if report.validations:
        tell_log(run, _best(report))


def _best(report: FinetuneReport) -> str:
    best = next(point for point in report.validations if point.step == report.best_step)
    if report.best_step == 0:
        return (
            f"No step was better than the parent on the validation patches (loss {best.loss:.4f}): "
            "the candidate answers as the parent does."
        )
    return f"The adapter of step {best.step} is kept: it had the least validation loss, {best.loss:.4f}."
