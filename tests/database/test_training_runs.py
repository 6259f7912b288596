"""LoRA rounds of the shipped starter on approved masks of a drawn scene."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone

from annotator import inference
from annotator.domain import training_round
from annotator.domain.annotations import Effort, save_mask
from annotator.domain.claims import claim_patch
from annotator.domain.context import context_of
from annotator.domain.held_out import KEPT_MASKS
from annotator.domain.imports import import_label_raster
from annotator.domain.label_sets import plan_split
from annotator.domain.masks import UNSURE, values_of
from annotator.domain.proposals import make_proposals
from annotator.domain.reviews import reopen_patch, review_patch
from annotator.domain.round_data import read_round, record_of
from annotator.domain.sides import record_sides
from annotator.domain.training import cancel_run, request_run, train
from annotator.domain.versions import promote
from annotator.enums import RunState, Side, Verdict, VersionState
from annotator.errors import GateNotPassed
from annotator.models import Evaluation, InferenceJob, Patch, Project, Proposal, Scene, TrainingRun
from annotator.queries.documents import run_document
from annotator.queries.labels import approved_revisions
from annotator.queries.versions import promoted_version
from tests.factories import make_project, make_scene

pytestmark = pytest.mark.django_db
CONFIG = {"steps": 12, "checkpoint_every_steps": 4, "images_per_step": 1, "token_patches_per_image": 8}
# The drawn landscape's classes as the project's three: trees, water and buildings are "other".
CLASSES = {0: 0, 1: 1, 2: 2, 3: 0, 4: 0, 5: 0}


@pytest.fixture
def project(landscape_tif: tuple[Path, Path]) -> Project:
    scene, truth = landscape_tif
    project = make_project(patch_zoom=17)
    make_scene(project, scene)
    imported = import_label_raster(project=project, user=project.created_by, path=truth, classes=CLASSES)
    assert imported >= 4
    return project


def test_a_run_ends_with_a_measured_candidate_whose_promotion_changes_the_proposals(project: Project) -> None:
    user = project.created_by
    run = request_run(project=project, user=user, config=CONFIG)
    train(run.pk)
    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED, run.message
    assert (run.step, len(run.losses)) == (12, 12)
    candidate = run.candidate
    assert candidate is not None
    assert candidate.state == VersionState.CANDIDATE
    assert candidate.adapter_path is not None
    assert (candidate.adapter_path / "adapter_model.safetensors").is_file()
    assert candidate.provenance["data_hash"] == run.data_hash
    assert not run.work_path.exists()
    held_out = set(Evaluation.objects.get(model_version=candidate).patch_keys)
    assert Evaluation.objects.filter(training_run=run).count() == 2
    assert held_out
    assert set(Evaluation.objects.get(model_version=candidate).metrics["patch_confusion"]) == held_out
    after, before = Evaluation.objects.filter(training_run=run)
    pairs = [{mask.patch_id: mask for mask in evaluation.masks.all()} for evaluation in (before, after)]
    assert 0 < len(pairs[0]) <= KEPT_MASKS
    assert pairs[0].keys() == pairs[1].keys()
    for patch_id, mask in pairs[0].items():
        differing = values_of(mask.mask_png) != values_of(pairs[1][patch_id].mask_png)
        assert mask.differing_pixels == differing.sum() > 0
    told = run_document(run)["evaluations"]
    assert len(told) == 2
    assert not any("patch_confusion" in evaluation["metrics"] for evaluation in told)
    assert not candidate.verdict["passed"], "too few patches are held out to tell a gain from chance"
    assert run.message.endswith(candidate.verdict["reason"])
    with pytest.raises(GateNotPassed, match="held-out"):
        promote(version=candidate, user=user)
    promote(version=candidate, user=user, override_reason="It has seen this valley.")
    job = InferenceJob.objects.get(model_version=candidate)
    make_proposals(job.pk)
    assert Proposal.objects.filter(model_version=candidate).count() == project.patches.count()


def test_learned_and_held_out_patches_share_no_block(project: Project) -> None:
    run = request_run(project=project, user=project.created_by, config=CONFIG)
    assert not set(run.training_revisions) & set(run.holdout_revisions)
    assert (
        len(run.training_revisions) + len(run.holdout_revisions)
        == project.patches.filter(state="approved").count()
    )


def test_a_second_round_learns_what_is_new_and_repeats_the_rest(project: Project) -> None:
    user = project.created_by
    first = request_run(project=project, user=user, config=CONFIG)
    assert first.replay_revisions == []
    train(first.pk)
    first.refresh_from_db()
    assert first.state == RunState.SUCCEEDED, first.message
    assert first.candidate is not None
    promote(version=first.candidate, user=user, override_reason="To learn from it.")
    again = plan_split(project.pk, first.candidate, approved_revisions(project.pk))
    assert (again.has_news, again.replay) == (False, [])
    learned = set(first.training_revisions) - set(first.validation_revisions)
    assert {revision.pk for revision in again.training} == learned

    patch = Patch.objects.filter(annotation__revisions__in=learned).earliest("pk")
    reopen_patch(patch=patch, user=user, comment="The boundary is off.")
    review_patch(patch=patch, user=user, verdict=Verdict.RETURN, revision_number=1, comment="Redraw.")
    claim_patch(patch=patch, user=user)
    redrawn = save_mask(
        patch=patch,
        user=user,
        mask=np.flipud(values_of(patch.annotation.current.mask_png)),
        base_number=1,
        submit=True,
        effort=Effort(seconds=90, strokes=7),
    )
    review_patch(patch=patch, user=user, verdict=Verdict.APPROVE, revision_number=2)
    second = request_run(
        project=project, user=user, config=CONFIG | {"replay_share": 0.5, "rehearsal_share": 0.25}
    )
    assert set(second.replay_revisions) == learned - {patch.annotation.revisions.get(number=1).pk}
    fresh = set(second.training_revisions) - set(second.replay_revisions) - set(second.validation_revisions)
    assert fresh == {redrawn.pk}
    assert set(second.holdout_revisions) == set(first.holdout_revisions)
    train(second.pk)
    second.refresh_from_db()
    assert second.state == RunState.SUCCEEDED, second.message
    assert (
        f"1 patches to learn from, {len(second.replay_revisions)} of earlier rounds to repeat" in second.log
    )
    assert second.candidate is not None
    cost, before = second.candidate.provenance["label_cost"], first.candidate.provenance["label_cost"]
    assert before["seconds"] == before["strokes"] == 0
    assert cost == {
        "patches": before["patches"],
        "seconds": 90,
        "strokes": 7,
        "changed_pixels": cost["changed_pixels"],
    }


def test_a_run_keeps_its_validation_curve_and_says_which_step_is_kept(
    landscape_tif: tuple[Path, Path],
) -> None:
    config = CONFIG | {"steps": 20, "validate_every_steps": 2, "patience": 2, "learning_rate": 0.2}
    project = make_project(patch_zoom=18)
    make_scene(project, landscape_tif[0])
    import_label_raster(project=project, user=project.created_by, path=landscape_tif[1], classes=CLASSES)
    parent = promoted_version(project.pk)
    assert parent is not None
    sides = plan_split(project.pk, parent, approved_revisions(project.pk)).sides
    block = next(block for block, side in sides.items() if side == Side.TRAINING)
    record_sides(project.pk, sides | {block: Side.VALIDATION})
    run = request_run(project=project, user=project.created_by, config=config)
    assert run.validation_revisions
    train(run.pk)
    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED, run.message
    steps = [point["step"] for point in run.validations]
    assert steps == list(range(0, 2 * len(steps), 2))
    assert run.best_step == min(run.validations, key=lambda point: point["loss"])["step"]
    assert run.step == steps[-1] == run.best_step + 4 < 20
    assert f"Ended early after step {run.step} of 20: the last 2 validations brought no gain." in run.log
    assert run.candidate is not None
    assert run.candidate.provenance["best_step"] == run.best_step


def test_a_run_resumes_from_its_checkpoint_after_its_worker_was_killed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Stands for the end of the process: nothing of the domain's handling runs."""

    run = request_run(project=project, user=project.created_by, config=CONFIG)
    tell_step = training_round.tell_step

    def die_at_step_6(run: TrainingRun, report: inference.StepReport) -> None:
        tell_step(run, report)
        if report.step == 6:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(training_round, "tell_step", die_at_step_6)
        with pytest.raises(Killed):
            train(run.pk)
    run.refresh_from_db()
    assert (run.state, run.step) == (RunState.TRAINING, 6)
    train(run.pk)
    run.refresh_from_db()
    assert run.state == RunState.TRAINING, "a run with a living worker is left alone"
    TrainingRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    train(run.pk)
    run.refresh_from_db()
    assert (run.state, run.step, len(run.losses)) == (RunState.SUCCEEDED, 12, 12)
    assert "Resumed from the checkpoint of step 4." in run.log


