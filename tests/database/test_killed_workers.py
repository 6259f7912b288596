"""What a `kill -9` of a real worker leaves behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from annotator.domain.imports import import_label_raster
from annotator.domain.proposals import request_proposals
from annotator.domain.training import request_run
from annotator.enums import JobState, RunState
from annotator.models import InferenceJob, Project, Proposal, TrainingRun
from tests.celery_workers import Workers
from tests.factories import make_project, make_scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
CLASSES = {0: 0, 1: 1, 2: 2, 3: 0, 4: 0, 5: 0}


@pytest.fixture
def project(transactional_db: None, landscape_tif: tuple[Path, Path]) -> Project:
    project = make_project(patch_zoom=17)
    make_scene(project, landscape_tif[0])
    return project


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.1)


def test_an_inference_job_survives_the_kill_of_its_worker(workers: Workers, project: Project) -> None:
    job = request_proposals(project=project, user=project.created_by)
    wait_for(lambda: InferenceJob.objects.get(pk=job.pk).done >= 2, "the first proposals")
    workers.kill("inference")
    job.refresh_from_db()
    kept = set(Proposal.objects.values_list("pk", flat=True))
    assert job.state == JobState.RUNNING
    assert 2 <= len(kept) < job.total
    workers.start("inference")
    wait_for(lambda: not InferenceJob.objects.get(pk=job.pk).is_active, "the resumed job")
    job.refresh_from_db()
    assert (job.state, job.done) == (JobState.SUCCEEDED, job.total)
    assert kept < set(Proposal.objects.values_list("pk", flat=True))
    assert Proposal.objects.count() == job.total


def test_a_training_run_survives_the_kill_of_its_worker(
    workers: Workers, project: Project, landscape_tif: tuple[Path, Path]
) -> None:
    import_label_raster(project=project, user=project.created_by, path=landscape_tif[1], classes=CLASSES)
    config = {"steps": 10, "checkpoint_every_steps": 2, "images_per_step": 1, "token_patches_per_image": 8}
    run = request_run(project=project, user=project.created_by, config=config)
    wait_for(lambda: TrainingRun.objects.get(pk=run.pk).step >= 3, "the first steps")
    workers.kill("training")
    run.refresh_from_db()
    assert run.state == RunState.TRAINING
    assert run.step < 10
    workers.start("training")
    wait_for(lambda: not TrainingRun.objects.get(pk=run.pk).is_active, "the resumed run")
    run.refresh_from_db()
    assert (run.state, run.step, len(run.losses)) == (RunState.SUCCEEDED, 10, 10), run.message
    assert "Resumed from the checkpoint of step" in run.log
