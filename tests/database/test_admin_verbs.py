"""The buttons of the administration: training runs, cancelling, promoting, rolling back."""

from __future__ import annotations

import pytest

from annotator.domain.proposals import request_proposals
from annotator.domain.training import checked_config
from annotator.enums import JobState, RunState, VersionState
from annotator.models import Evaluation, Event, ModelVersion, TrainingRun
from annotator.queries.versions import promoted_version
from tests.campaigns import Campaign, admin_url, as_staff, superuser
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db

METRICS = {
    "iou": {"0": 0.5, "1": 0.61, "2": 0.2},
    "pixel_accuracy": 0.8,
    "boundary_f1": None,
    "ece": 0.05,
    "error_auroc": 0.7,
}


def test_the_action_leads_to_the_page_that_asks(labelled: Campaign) -> None:
    client = labelled.client("ml_staff")
    url = admin_url("project_changelist")
    chosen = {"action": "start_training_run", "_selected_action": [labelled.project.pk]}
    assert client.post(url, chosen)["Location"] == admin_url("project_train", labelled.project.pk)


def test_the_action_takes_one_project(campaign: Campaign) -> None:
    second = make_project(name="Second")
    chosen = {"action": "start_training_run", "_selected_action": [campaign.project.pk, second.pk]}
    page = superuser().post(admin_url("project_changelist"), chosen, follow=True).content.decode()
    assert "choose one only" in page


def test_a_run_is_asked_for_with_what_it_learns_from_and_starts_once(labelled: Campaign) -> None:
    client = labelled.client("ml_staff")
    url = admin_url("project_train", labelled.project.pk)
    page = client.get(url)
    text = page.content.decode()
    split = page.context["outlook"].split
    assert len(split.training) + len(split.validation) + len(split.holdout) == 4
    assert "To learn from" in text
    assert "it has not been measured on this project yet" in text
    fields = dict(page.context["form"].initial) | {"steps": 5}
    first, second = client.post(url, fields), client.post(url, fields)
    run = TrainingRun.objects.get()
    assert first["Location"] == second["Location"] == admin_url("trainingrun_change", run.pk)
    assert run.config["steps"] == 5
    assert run.requested_by == labelled.people["ml_staff"]


def test_the_page_says_where_the_parent_stands(labelled: Campaign) -> None:
    version = promoted_version(labelled.project.pk)
    Evaluation.objects.create(model_version=version, patch_count=7, miou=0.4321, metrics=METRICS)
    page = labelled.client("ml_staff").get(admin_url("project_train", labelled.project.pk)).content.decode()
    assert "mIoU of 0.432 on 7 held-out patches" in " ".join(page.split())


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"replay_share": 0.5, "rehearsal_share": 0.5}, "must leave a tenth to the new patches"),
        ({"steps": 0}, "steps must be between 1 and"),
        ({"learning_rate": "fast"}, "Enter a number."),
        ({"lora_rank": ""}, "This field is required."),
    ],
)
def test_a_config_that_cannot_be_is_explained_and_kept(
    labelled: Campaign, changed: dict[str, object], sentence: str
) -> None:
    client, url = labelled.client("ml_staff"), admin_url("project_train", labelled.project.pk)
    fields = dict(client.get(url).context["form"].initial) | {"seed": 4711} | changed
    response = client.post(url, fields)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert 'value="4711"' in response.content.decode()
    assert not TrainingRun.objects.exists()


def test_the_form_asks_for_every_field_of_a_config(labelled: Campaign) -> None:
    page = labelled.client("ml_staff").get(admin_url("project_train", labelled.project.pk))
    assert set(page.context["form"].fields) == {*checked_config({}), "idempotency_key"}


def test_nothing_to_train_on_is_said_before_and_after(campaign: Campaign) -> None:
    client, url = campaign.client("ml_staff"), admin_url("project_train", campaign.project.pk)
    page = client.get(url)
    assert "Approve more patches first." in page.content.decode()
    response = client.post(url, page.context["form"].initial)
    assert response.status_code == 422
    assert "Approve more patches first." in response.content.decode()


def test_a_second_run_is_pointed_to_the_first(run: TrainingRun, labelled: Campaign) -> None:
    client, url = labelled.client("ml_staff"), admin_url("project_train", labelled.project.pk)
    page = client.get(url)
    assert admin_url("trainingrun_change", run.pk) in page.content.decode()
    response = client.post(url, page.context["form"].initial)
    assert response.status_code == 422
    assert "is under way" in response.content.decode()