def test_a_cancelled_run_stops_within_a_step_and_leaves_no_version(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = request_run(project=project, user=project.created_by, config=CONFIG)
    tell_step = training_round.tell_step

    def cancel_at_step_3(working: TrainingRun, report: inference.StepReport) -> None:
        if report.step == 3:
            cancel_run(run=run, user=project.created_by)
        tell_step(working, report)

    monkeypatch.setattr(training_round, "tell_step", cancel_at_step_3)
    train(run.pk)
    run.refresh_from_db()
    assert (run.state, run.step, run.message) == (RunState.CANCELLED, 2, "Cancelled after 2 of 12 steps.")
    assert promoted_version(project.pk).number == 1
    assert project.model_versions.count() == 1
    assert request_run(project=project, user=project.created_by, config=CONFIG).state == RunState.QUEUED


def test_a_run_cancelled_while_it_is_measured_stops_at_the_next_patch(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = request_run(project=project, user=project.created_by, config=CONFIG | {"steps": 1})
    tell_alive, patches = training_round.tell_alive, []

    def cancel_at_once(working: TrainingRun) -> None:
        patches.append(1)
        cancel_run(run=run, user=project.created_by)
        tell_alive(working)

    monkeypatch.setattr(training_round, "tell_alive", cancel_at_once)
    train(run.pk)
    run.refresh_from_db()
    assert (run.state, len(patches)) == (RunState.CANCELLED, 1)
    assert not list(run.work_path.parent.glob("*"))


def test_where_a_scene_has_no_data_nothing_is_taught_or_measured(project: Project) -> None:
    scene = project.scenes.get()
    # The scene is moved, so that its edge lies across patches that were drawn whole.
    Scene.objects.filter(pk=scene.pk).update(shift_m=[60.0, 0.0])
    record = record_of(request_run(project=project, user=project.created_by, config=CONFIG))
    data = read_round(record)
    gaps = []
    for patch in data.training + data.validation + data.holdout:
        row = project.patches.get(quadkey=patch.key)
        seen = context_of(row, record.context_levels).read(project.scenes.get())
        gaps.append(int((~seen.valid).sum()))
        assert (patch.mask[~seen.valid] == UNSURE).all()
        if 0 < gaps[-1] < seen.valid.size:
            assert patch.image[~seen.valid].min() > 0, "black is no land"
    assert any(gaps)


def test_one_class_only_ends_the_run_with_a_sentence(landscape_tif: tuple[Path, Path]) -> None:
    project = make_project(patch_zoom=17)
    make_scene(project, landscape_tif[0])
    everything_other = dict.fromkeys(range(6), 0)
    import_label_raster(
        project=project, user=project.created_by, path=landscape_tif[1], classes=everything_other
    )
    run = request_run(project=project, user=project.created_by, config=CONFIG)
    train(run.pk)
    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert "class" in run.message


def test_the_denmark_labels_come_in_as_approved_annotations(milpa_data: Path) -> None:
    project = make_project(patch_zoom=15)
    make_scene(project, milpa_data / "denmark-lpis-s2" / "image.tif")
    imported = import_label_raster(
        project=project,
        user=project.created_by,
        path=milpa_data / "denmark-lpis-s2" / "label_field3.tif",
        classes={0: 0, 1: 1, 2: 2},
    )
    assert imported == project.patches.filter(state="approved").count() > 0
    assert np.isin(list(project.patches.values_list("state", flat=True)), ["approved", "unlabelled"]).all()
