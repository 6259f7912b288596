"""A legend changes between rounds: what old masks teach, what both versions are measured on, who may change it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_patch
from annotator.domain.imports import import_label_raster
from annotator.domain.legend_records import classes_of, hidden_values, known_classes, teachable
from annotator.domain.legends import MOST_VALUES, ClassChange, change_legend
from annotator.domain.masks import UNSURE, values_of
from annotator.domain.proposals import make_proposals
from annotator.domain.ranking import rank_patches
from annotator.domain.reviews import reopen_patch, review_patch
from annotator.domain.round_data import read_round, record_of
from annotator.domain.training import request_run, train
from annotator.domain.versions import promote
from annotator.enums import JobState, RunState, Verdict
from annotator.errors import BadMask, BadProject
from annotator.imagery.labels import read_label_tile
from annotator.models import Event, InferenceJob, LabelClass, Patch, Project, Proposal, Revision
from annotator.queries.labelling_queue import latest_ranking
from annotator.queries.labels import legend_of
from annotator.queries.proposals import shown_proposal
from tests.campaigns import Campaign, admin_url, as_staff
from tests.factories import (
    approve,
    make_patch,
    make_project,
    make_proposal,
    make_scene,
    make_user,
    mask_of,
    submit,
)

pytestmark = pytest.mark.django_db
CONFIG = {"steps": 3, "images_per_step": 1, "validate_every_steps": 0}
TREES = ClassChange("trees", "#117733")
OTHER, FIELD, BOUNDARY = (
    ClassChange("other", "#8c8c8c", 0),
    ClassChange("field", "#e69f00", 1),
    ClassChange("boundary", "#d55e00", 2),
)


def change(project: Project, *classes: ClassChange) -> list[LabelClass]:
    return change_legend(project=project, user=project.created_by, classes=classes)


def redraw(patch: Patch, mask: np.ndarray) -> Revision:
    """The approved patch is opened again, drawn anew and approved."""
    user = patch.project.created_by
    reopen_patch(patch=patch, user=user, comment="There are trees.")
    review_patch(patch=patch, user=user, verdict=Verdict.RETURN, revision_number=1, comment="Draw the trees.")
    claim_patch(patch=patch, user=user)
    revision = save_mask(patch=patch, user=user, mask=mask, base_number=1, submit=True)
    review_patch(patch=patch, user=user, verdict=Verdict.APPROVE, revision_number=2)
    return revision


def test_values_are_never_used_again_and_the_event_keeps_both_legends() -> None:
    project = make_project()
    assert [(c.value, c.name) for c in change(project, OTHER, FIELD, TREES)] == [
        (0, "other"),
        (1, "field"),
        (3, "trees"),
    ]
    assert project.label_classes.get(value=2).retired_at is not None
    again = change(
        project, OTHER, FIELD, ClassChange("Trees", "#117733", 3), ClassChange("boundary", "#000000")
    )
    assert [(c.value, c.name) for c in again][-2:] == [(3, "Trees"), (4, "boundary")]
    swapped = change(
        project, OTHER, ClassChange("Trees", "#e69f00", 1), ClassChange("field", "#117733", 3),
        ClassChange("boundary", "#000000", 4),
    )  # fmt: skip
    assert [c.name for c in swapped] == ["other", "Trees", "field", "boundary"]
    events = Event.objects.filter(verb="legend changed").order_by("pk")
    assert [len(event.facts["after"]) for event in events] == [3, 4, 4]
    assert [row["value"] for row in events[0].facts["before"]] == [0, 1, 2]
    assert [row["is_boundary"] for row in events[0].facts["before"]] == [False, False, True]


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        ([FIELD, BOUNDARY], "The null class .value 0. stays"),
        ([OTHER], "between 2 and 16 classes"),
        ([OTHER, FIELD, ClassChange("trees", "#117733", 7)], "no class of value 7. Leave the value out"),
        ([OTHER, FIELD, ClassChange("Field ", "#117733")], "same name"),
        ([OTHER, FIELD, FIELD], "two rows|Two rows"),
        ([OTHER, FIELD, ClassChange("trees", "green")], "must read #rrggbb"),
        ([OTHER, FIELD, BOUNDARY, ClassChange("edge", "#117733", is_boundary=True)], "Only one class"),
        ([OTHER, FIELD, ClassChange("trees", "#117733", drawn_before_as=9)], "no such class"),
        ([OTHER, FIELD, *[ClassChange(f"crop {n}", "#117733") for n in range(MOST_VALUES)]], "in its life"),
        ([OTHER, FIELD, *[ClassChange(f"crop {n}", "#117733") for n in range(14)]], "Give it a lower value"),
    ],
)
def test_a_legend_that_cannot_be_is_explained(classes: list[ClassChange], sentence: str) -> None:
    project = make_project()
    with pytest.raises(BadProject, match=sentence):
        change(project, *classes)
    assert [c.value for c in legend_of(project.pk)] == [0, 1, 2]


def test_an_approval_after_the_change_teaches_what_one_before_it_hides() -> None:
    project = make_project()
    make_scene(project)
    lead = project.created_by
    old, confirmed = (approve(make_patch(project), lead) for _ in range(2))
    legend = change(
        project, OTHER, FIELD, BOUNDARY, TREES, ClassChange("maize", "#ddcc77", drawn_before_as=1)
    )
    fresh = approve(make_patch(project), lead, mask_of(3))
    patch = confirmed.annotation.patch
    reopen_patch(patch=patch, user=lead, comment="Are there trees?")
    review_patch(
        patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=1, comment="There are none."
    )
    assert hidden_values([old.pk, confirmed.pk, fresh.pk], legend) == {str(old.pk): [0, 1]}


def test_pixels_that_may_be_another_class_are_unsure() -> None:
    mask = np.arange(6, dtype=np.uint8).repeat(2).reshape(3, 4)
    mask[0, 0] = UNSURE
    classes = classes_of(
        [{"value": v, "name": str(v), "color": "", "is_boundary": False} for v in (0, 1, 2, 4)]
    )
    seen = teachable(mask, classes, [0])
    assert seen.tolist() == [[255, 255, 1, 1], [2, 2, 255, 255], [4, 4, 255, 255]]


def test_a_retired_class_becomes_unsure_when_a_mask_is_saved() -> None:
    project = make_project()
    patch = make_patch(project)
    change(project, OTHER, FIELD)
    mask = mask_of(1)
    mask[:100] = 2
    revision = submit(patch, project.created_by, mask)
    assert np.unique(values_of(revision.mask_png)[:100]).tolist() == [UNSURE]
    with pytest.raises(BadMask, match="value 3"):
        submit(make_patch(project), project.created_by, mask_of(3))


def test_proposals_of_an_older_legend_are_stale_and_asked_for_again(campaign: Campaign) -> None:
    project, patch = campaign.project, Patch.objects.filter(state="unlabelled").get()
    make_proposal(patch, scene=campaign.scene)
    rank_patches(project.pk)
    shown, ranked = shown_proposal(patch.pk), latest_ranking(project.pk)
    assert shown is not None
    assert ranked is not None
    assert not shown.is_stale
    assert not ranked.is_stale
    change(project, OTHER, ClassChange("field", "#000000", 1), BOUNDARY)
    assert not InferenceJob.objects.exists(), "a colour outdates nothing"
    change(project, OTHER, FIELD, BOUNDARY, TREES)
    shown, ranked = shown_proposal(patch.pk), latest_ranking(project.pk)
    assert shown is not None
    assert ranked is not None
    assert shown.is_stale
    assert ranked.is_stale
    first = InferenceJob.objects.get()
    change(project, OTHER, FIELD, BOUNDARY)
    first.refresh_from_db()
    assert (first.state, first.message) == (JobState.CANCELLED, "The legend changed.")
    assert InferenceJob.objects.filter(state=JobState.QUEUED).count() == 1


def test_a_round_after_a_change_goes_on_from_the_adapter_of_the_old_legend(
    landscape_tif: tuple[Path, Path],
) -> None:
    project = make_project(patch_zoom=17)
    make_scene(project, landscape_tif[0])
    user, truth = project.created_by, landscape_tif[1]
    three = {0: 0, 1: 1, 2: 2, 3: 0, 4: 0, 5: 0}
    import_label_raster(project=project, user=user, path=truth, classes=three)
    first = request_run(project=project, user=user, config=CONFIG)
    train(first.pk)
    first.refresh_from_db()
    assert first.state == RunState.SUCCEEDED, first.message
    parent = first.candidate
    assert parent is not None
    promote(version=parent, user=user, override_reason="To go on from it.")

    change(project, OTHER, FIELD, TREES)
    lookup = np.array([0, 1, UNSURE, 3, 0, 0], np.uint8)
    redrawn = []
    for ids in (first.training_revisions, first.holdout_revisions):
        patch = Patch.objects.filter(annotation__current__in=ids).earliest("pk")
        redrawn.append(redraw(patch, lookup[read_label_tile(truth, patch.x, patch.y, patch.z)[0]]))
    second = request_run(project=project, user=user, config=CONFIG)
    old = set(second.training_revisions + second.holdout_revisions) - {revision.pk for revision in redrawn}
    assert second.hidden_values == {str(pk): [0] for pk in old}
    data = read_round(record_of(second))
    new_keys = {revision.annotation.patch.quadkey for revision in redrawn}
    for patch in (*data.training, *data.replay, *data.validation, *data.holdout):
        values = set(np.unique(patch.mask).tolist())
        assert values <= ({0, 1, 3, UNSURE} if patch.key in new_keys else {1, UNSURE})

    train(second.pk)
    second.refresh_from_db()
    assert second.state == RunState.SUCCEEDED, second.message
    candidate = second.candidate
    assert candidate is not None
    assert candidate.verdict["reason"].startswith(
        "Compared on “other” and “field”, as the parent was not taught “trees”: "
    )
    for evaluation in second.evaluations.all():
        assert [row["value"] for row in evaluation.legend] == [0, 1]
        assert len(evaluation.metrics["confusion"]) == 2
    assert [c.value for c in known_classes(candidate, legend_of(project.pk))] == [0, 1, 3]
    assert [c.value for c in known_classes(parent, legend_of(project.pk))] == [0, 1]

    job = InferenceJob.objects.get(state=JobState.QUEUED)
    make_proposals(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.SUCCEEDED, job.message
    assert set(Proposal.objects.values_list("legend_number", flat=True)) == {2}


@pytest.mark.parametrize(
    ("role", "status"), [("lead", 200), ("ml_staff", 200), ("annotator", 403), ("stranger", 404)]
)
def test_who_may_change_the_legend_by_the_api(campaign: Campaign, role: str, status: int) -> None:
    rows = [
        {"value": 0, "name": "other", "color": "#8c8c8c"},
        {"value": 1, "name": "plot", "color": "#e69f00"},
        {"name": "trees", "color": "#117733"},
    ]
    url = f"/api/v1/projects/{campaign.project.slug}/legend/"
    response = campaign.client(role).put(url, {"legend": rows}, content_type="application/json")
    assert response.status_code == status
    names = [c.name for c in legend_of(campaign.project.pk)]
    assert names == (["other", "plot", "trees"] if status == 200 else ["other", "field", "boundary"])
    if status == 200:
        assert [row["value"] for row in response.json()["legend"]] == [0, 1, 3]
        refused = campaign.client(role).put(url, {"legend": rows[1:]}, content_type="application/json")
        assert refused.status_code == 422
        assert refused.json()["code"] == "bad-project"


@pytest.mark.parametrize("role", ["lead", "ml_staff"])
def test_leads_and_ml_staff_change_the_legend_in_the_admin(campaign: Campaign, role: str) -> None:
    client, url = as_staff(campaign.people[role]), admin_url("labelclass_legend", campaign.project.pk)
    fields = client.get(url).context["form"]
    given = {bound.name: bound.initial for bound in fields if bound.initial is not None}
    answer = client.post(url, given | {"name_1": "plot", "retire_2": "on", "new_name": "trees"})
    assert answer["Location"] == admin_url("project_change", campaign.project.pk)
    assert [(c.value, c.name) for c in legend_of(campaign.project.pk)] == [
        (0, "other"),
        (1, "plot"),
        (3, "trees"),
    ]
    refused = client.post(url, given | {"name_1": "other", "name_3": "trees", "color_3": "#117733"})
    assert refused.status_code == 422
    assert "same name" in refused.content.decode()
    listed = client.get(admin_url("labelclass_changelist"))
    assert listed.content.decode().count("<tr>") >= 4


def test_nobody_else_meets_the_legend_in_the_admin(campaign: Campaign) -> None:
    url = admin_url("labelclass_legend", campaign.project.pk)
    assert as_staff(make_user()).get(url).status_code == 404
    assert as_staff(campaign.people["annotator"]).get(url).status_code == 404
