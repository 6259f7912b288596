"""What a worker does in a training run: learn, measure, and leave a candidate version."""

from __future__ import annotations

import dataclasses
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from annotator import inference
from annotator.domain.events import move
from annotator.domain.gate import judge, obstacle
from annotator.domain.held_out import Measured, keep_measures, measure
from annotator.domain.label_sets import labelled_patches, split_revisions
from annotator.domain.locks import lock_project
from annotator.domain.versions import add_candidate, promote
from annotator.enums import RUN_TRANSITIONS, RunState
from annotator.errors import NotReady
from annotator.inference import LabelledPatch, StepReport
from annotator.models import LabelClass, ModelVersion, Revision, TrainingRun
from annotator.queries.labels import legend_of
from annotator.queries.scenes import default_scene
from annotator.queries.versions import promoted_version


class StoppedElsewhere(Exception):
    """The run was cancelled, or ended otherwise, while this worker was at it."""


@dataclasses.dataclass(frozen=True)
class RoundData:
    """The labelled patches of a run, read once."""

    training: tuple[LabelledPatch, ...]
    validation: tuple[LabelledPatch, ...]
    holdout: tuple[LabelledPatch, ...]


def complete_round(run: TrainingRun) -> None:
    """Trains, calibrates, evaluates and ends the run as succeeded. Raises StoppedElsewhere, MethodError."""
    legend = legend_of(run.project_id)
    data = _read_data(run)
    _log(run, f"{len(data.training)} patches to learn from, {len(data.validation)} to calibrate on, "
              f"{len(data.holdout)} held out; parent is version {run.parent.number}.")  # fmt: skip
    # A name of this attempt's own: a worker that was taken for lost may still be at work beside it.
    adapter_name = f"project-{run.project_id}-run-{run.pk}-{uuid.uuid4().hex[:8]}"
    report = inference.finetune_from(
        run.parent,
        legend,
        training=data.training,
        validation=data.validation,
        config=inference.FinetuneConfig(**run.config),
        work_dir=run.work_path,
        out_dir=_adapter_path(adapter_name),
        on_progress=lambda step: _tell_step(run, step),
    )
    _log(run, f"{len(report.losses)} steps in {report.seconds:.0f} s; "
              f"{report.trainable_parameters:,} adapter weights.")  # fmt: skip
    candidate = ModelVersion(
        project_id=run.project_id,
        base=run.parent.base,
        adapter_name=adapter_name,
        # Fitted on the validation patches, or the parent's where there are none.
        temperature=report.model.temperature,
        context_levels=run.parent.context_levels,
    )
    _enter_evaluation(run)
    before = _measure(run, run.parent, legend, data.holdout)
    after = _measure(run, candidate, legend, data.holdout)
    candidate.verdict = judge(
        project_id=run.project_id, parent=before.report, candidate=after.report, legend=legend
    )
    _log(run, candidate.verdict["reason"])
    _succeed(run, candidate, report.data_hash, before, after)


def _adapter_path(adapter_name: str) -> Path:
    return Path(settings.MEDIA_ROOT) / "adapters" / adapter_name


def _read_data(run: TrainingRun) -> RoundData:
    scene = default_scene(run.project_id)
    if scene is None:
        raise NotReady("The project has no ready scene any more, so there is no imagery to learn from.")
    revisions = {
        r.pk: r
        for r in Revision.objects.filter(pk__in=run.training_revisions + run.holdout_revisions)
        .select_related("annotation__patch", "proposal__scene")
        .defer("proposal__mask_png", "proposal__entropy_png", "proposal__embedding")
        .order_by("annotation__patch__quadkey")
    }
    split = split_revisions(revisions.values())
    levels = run.parent.context_levels
    return RoundData(
        labelled_patches(split.training, scene, levels),
        labelled_patches(split.validation, scene, levels),
        labelled_patches(split.holdout, scene, levels),
    )


def _tell_step(run: TrainingRun, report: StepReport) -> None:
    if report.resumed_from is not None and report.step == report.resumed_from + 1:
        _log(run, f"Resumed from the checkpoint of step {report.resumed_from}.")
    run.losses = [*run.losses[: report.step - 1], round(report.loss, 5)]
    run.step = report.step
    _alive(run, step=report.step, losses=run.losses)


def _alive(run: TrainingRun, **fields: object) -> None:
    """A sign of life with whatever progress there is. Raises StoppedElsewhere when the run was ended."""
    rows = TrainingRun.objects.filter(pk=run.pk, state__in=(RunState.TRAINING, RunState.EVALUATING))
    if not rows.update(heartbeat_at=timezone.now(), **fields):
        raise StoppedElsewhere


def _log(run: TrainingRun, line: str) -> None:
    run.log += f"{timezone.now():%H:%M:%S} {line}\n"
    _alive(run, log=run.log)


@transaction.atomic
def _enter_evaluation(run: TrainingRun) -> None:
    locked = TrainingRun.objects.select_for_update().get(pk=run.pk)
    if locked.state != RunState.TRAINING:
        raise StoppedElsewhere
    move(locked, RunState.EVALUATING, RUN_TRANSITIONS, "evaluating", actor=None)


def _measure(
    run: TrainingRun, version: ModelVersion, legend: Sequence[LabelClass], holdout: tuple[LabelledPatch, ...]
) -> Measured:
    measured = measure(version, legend, holdout)
    name = f"version {version.number}" if version.pk else "the candidate"
    _log(run, f"mIoU of {name} on {_held_out(len(holdout))}: {measured.report.miou:.3f}")
    return measured


def _held_out(count: int) -> str:
    return f"{count} held-out patch{'' if count == 1 else 'es'}"


@transaction.atomic
def _succeed(
    run: TrainingRun, candidate: ModelVersion, data_hash: str, before: Measured, after: Measured
) -> None:
    run = TrainingRun.objects.select_for_update().get(pk=run.pk)
    if run.state != RunState.EVALUATING:
        shutil.rmtree(_adapter_path(candidate.adapter_name), ignore_errors=True)
        raise StoppedElsewhere
    version = add_candidate(
        parent=run.parent,
        adapter_name=candidate.adapter_name,
        temperature=candidate.temperature,
        provenance={
            "kind": "LoRA round",
            "training_run": run.pk,
            "data_hash": data_hash,
            "config": run.config,
            "training_revisions": run.training_revisions,
        },
        actor=run.requested_by,
        verdict=candidate.verdict,
    )
    assert version.verdict is not None, "the gate is asked before a run succeeds"
    keep_measures(run=run, parent=before, candidate=after, version=version)
    run.candidate = version
    run.data_hash = data_hash
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