def test_the_run_page_shows_how_far_it_is(run: TrainingRun, labelled: Campaign) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(
        state=RunState.TRAINING, step=2, losses=[1.5, 1.25], log="10:00:00 two patches to learn from\n"
    )
    client = labelled.client("ml_staff")
    page = client.get(admin_url("trainingrun_change", run.pk)).content.decode()
    fragment = client.get(admin_url("trainingrun_progress", run.pk)).content.decode()
    for text in (page, fragment):
        assert "Training loss from 1.500 to 1.250 after 2 of 120 steps." in text
        assert "two patches to learn from" in text
        assert 'data-active="1"' in text
    assert "milpa/admin_run.js" in page
    assert "Cancel the run" in page


def test_a_run_is_cancelled_by_ml_staff_only(run: TrainingRun, labelled: Campaign) -> None:
    url = admin_url("trainingrun_cancel", run.pk)
    lead = as_staff(labelled.people["lead"])
    assert "Cancel the run" not in lead.get(admin_url("trainingrun_change", run.pk)).content.decode()
    assert lead.post(url).status_code == 403
    assert as_staff(make_user()).post(url).status_code in (403, 404)
    staff = labelled.client("ml_staff")
    assert staff.get(url).status_code == 405
    page = staff.post(url, follow=True).content.decode()
    assert "The run is cancelled" in page
    assert "milpa/admin_run.js" not in page
    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    assert "there is nothing to cancel" in staff.post(url, follow=True).content.decode()


def test_a_job_is_cancelled_on_its_page(campaign: Campaign) -> None:
    job = request_proposals(project=campaign.project, user=campaign.people["lead"])
    client = campaign.client("ml_staff")
    assert "0 of 2 patches" in client.get(admin_url("inferencejob_progress", job.pk)).content.decode()
    page = client.post(admin_url("inferencejob_cancel", job.pk), follow=True).content.decode()
    assert "The proposals that it has made stay." in page
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def finished(run: TrainingRun, campaign: Campaign) -> ModelVersion:
    """Ends the run with a candidate and both evaluations, as a worker does."""
    candidate = campaign.add_candidate()
    for version, miou in ((run.parent, 0.4), (candidate, 0.55)):
        Evaluation.objects.create(
            model_version=version, training_run=run, patch_count=3, miou=miou, metrics=METRICS
        )
    run.state, run.candidate = RunState.SUCCEEDED, candidate
    run.save()
    return candidate


def test_parent_and_candidate_are_compared_and_the_candidate_promoted(
    run: TrainingRun, labelled: Campaign
) -> None:
    candidate = finished(run, labelled)
    client = labelled.client("ml_staff")
    page = client.get(admin_url("trainingrun_change", run.pk)).content.decode()
    assert "+0.150" in page
    assert "IoU of each class" in page
    promote = admin_url("modelversion_promote", candidate.pk)
    assert promote in page
    asked = " ".join(client.get(promote).content.decode().split())
    assert "in place of version 1" in asked
    assert "are stale from that moment" in asked
    assert promoted_version(labelled.project.pk).number == 1
    response = client.post(promote, {"reason": "better on every class"})
    assert response["Location"] == admin_url("modelversion_change", candidate.pk)
    assert promoted_version(labelled.project.pk) == candidate
    assert Event.objects.get(verb="promoted").facts == {
        "reason": "better on every class",
        "gate": candidate.verdict["reason"],
    }


def test_versions_are_promoted_and_rolled_back_by_ml_staff_only(labelled: Campaign) -> None:
    candidate, project = labelled.add_candidate(), labelled.project
    promote = admin_url("modelversion_promote", candidate.pk)
    roll_back = admin_url("project_roll_back", project.pk)
    lead, staff = as_staff(labelled.people["lead"]), labelled.client("ml_staff")
    for url in (promote, roll_back, admin_url("project_train", project.pk)):
        assert lead.get(url).status_code == 403
        assert lead.post(url, {"reason": "mine"}).status_code == 403
    nothing = staff.post(roll_back, {"reason": ""})
    assert nothing.status_code == 422
    assert "nothing to roll back to" in nothing.content.decode()
    staff.post(promote, {"reason": ""})
    asked = staff.get(roll_back)
    assert "Version 1, which was promoted on" in " ".join(asked.content.decode().split())
    assert 'value="Roll back to version 1"' in asked.content.decode()
    answer = {**asked.context["form"].initial, "reason": "worse in the north"}
    stale = staff.post(roll_back, {**answer, "expected_number": 7})
    assert "rolling back leads to version 1 now" in stale.content.decode()
    page = staff.post(roll_back, answer, follow=True).content.decode()
    assert "Version 1 is promoted again." in page
    assert project.model_versions.get(pk=candidate.pk).state == VersionState.RETIRED


def test_version_pages_show_provenance_and_measures(run: TrainingRun, labelled: Campaign) -> None:
    candidate = finished(run, labelled)
    page = labelled.client("ml_staff").get(admin_url("modelversion_change", candidate.pk)).content.decode()
    assert "&quot;seed&quot;: 7" in page
    assert "0.550" in page
    assert f"run {run.pk}" in page
