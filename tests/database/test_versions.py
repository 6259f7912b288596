from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from annotator.domain.proposals import request_proposals
from annotator.domain.ranking import rank_patches
from annotator.domain.recovery import resend_lost_jobs
from annotator.domain.versions import add_candidate, promote, roll_back
from annotator.enums import JobState, QueueReason, VersionState
from annotator.errors import AlreadyActive, NotReady
from annotator.models import InferenceJob, ModelVersion, QueueEntry
from annotator.queries.labelling_queue import latest_ranking
from annotator.queries.proposals import shown_proposal
from annotator.queries.versions import promoted_version
from tests.factories import make_patch, make_project, make_proposal, make_scene, verdict

pytestmark = pytest.mark.django_db


def candidate_of(project) -> ModelVersion:  # type: ignore[no-untyped-def]
    return add_candidate(
        parent=promoted_version(project.pk),
        adapter_name="nowhere",
        temperature=1.3,
        provenance={"kind": "LoRA round"},
        actor=project.created_by,
        verdict=verdict(),
    )


def test_a_new_project_starts_from_a_promoted_base_version() -> None:
    version = promoted_version(make_project().pk)
    assert (version.number, version.adapter_path) == (1, None)


def test_promotion_retires_the_former_and_asks_for_new_proposals() -> None:
    project = make_project()
    scene = make_scene(project)
    make_patch(project)
    old_job = request_proposals(project=project, user=project.created_by)
    candidate = promote(version=candidate_of(project), user=project.created_by, reason="better")
    assert promoted_version(project.pk) == candidate
    assert project.model_versions.get(number=1).state == VersionState.RETIRED
    old_job.refresh_from_db()
    assert old_job.state == JobState.CANCELLED
    renewed = InferenceJob.objects.get(state=JobState.QUEUED)
    assert (renewed.scene, renewed.model_version, renewed.total) == (scene, candidate, 1)


def test_proposals_and_rankings_of_a_retired_version_are_stale() -> None:
    project = make_project()
    make_scene(project)
    patch = make_patch(project)
    make_proposal(patch, mean_entropy_nats=0.4)
    rank_patches(project.pk)
    assert not shown_proposal(patch.pk).is_stale
    assert not latest_ranking(project.pk).is_stale
    promote(version=candidate_of(project), user=project.created_by)
    assert shown_proposal(patch.pk).is_stale
    assert latest_ranking(project.pk).is_stale


def test_rolling_back_promotes_the_version_before() -> None:
    project = make_project()
    with pytest.raises(NotReady):
        roll_back(project=project, user=project.created_by)
    promote(version=candidate_of(project), user=project.created_by)
    assert roll_back(project=project, user=project.created_by).number == 1
    assert project.model_versions.filter(state=VersionState.PROMOTED).count() == 1


def test_ranking_puts_uncertain_patches_first_and_those_without_proposals_last() -> None:
    project = make_project()
    make_scene(project)
    sure, unsure, unknown = (make_patch(project) for _ in range(3))
    make_proposal(sure, mean_entropy_nats=0.1)
    make_proposal(unsure, mean_entropy_nats=0.8)
    ranking = rank_patches(project.pk)
    order = list(QueueEntry.objects.order_by("-score").values_list("patch_id", "reason"))
    assert order == [
        (unsure.pk, QueueReason.ENTROPY),
        (sure.pk, QueueReason.ENTROPY),
        (unknown.pk, QueueReason.SPREAD),
    ]
    assert (ranking.strategy, ranking.patch_count, ranking.scored_count) == ("entropy", 3, 2)
    assert rank_patches(project.pk).order_hash == ranking.order_hash


def test_scores_of_a_retired_version_are_never_mixed_with_fresh_ones() -> None:
    project = make_project()
    make_scene(project)
    stale, fresh = make_patch(project), make_patch(project)
    make_proposal(stale, mean_entropy_nats=1.0)
    candidate = promote(version=candidate_of(project), user=project.created_by)
    make_proposal(fresh, mean_entropy_nats=0.1, version=candidate)
    rank_patches(project.pk)
    assert QueueEntry.objects.get(patch=stale).reason == QueueReason.SPREAD
    assert QueueEntry.objects.order_by("-score").first().patch == fresh


def test_a_second_request_is_told_which_job_is_active() -> None:
    project = make_project()
    make_scene(project)
    job = request_proposals(project=project, user=project.created_by)
    with pytest.raises(AlreadyActive) as caught:
        request_proposals(project=project, user=project.created_by)
    assert caught.value.facts == {"active": job.pk}


def test_proposals_without_a_scene_say_what_is_missing() -> None:
    project = make_project()
    with pytest.raises(NotReady, match="Add a scene"):
        request_proposals(project=project, user=project.created_by)


def test_a_project_named_new_does_not_hide_behind_the_page_of_that_name() -> None:
    assert make_project(name="New").slug == "new-2"


def test_proposals_whose_ranking_was_lost_are_ranked_by_the_sweep() -> None:
    project = make_project()
    make_scene(project)
    make_proposal(make_patch(project))
    job = request_proposals(project=project, user=project.created_by)
    long_ago = timezone.now() - timedelta(hours=1)
    InferenceJob.objects.filter(pk=job.pk).update(state=JobState.SUCCEEDED, done=1, ended_at=long_ago)
    assert resend_lost_jobs() == 1
    rank_patches(project.pk)
    assert resend_lost_jobs() == 0
