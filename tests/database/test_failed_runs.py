"""What can be wrong with a run's labels, parent or disk: each ends in a sentence, with nothing left behind."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from django.conf import settings
from safetensors.torch import load_file, save_file

from annotator import inference
from annotator.domain import training_round
from annotator.domain.imports import import_label_raster
from annotator.domain.training import request_run, train
from annotator.domain.versions import promote
from annotator.enums import RunState
from annotator.models import Project, TrainingRun
from tests.factories import make_project, make_scene

pytestmark = pytest.mark.django_db
CONFIG = {"steps": 2, "images_per_step": 1, "token_patches_per_image": 4}
CLASSES = {0: 0, 1: 1, 2: 2, 3: 0, 4: 0, 5: 0}


@pytest.fixture
def scene_and_truth(landscape_tif: tuple[Path, Path]) -> tuple[Project, Path]:
    project = make_project(patch_zoom=17)
    make_scene(project, landscape_tif[0])
    return project, landscape_tif[1]


@pytest.fixture
def project(scene_and_truth: tuple[Project, Path]) -> Project:
    project, truth = scene_and_truth
    import_label_raster(project=project, user=project.created_by, path=truth, classes=CLASSES)
    return project


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As on a full disk, no file of this process grows beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def done(project: Project) -> TrainingRun:
    run = request_run(project=project, user=project.created_by, config=CONFIG)
    train(run.pk)
    run.refresh_from_db()
    return run


def check_failed(run: TrainingRun, sentence: str) -> None:
    assert (run.state, run.candidate) == (RunState.FAILED, None)
    assert sentence in run.message
    assert not run.work_path.exists()
    assert not list((Path(settings.MEDIA_ROOT) / "adapters").glob(f"project-{run.project_id}-run-{run.pk}-*"))
    assert request_run(project=run.project, user=run.requested_by, config=CONFIG).state == RunState.QUEUED


def test_all_pixels_unsure_is_nothing_to_learn(scene_and_truth: tuple[Project, Path]) -> None:
    project, truth = scene_and_truth
    import_label_raster(project=project, user=project.created_by, path=truth, classes={})
    check_failed(done(project), "There are no labelled pixels to learn from.")


def test_a_full_disk_is_said_at_the_checkpoint(project: Project) -> None:
    run = request_run(project=project, user=project.created_by, config=CONFIG)
    with files_no_larger_than(100_000):
        train(run.pk)
    run.refresh_from_db()
    check_failed(run, "The disk or a file failed (No space left for a checkpoint). Free some space")


def test_a_full_disk_is_said_at_the_adapter(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    run = request_run(project=project, user=project.created_by, config=CONFIG)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    tell_step = training_round.tell_step

    def fill_the_disk(run: TrainingRun, report: inference.StepReport) -> None:
        tell_step(run, report)
        if report.step == report.steps:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))

    monkeypatch.setattr(training_round, "tell_step", fill_the_disk)
    try:
        train(run.pk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    run.refresh_from_db()
    check_failed(run, "The disk or a file failed (")


def test_a_parent_whose_weights_are_no_numbers_is_named(project: Project) -> None:
    first = done(project)
    assert first.candidate is not None, first.message
    promote(version=first.candidate, user=project.created_by, override_reason="To go on from it.")
    assert first.candidate.adapter_path is not None
    weights = first.candidate.adapter_path / "adapter_model.safetensors"
    poisoned = {name: torch.full_like(weight, torch.nan) for name, weight in load_file(weights).items()}
    save_file(poisoned, weights)
    check_failed(done(project), "The adapter of version 2 has weights that are no numbers. Roll back")


def test_a_loss_that_is_no_number_names_the_learning_rate(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No config within its bounds is sure to diverge in a step or two on every machine.
    monkeypatch.setattr(torch.optim.AdamW, "step", _blow_up)
    check_failed(done(project), "no longer a number. Try a lower learning rate")


def _blow_up(optimiser: torch.optim.Optimizer) -> None:
    with torch.no_grad():
        for group in optimiser.param_groups:
            for weight in group["params"]:
                weight.fill_(torch.inf)
