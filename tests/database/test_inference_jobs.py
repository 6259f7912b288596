"""Proposals by the shipped starter, on a drawn scene that went through ingest."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone

from annotator.domain.masks import values_of
from annotator.domain.proposals import cancel_job, make_proposals, request_proposals
from annotator.domain.ranking import rank_patches
from annotator.domain.recovery import resend_lost_jobs
from annotator.enums import JobState, QueueReason
from annotator.errors import IllegalTransition
from annotator.models import InferenceJob, Project, Proposal
from annotator.queries.labels import legend_of
from tests.factories import make_project, make_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(landscape_tif: tuple[Path, Path]) -> Project:
    project = make_project(patch_zoom=17)
    make_scene(project, landscape_tif[0])
    return project


def test_every_patch_gets_a_proposal_and_a_place_in_the_queue(project: Project) -> None:
    job = request_proposals(project=project, user=project.created_by)
    make_proposals(job.pk)
    job.refresh_from_db()
    count = project.patches.count()
    assert (job.state, job.done, job.total) == (JobState.SUCCEEDED, count, count)
    values = {c.value for c in legend_of(project.pk)}
    for proposal in Proposal.objects.all():
        mask = values_of(proposal.mask_png)
        assert mask.shape == (256, 256)
        assert set(np.unique(mask).tolist()) <= values
        entropy = values_of(proposal.entropy_png) / 255 * proposal.entropy_max_nats
        assert entropy.mean() == pytest.approx(proposal.mean_entropy_nats, abs=0.01)
        embedding = np.frombuffer(proposal.embedding, "<f2").astype(float)
        assert np.linalg.norm(embedding) == pytest.approx(1, abs=0.01)
    ranking = rank_patches(project.pk)
    first = project.queue_entries.order_by("-score").first()
    assert ranking.strategy == QueueReason.ENTROPY
    assert first.worth == max(Proposal.objects.values_list("mean_entropy_nats", flat=True))
    for proposal in Proposal.objects.all():
        assert proposal.mean_entropy_nats <= proposal.top_entropy_nats <= proposal.entropy_max_nats
        assert sum(proposal.class_cells) == 64 * 64
        assert 0 < proposal.mean_margin < 1
        assert 0 <= proposal.boundary_error < 0.5


def test_a_job_goes_on_where_a_lost_worker_left_it(project: Project) -> None:
    job = request_proposals(project=project, user=project.created_by)
    make_proposals(job.pk)
    before = {p.patch_id: p.pk for p in Proposal.objects.all()}
    kept = sorted(before)[::2]
    Proposal.objects.exclude(patch_id__in=kept).delete()
    # As a worker leaves it that was killed in the middle.
    InferenceJob.objects.filter(pk=job.pk).update(
        state=JobState.RUNNING, done=len(kept), heartbeat_at=timezone.now()
    )
    make_proposals(job.pk)
    assert Proposal.objects.count() == len(kept), "a job with a living worker is left alone"
    InferenceJob.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert resend_lost_jobs() == 1
    make_proposals(job.pk)
    job.refresh_from_db()
    assert (job.state, Proposal.objects.count()) == (JobState.SUCCEEDED, len(before))
    assert {p.patch_id: p.pk for p in Proposal.objects.filter(patch_id__in=kept)} == {
        pk: before[pk] for pk in kept
    }


def test_a_cancelled_job_keeps_what_it_made_and_stops(project: Project) -> None:
    job = request_proposals(project=project, user=project.created_by)
    cancel_job(job=job, user=project.created_by)
    make_proposals(job.pk)
    job.refresh_from_db()
    assert (job.state, Proposal.objects.count()) == (JobState.CANCELLED, 0)
    with pytest.raises(IllegalTransition):
        cancel_job(job=job, user=project.created_by)


def test_a_scene_whose_file_is_gone_ends_the_job_with_a_sentence(project: Project) -> None:
    scene = project.scenes.get()
    scene.cog_path.unlink()
    job = request_proposals(project=project, user=project.created_by)
    make_proposals(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert job.message.endswith(".")
