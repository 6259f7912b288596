"""Inference jobs: proposals for all patches of a project, context image by context image."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from annotator import inference
from annotator.domain.context import ContextTile, by_context
from annotator.domain.dispatch import enqueue
from annotator.domain.events import move, record_event
from annotator.domain.leases import signs_of_life, take_lease
from annotator.domain.locks import lock_project
from annotator.domain.masks import png_of
from annotator.domain.points import draw_points
from annotator.domain.sides import recorded_sides
from annotator.enums import ACTIVE_JOB_STATES, JOB_TRANSITIONS, JobState, SceneState
from annotator.errors import AlreadyActive, IllegalTransition, MilpaError, NotReady
from annotator.models import InferenceJob, LabelClass, ModelVersion, Patch, Project, Proposal, Scene
from annotator.queries.labels import legend_of
from annotator.queries.scenes import default_scene
from annotator.queries.versions import promoted_version

logger = logging.getLogger(__name__)


def request_proposals(*, project: Project, user: User, scene: Scene | None = None) -> InferenceJob:
    """Asks for proposals of the promoted version on the scene, the newest ready one if none is named.

    Raises NotReady without a scene or a promoted version, AlreadyActive with the id of the active job.
    """
    scene = scene or default_scene(project.pk)
    if scene is None or scene.state != SceneState.READY:
        raise NotReady("Add a scene first and wait until it is ready; proposals are made from a scene.")
    with transaction.atomic():
        # A promotion at this moment would ask for proposals of the same scene.
        lock_project(project.pk)
        version = promoted_version(project.pk)
        if version is None:
            raise NotReady("No model version is promoted. Promote one in the admin, then ask again.")
        active = InferenceJob.objects.filter(scene=scene, state__in=ACTIVE_JOB_STATES).first()
        if active is not None:
            raise AlreadyActive(
                f"Proposals for {scene.name} are being made already. Wait for them, or cancel them first.",
                active=active.pk,
            )
        return _create_job(scene, version, user)


def renew_proposals(*, version: ModelVersion, user: User | None, reason: str = "") -> InferenceJob | None:
    """After a promotion or a change of the legend: ends the job before, and asks for the version's proposals.

    None where the project has no ready scene yet. The caller holds a transaction and the project's lock.
    """
    scene = default_scene(version.project_id)
    if scene is None:
        return None
    active = InferenceJob.objects.select_for_update().filter(scene=scene, state__in=ACTIVE_JOB_STATES).first()
    if active is not None:
        _end(active, JobState.CANCELLED, reason or f"Version {version.number} was promoted.", actor=user)
    return _create_job(scene, version, user)


def cancel_job(*, job: InferenceJob, user: User) -> InferenceJob:
    """Ends the job within one context image; the proposals made so far stay. Raises IllegalTransition."""
    with transaction.atomic():
        job = InferenceJob.objects.select_for_update().get(pk=job.pk)
        if not job.is_active:
            raise IllegalTransition(
                f"The job is {job.get_state_display()}; there is nothing to cancel.", state=job.state
            )
        _end(job, JobState.CANCELLED, f"Cancelled after {job.done} of {job.total} patches.", actor=user)
        # What was proposed so far is worth ranking.
        enqueue("rank_patches", job.project_id)
    return job


def make_proposals(job_id: int) -> None:
    """Does the job, or goes on with it where a lost worker left it; patches that are done are not done again."""
    job = take_lease(
        InferenceJob,
        job_id,
        waiting=JobState.QUEUED,
        working=(JobState.RUNNING,),
        becomes=JobState.RUNNING,
        give_up=_fail,
    )
    if job is None:
        return
    record_event(job, "started" if job.done == 0 else "resumed", actor=None, to_state=JobState.RUNNING)
    try:
        with signs_of_life(InferenceJob.objects.filter(pk=job.pk, state=JobState.RUNNING)):
            is_done = _answer_all(job)
        if is_done:
            _succeed(job)
    except (MilpaError, inference.MethodError) as error:
        _fail(job, str(error))
    except Exception:
        _fail(job, "Making proposals failed unexpectedly. The worker's log has the details.")
        raise


def _create_job(scene: Scene, version: ModelVersion, user: User | None) -> InferenceJob:
    job = InferenceJob.objects.create(
        project_id=scene.project_id,
        scene=scene,
        model_version=version,
        requested_by=user,
        total=Patch.objects.filter(project_id=scene.project_id).count(),
        heartbeat_at=timezone.now(),
    )
    record_event(job, "requested", actor=user, to_state=JobState.QUEUED)
    enqueue("make_proposals", job.pk)
    return job


def _answer_all(job: InferenceJob) -> bool:
    """True when every patch has its proposal, False when somebody ended the job meanwhile."""
    version, scene = job.model_version, job.scene
    # Read before the legend: one that changes in between leaves proposals that are taken for stale, not for fresh.
    legend_number = Project.objects.values_list("legend_number", flat=True).get(pk=job.project_id)
    legend = legend_of(job.project_id)
    answered = Proposal.objects.filter(
        model_version=version,
        scene=scene,
        legend_number=legend_number,
        placement_number=scene.placement_number,
    ).values("patch_id")
    waiting = Patch.objects.filter(project_id=job.project_id).exclude(pk__in=answered)
    total = Patch.objects.filter(project_id=job.project_id).count()
    groups = by_context(waiting, version.context_levels)
    done = total - sum(len(patches) for patches in groups.values())
    if not _tell_progress(job, done, total):
        return False
    for context, patches in groups.items():
        proposals = _propose(version, scene, legend, context, patches)
        for proposal in proposals:
            proposal.legend_number = legend_number
        with transaction.atomic():
            Proposal.objects.bulk_create(proposals, ignore_conflicts=True)
            done += len(patches)
            if not _tell_progress(job, done, total):
                return False
    return True


def _propose(
    version: ModelVersion,
    scene: Scene,
    legend: Sequence[LabelClass],
    context: ContextTile,
    patches: Sequence[Patch],
) -> list[Proposal]:
    image = context.read(scene)
    windows = [context.window_of(patch) for patch in patches]
    answers = inference.segment_context(version, legend, image.rgb, image.valid, windows)
    entropy_max_nats = math.log(len(legend))
    proposals = [
        Proposal(
            patch=patch,
            scene=scene,
            placement_number=scene.placement_number,
            model_version=version,
            mask_png=png_of(answer.mask),
            entropy_png=png_of(
                np.clip(np.rint(answer.entropy_nats / entropy_max_nats * 255), 0, 255).astype(np.uint8)
            ),
            cells_per_side=answer.entropy_nats.shape[0],
            entropy_max_nats=entropy_max_nats,
            mean_entropy_nats=answer.mean_entropy_nats,
            **asdict(inference.patch_worths(answer)),
            embedding=answer.embedding.astype("<f2").tobytes(),
            unparsed_cells=answer.unparsed_cells,
        )
        for patch, answer in zip(patches, answers, strict=True)
    ]
    sides = recorded_sides(version.project_id)
    for proposal, answer, window in zip(proposals, answers, windows, strict=True):
        draw_points(proposal, answer, window, image.valid, sides)
    return proposals


def _tell_progress(job: InferenceJob, done: int, total: int) -> bool:
    """Writes progress and heartbeat; False when the job is no longer running."""
    rows = InferenceJob.objects.filter(pk=job.pk, state=JobState.RUNNING)
    return bool(rows.update(done=done, total=total, heartbeat_at=timezone.now()))


@transaction.atomic
def _succeed(job: InferenceJob) -> None:
    job = InferenceJob.objects.select_for_update().get(pk=job.pk)
    if job.state != JobState.RUNNING:
        return
    _end(job, JobState.SUCCEEDED, f"{job.done} patches have a proposal.", actor=None)
    enqueue("rank_patches", job.project_id)


@transaction.atomic
def _fail(job: InferenceJob, message: str) -> None:
    job = InferenceJob.objects.select_for_update().get(pk=job.pk)
    if job.state == JobState.RUNNING:
        _end(job, JobState.FAILED, message, actor=None)
        if job.done:
            enqueue("rank_patches", job.project_id)


def _end(job: InferenceJob, state: JobState, message: str, *, actor: User | None) -> None:
    job.message = message
    job.ended_at = timezone.now()
    move(job, state, JOB_TRANSITIONS, str(state), actor=actor, fields=("message", "ended_at"))
