"""What a `kill -9` of a real worker leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from django.core.files.uploadedfile import SimpleUploadedFile

from annotator.domain.display_copies import make_display_copy, request_display_copy
from annotator.domain.exports import request_export
from annotator.domain.imports import import_label_raster
from annotator.domain.label_imports import Mapped, bring_labels, start_import
from annotator.domain.masks import values_of
from annotator.domain.parcels import rebuild_parcels
from annotator.domain.proposals import request_proposals
from annotator.domain.recovery import resend_lost_jobs
from annotator.domain.scenes import add_scene
from annotator.domain.training import request_run
from annotator.enums import ExportKind, ImportState, JobState, RunState, SceneState
from annotator.imagery.grid import QUAD
from annotator.models import (
    Event,
    Export,
    InferenceJob,
    LabelImport,
    Parcel,
    ParcelRebuild,
    ParcelUpdate,
    Project,
    Proposal,
    Revision,
    TrainingRun,
)
from tests.celery_workers import QUEUES, Workers
from tests.factories import make_patch, make_project, make_scene
from tests.rasters import random_values, write_raster
from tests.waiting import wait_for, wait_until_the_database_rests

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
CLASSES = {0: 0, 1: 1, 2: 2, 3: 0, 4: 0, 5: 0}
JOB_LOST_AFTER_S = 3


@pytest.fixture(scope="module")
def lasting_workers(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """A worker for each queue, for all tests of the file: starting them takes longer than most of these."""
    folder = tmp_path_factory.mktemp("workers")
    started = Workers(folder, media=folder / "media", job_lost_after_s=JOB_LOST_AFTER_S)
    try:
        started.start(*QUEUES)
        yield started
    finally:
        started.stop()


@pytest.fixture
def workers(
    transactional_db: None, own_media: None, lasting_workers: Workers, settings: Any
) -> Iterator[Workers]:
    settings.MEDIA_ROOT = lasting_workers.media
    settings.JOB_LOST_AFTER_SECONDS = JOB_LOST_AFTER_S
    yield lasting_workers
    # A ranking may follow a job, say.
    wait_until_the_database_rests(looks=5)


@pytest.fixture
def project(workers: Workers, landscape_tif: tuple[Path, Path]) -> Project:
    project = make_project(patch_zoom=17)
    make_scene(project, landscape_tif[0])
    return project


def is_resumed_and_ended(job: Any) -> bool:
    """As the beat does, but more often: lost jobs are sent again."""
    resend_lost_jobs()
    job.refresh_from_db()
    return not job.is_active


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


def test_the_ingest_of_a_scene_survives_the_kill_of_its_worker(
    workers: Workers, tmp_path_factory: Any, settings: Any
) -> None:
    source = write_raster(tmp_path_factory.mktemp("source") / "scene.tif", random_values(3, 1500, 1500))
    project = make_project(patch_zoom=17)
    upload = SimpleUploadedFile("scene.tif", source.read_bytes())
    scene = add_scene(project=project, user=project.created_by, upload=upload)
    folder = Path(settings.MEDIA_ROOT) / "scenes"
    wait_for(lambda: any(folder.glob(f".ingest-{scene.pk}-*/cog.tif")), "the first pixels", 60, 0.01)
    workers.kill_the_hand("imagery")
    scene.refresh_from_db()
    assert (scene.state, scene.percent > 0) == (SceneState.INGESTING, True)
    wait_for(lambda: is_resumed_and_ended(scene), "the resumed ingest")
    assert (scene.state, scene.cog_path.is_file(), scene.takeovers) == (SceneState.READY, True, 1)
    # Its own folder it removes last.
    wait_for(
        lambda: not any(folder.glob(f".ingest-{scene.pk}-*")), "the end of what the killed worker left", 30
    )
    verbs = Event.objects.filter(subject="scene").values_list("verb", flat=True)
    assert list(verbs) == ["added", "ingest started", "ingest started", "ingested"]


def test_a_display_copy_survives_the_kill_of_its_worker(workers: Workers, tmp_path_factory: Any) -> None:
    source = tmp_path_factory.mktemp("source") / "scene.tif"
    write_raster(source, random_values(3, 1500, 1500))
    scene = make_scene(make_project(patch_zoom=17), source)
    copy = scene.display_copies.get()
    drawn = scene.cog_path.with_name(f".display-{copy.pk}") / "drawn.tif"
    wait_for(drawn.exists, "the first tiles", pause_s=0.01)
    workers.kill_the_hand("imagery")
    copy.refresh_from_db()
    assert copy.state == JobState.RUNNING
    wait_for(lambda: is_resumed_and_ended(copy), "the resumed display copy")
    scene.refresh_from_db()
    assert (copy.state, copy.percent, drawn.exists()) == (JobState.SUCCEEDED, 100, False), copy.message
    resumed = scene.display_copy_path.read_bytes()
    make_display_copy(request_display_copy(scene=scene, user=None).pk)
    scene.refresh_from_db()
    assert scene.display_copy_path.read_bytes() == resumed


def test_labels_come_in_become_parcels_and_leave_though_each_worker_is_killed(
    workers: Workers, tmp_path_factory: Any
) -> None:
    project = make_project(patch_zoom=17)
    user = project.created_by
    patches = [make_patch(project, 1000 + at % 8, at // 8) for at in range(96)]
    labels = fields_of(96)
    west, _, east, north = QUAD.xy_bounds(QUAD.quadkey_to_tile(patches[0].quadkey))
    pixel_m = (east - west) / 256
    file = write_raster(
        tmp_path_factory.mktemp("labels") / "labels.tif",
        labels[np.newaxis],
        crs="EPSG:3857",
        transform=Affine(pixel_m, 0, west, 0, -pixel_m, north),
    )
    brought = bring_labels(
        project=project, user=user, upload=SimpleUploadedFile("labels.tif", file.read_bytes())
    )
    classes = {str(value): value for value in (0, 1, 2)}
    row = start_import(label_import=brought, user=user, mapped=Mapped("value", classes, approve=True))
    wait_for(lambda: LabelImport.objects.get(pk=row.pk).done >= 16, "the first labels", pause_s=0.01)
    workers.kill_the_hand("imagery")
    row.refresh_from_db()
    assert (row.state, row.done < 96) == (ImportState.RUNNING, True)
    wait_for(lambda: is_resumed_and_ended(row), "the resumed import")
    assert (row.state, row.report["imported"]) == (ImportState.SUCCEEDED, 96), row.message
    assert Revision.objects.count() == 96, "no patch was imported twice"
    for at, patch in enumerate(patches):
        mask = values_of(Revision.objects.get(annotation__patch=patch).mask_png)
        top, left = at // 8 * 256, at % 8 * 256
        assert np.array_equal(mask, labels[top : top + 256, left : left + 256])

    wait_for(lambda: not ParcelUpdate.objects.exists(), "the first parcels")
    before = dict(Parcel.objects.values_list("pk", "changed_at"))
    assert len(before) == 96 * 4
    rebuild = rebuild_parcels(project=project, user=user)
    wait_for(
        lambda: ParcelRebuild.objects.get(pk=rebuild.pk).done >= 16, "the first drawn anew", pause_s=0.01
    )
    workers.kill("default")
    rebuild.refresh_from_db()
    assert (rebuild.state, rebuild.done < 96) == (JobState.RUNNING, True)
    workers.start("default")
    wait_for(lambda: is_resumed_and_ended(rebuild), "the resumed drawing")
    assert (rebuild.state, rebuild.done) == (JobState.SUCCEEDED, 96)
    assert dict(Parcel.objects.values_list("pk", "changed_at")) == before

    export = request_export(
        project=project,
        user=user,
        kind=ExportKind.COCO,
        parameters={"images": False, "segmentation": "polygons"},
    )
    wait_for(lambda: Export.objects.get(pk=export.pk).done > 0, "the first part", pause_s=0.01)
    workers.kill_the_hand("imagery")
    export.refresh_from_db()
    assert (export.state, export.done) == (JobState.RUNNING, 64)
    wait_for(lambda: is_resumed_and_ended(export), "the resumed export")
    assert export.state == JobState.SUCCEEDED, export.message
    resumed = export.file_path.read_bytes()
    Export.objects.all().delete()
    again = request_export(project=project, user=user, kind=ExportKind.COCO, parameters=export.parameters)
    wait_for(lambda: is_resumed_and_ended(again), "the same export in one go")
    assert again.file_path.read_bytes() == resumed


def fields_of(patches: int) -> np.ndarray:
    """Four fields with a boundary between them in each patch, eight patches across, other land around."""
    one = np.zeros((256, 256), np.uint8)
    one[10:246, 10:246] = 1
    one[126:130, 10:246] = one[10:246, 126:130] = 2
    return np.tile(one, (patches // 8, 8))
