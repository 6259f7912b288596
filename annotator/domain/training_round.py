"""What a worker does in a training run: learn, measure, and leave a candidate version."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from annotator import inference
from annotator.domain.events import move
from annotator.domain.gate import judge, obstacle
from annotator.domain.held_out import Measured, comparable_classes, keep_measures, measure
from annotator.domain.locks import lock_project
from annotator.domain.provenance import provenance_of
from annotator.domain.round_data import RoundData, read_round, record_of
from annotator.domain.run_progress import (
    StoppedElsewhere,
    ride_out,
    tell_alive,
    tell_learned,
    tell_log,
    tell_step,
)
from annotator.domain.versions import add_candidate, promote
from annotator.enums import RUN_TRANSITIONS, RunState
from annotator.errors import NotReady
from annotator.inference import LabelledPatch
from annotator.models import LabelClass, ModelVersion, TrainingRun
from annotator.queries.versions import promoted_version


def complete_round(run: TrainingRun) -> None:
    """Trains, calibrates, evaluates and ends the run as succeeded.

    Raises StoppedElsewhere, MethodError, NotReady, and OSError when the disk does not take a file.
    """
    # A name of this attempt's own: a worker that was taken for lost may still be at work beside it.
    adapter_name = f"project-{run.project_id}-run-{run.pk}-{run.attempt}"
    try:
        _complete(run, adapter_name)
    except (OperationalError, InterfaceError):
        # Whether the run succeeded is not known while the database is away.
        raise
    except BaseException:
        for folder in _adapter_path(adapter_name).parent.glob(f"{adapter_name}*"):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _complete(run: TrainingRun, adapter_name: str) -> None:
    record = record_of(run)
    data, legend = read_round(record), record.classes
    tell_log(run, f"{_labels_in_words(data)}; parent is version {run.parent.number}.")
    _check_parent(run.parent)
    report = inference.finetune_from(
        run.parent,
        legend,
        training=data.training,
        replay=data.replay,
        validation=data.validation,
        config=inference.FinetuneConfig(**run.config),
        work_dir=run.work_path,
        out_dir=_adapter_path(adapter_name),
        on_progress=lambda step: tell_step(run, step),
    )
    tell_learned(run, report)
    candidate = ModelVersion(
        project_id=run.project_id,
        base=run.parent.base,
        adapter_name=adapter_name,
        # Fitted on the validation patches, or the parent's where there are none.
        temperature=report.model.temperature,
        context_levels=run.parent.context_levels,
    )
    ride_out(lambda: _enter_evaluation(run))
    counted = comparable_classes(run.parent, legend)
    before = _measure(run, run.parent, counted, data.holdout, counted)
    after = _measure(run, candidate, legend, data.holdout, counted)
    candidate.verdict = judge(project_id=run.project_id, parent=before, candidate=after, legend=legend)
    tell_log(run, candidate.verdict["reason"])
    candidate.provenance = provenance_of(run, report, data.validation)
    ride_out(lambda: _succeed(run, candidate, before, after))


def _check_parent(parent: ModelVersion) -> None:
    """Raises NotReady where the parent's adapter is broken: whatever is learned from it would be, too."""
    try:
        is_sound = inference.has_sound_adapter(parent)
    except OSError as error:
        raise NotReady(
            f"The adapter of version {parent.number} cannot be read. Put its files back, or roll back to an earlier "
            "version and train from that."
        ) from error
    if not is_sound:
        raise NotReady(
            f"The adapter of version {parent.number} has weights that are no numbers. Roll back to an earlier "
            "version and train from that."
        )


def _labels_in_words(data: RoundData) -> str:
    replay = f"{len(data.replay)} of earlier rounds to repeat, " if data.replay else ""
    return (
        f"{len(data.training)} patches to learn from, {replay}{len(data.validation)} to validate and calibrate on, "
        f"{len(data.holdout)} held out"
    )


def _adapter_path(adapter_name: str) -> Path:
    return Path(settings.MEDIA_ROOT) / "adapters" / adapter_name


@transaction.atomic
def _enter_evaluation(run: TrainingRun) -> None:
    locked = TrainingRun.objects.select_for_update().get(pk=run.pk)
    if locked.attempt != run.attempt or locked.state not in (RunState.TRAINING, RunState.EVALUATING):
        raise StoppedElsewhere
    if locked.state == RunState.EVALUATING:
        # The commit came through although its answer did not.
        return
    move(locked, RunState.EVALUATING, RUN_TRANSITIONS, "evaluating", actor=None)


def _measure(
    run: TrainingRun,
    version: ModelVersion,
    asked: Sequence[LabelClass],
    holdout: tuple[LabelledPatch, ...],
    counted: Sequence[LabelClass],
) -> Measured:
    measured = measure(version, asked, holdout, counted=counted, on_patch=lambda: tell_alive(run))
    name = f"version {version.number}" if version.pk else "the candidate"
    tell_log(run, f"mIoU of {name} on {_held_out(len(holdout))}: {measured.report.miou:.3f}")
    return measured


def _held_out(count: int) -> str:
    return f"{count} held-out patch{'' if count == 1 else 'es'}"


@transaction.atomic
def _succeed(run: TrainingRun, candidate: ModelVersion, before: Measured, after: Measured) -> None:
    run = TrainingRun.objects.select_for_update().get(pk=run.pk)
    if run.candidate is not None and run.candidate.adapter_name == candidate.adapter_name:
        # The commit came through although its answer did not.
        return
    if run.state != RunState.EVALUATING:
        raise StoppedElsewhere
    version = add_candidate(
        parent=run.parent,
        adapter_name=candidate.adapter_name,
        temperature=candidate.temperature,
        provenance=candidate.provenance,
        actor=run.requested_by,
        verdict=candidate.verdict,
    )
    assert version.verdict is not None, "the gate is asked before a run succeeds"
    keep_measures(run=run, parent=before, candidate=after, version=version)
    run.candidate = version
    run.data_hash = candidate.provenance["data_hash"]
    run.save(update_fields=["data_hash"])
    end_run(
        run,
        RunState.SUCCEEDED,
        f"Version {version.number} beside version {run.parent.number}: "
        f"mIoU {before.report.miou:.3f} → {after.report.miou:.3f} "
        f"on {_held_out(after.report.patch_count)}. {version.verdict['reason']}",
        actor=None,
    )
    _promote_if_wanted(version)


def _promote_if_wanted(version: ModelVersion) -> None:
    """Promotes what the gate lets through in a project whose rules say so; the caller holds a transaction."""
    project = lock_project(version.project_id)
    if project.promotes_passing and not obstacle(version, promoted_version(project.pk)):
        promote(version=version, user=None, reason="The project promotes what passes the gate.")


def end_run(run: TrainingRun, state: RunState, message: str, *, actor: User | None) -> None:
    """Writes how the run ended; the caller holds the row's lock."""
    run.message = message
    run.ended_at = timezone.now()
    move(run, state, RUN_TRANSITIONS, str(state), actor=actor, fields=("message", "ended_at", "candidate"))
