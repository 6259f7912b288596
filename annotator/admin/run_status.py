"""How far a training run is and what it is at, in sentences and with its pace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from annotator.admin.run_plots import best_validation
from annotator.durations import duration_text
from annotator.enums import RunState
from annotator.models import Event, TrainingRun


@dataclass(frozen=True)
class RunStatus:
    """What the page of a run tells beside its state.

    ``pace`` is "1.3 s a step, about 2 min left" while it learns; ``doing`` says what an active run is at or waits
    for; ``outcome`` what an ended one left behind, beside its own message. Each is empty where there is nothing
    to say.
    """

    pace: str
    doing: str
    outcome: str


def run_status(run: TrainingRun, *, now: datetime | None = None) -> RunStatus:
    """At ``now``, the present moment unless given."""
    seconds = _seconds_per_step(run) if run.state == RunState.TRAINING else None
    pace = ""
    if seconds is not None:
        left = round(seconds * (run.steps - run.step))
        pace = f"{seconds:.2g} s a step, about {duration_text(left)} left to learn"
    return RunStatus(pace, _doing(run, now or timezone.now()), _outcome(run))


def _seconds_per_step(run: TrainingRun) -> float | None:
    """Mean over this worker's steps, what it read before the first included; None before the first.

    None too after a resumption: at which step the checkpoint was is not kept with the event.
    """
    begun = (
        Event.objects.filter(subject="trainingrun", subject_id=run.pk, verb__in=("started", "resumed"))
        .order_by("-at", "-pk")
        .first()
    )
    if begun is None or begun.verb != "started" or not run.step or run.heartbeat_at is None:
        return None
    return max(0.0, (run.heartbeat_at - begun.at).total_seconds()) / run.step


def _doing(run: TrainingRun, now: datetime) -> str:
    if run.state == RunState.QUEUED:
        return "It waits for a worker. Other runs may be before it."
    if not run.is_active:
        return ""
    silent = (now - run.heartbeat_at).total_seconds() if run.heartbeat_at else 0.0
    if silent > settings.JOB_LOST_AFTER_SECONDS:
        return (
            f"Its worker has not been heard of for {duration_text(int(silent))}. Another worker takes the run up "
            "from its last checkpoint."
        )
    if run.state == RunState.EVALUATING:
        held_out = len(run.holdout_revisions)
        patches = "patch" if held_out == 1 else "patches"
        return (
            f"{_early_end(run)}Version {run.parent.number} and the candidate are being measured on "
            f"{held_out} held-out {patches}."
        )
    return "It reads the imagery and the masks." if run.step == 0 else ""


def _outcome(run: TrainingRun) -> str:
    if run.state != RunState.SUCCEEDED:
        return ""
    best = best_validation(run)
    if best is None:
        return f"{_early_end(run)}The candidate has the adapter of the last step: no patch was left to validate on."
    if best["step"] == 0:
        return (
            f"{_early_end(run)}No step had a smaller validation loss than the parent, so the candidate answers "
            "as its parent does."
        )
    return (
        f"{_early_end(run)}The candidate has the adapter of step {best['step']}, "
        f"where the validation loss was least ({best['loss']:.3f})."
    )


def _early_end(run: TrainingRun) -> str:
    if run.step >= run.steps:
        return ""
    patience = run.config.get("patience")
    since = f" the last {patience} validations" if patience else " the last validations"
    return f"It ended early, after {run.step} of {run.steps} steps:{since} brought no gain. "
