"""The administration: who sees which rows, and how many queries its lists take."""

from __future__ import annotations

import pytest
from django.urls import reverse

from annotator.domain.proposals import request_proposals
from annotator.enums import Role
from annotator.models import Event, InferenceJob, Project, Revision, TrainingRun
from annotator.queries.versions import promoted_version
from tests.campaigns import Campaign, admin_url, as_staff, query_count, superuser
from tests.factories import approve, make_member, make_patch, make_project, make_scene, make_user, submit

pytestmark = pytest.mark.django_db

MODELS = [
    "project",
    "scene",
    "inferencejob",
    "trainingrun",
    "modelversion",
    "review",
    "revision",
    "event",
    "ranking",
]


def test_staff_of_no_project_see_nothing(run: TrainingRun) -> None:
    client = as_staff(make_user())
    index = client.get(reverse("admin:index")).content.decode()
    assert "permission to view or edit anything" in index
    for model in MODELS:
        assert client.get(admin_url(f"{model}_changelist")).status_code == 403
    assert client.get(admin_url("trainingrun_change", run.pk)).status_code == 403


def test_annotators_see_nothing_even_as_staff(campaign: Campaign) -> None:
    client = as_staff(campaign.people["annotator"])
    assert client.get(admin_url("project_changelist")).status_code == 403


def test_people_who_are_no_staff_are_sent_to_sign_in(campaign: Campaign) -> None:
    response = campaign.client("lead").get(admin_url("project_changelist"))
    assert response["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("model", MODELS)
def test_staff_see_the_rows_of_their_own_projects(run: TrainingRun, labelled: Campaign, model: str) -> None:
    other = make_project(name="Hidden hills")
    make_scene(other)
    grow(other)
    page = labelled.client("ml_staff").get(admin_url(f"{model}_changelist"))
    assert page.status_code == 200
    assert "Hidden hills" not in page.content.decode()
    rows = page.context["cl"].queryset
    assert rows.model._meta.model_name == model
    assert rows.count() < rows.model._default_manager.count()


def test_every_page_of_ours_opens_read_only(run: TrainingRun, labelled: Campaign) -> None:
    request_proposals(project=labelled.project, user=labelled.people["lead"])
    client = labelled.client("ml_staff")
    for row in (
        labelled.project,
        labelled.scene,
        run,
        promoted_version(labelled.project.pk),
        InferenceJob.objects.get(),
        Revision.objects.first(),
        Revision.objects.filter(review__isnull=False)[0].review,
        Event.objects.first(),
    ):
        name = row._meta.model_name
        page = client.get(admin_url(f"{name}_change", row.pk))
        assert page.status_code == 200, name
        assert 'name="_save"' not in page.content.decode(), name
        assert client.get(admin_url(f"{name}_add")).status_code == 403, name
        assert client.post(admin_url(f"{name}_delete", row.pk), {"post": "yes"}).status_code == 403, name


def test_the_history_of_a_row_is_its_events(run: TrainingRun, labelled: Campaign) -> None:
    client = labelled.client("ml_staff")
    version, revision = promoted_version(labelled.project.pk), Revision.objects.latest("pk")
    for row, subject, subject_id in (
        (run, "trainingrun", run.pk),
        (version, "modelversion", version.pk),
        (revision, "patch", revision.annotation.patch_id),
        (revision.review, "patch", revision.annotation.patch_id),
    ):
        page = client.get(admin_url(f"{row._meta.model_name}_history", row.pk), follow=True)
        rows = list(page.context["cl"].queryset)
        assert rows, row
        assert {(event.subject, event.subject_id) for event in rows} == {(subject, subject_id)}


def test_rows_of_other_projects_do_not_open(campaign: Campaign) -> None:
    other = make_project(name="Hidden hills")
    page = campaign.client("ml_staff").get(admin_url("project_change", other.pk))
    assert page.status_code == 302
    assert campaign.client("ml_staff").get(admin_url("project_train", other.pk)).status_code == 404


def test_superusers_change_names_and_members(campaign: Campaign) -> None:
    client, newcomer = superuser(), make_user()
    data = {
        "name": "Upper valley", "description": "", "label_classes-TOTAL_FORMS": 0,
        "label_classes-INITIAL_FORMS": 0, "memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 0,
        "memberships-0-user": newcomer.pk, "memberships-0-role": "annotator",
        "memberships-0-project": campaign.project.pk,
    }  # fmt: skip
    response = client.post(admin_url("project_change", campaign.project.pk), data)
    assert response.status_code == 302, response.context["errors"]
    campaign.project.refresh_from_db()
    assert campaign.project.name == "Upper valley"
    assert campaign.project.memberships.filter(user=newcomer).exists()


@pytest.mark.parametrize("model", MODELS)
def test_lists_take_the_same_queries_however_long_they_are(labelled: Campaign, model: str) -> None:
    client, url = superuser(), admin_url(f"{model}_changelist")
    grow(labelled.project)
    before = query_count(client, url)
    for name in ("Second", "Third"):
        other = make_project(name=name)
        make_scene(other)
        grow(other)
    assert query_count(client, url) == before


def grow(project: Project) -> None:
    lead = project.created_by
    submit(make_patch(project), make_member(project, Role.LEAD))
    approve(make_patch(project), lead)
    request_proposals(project=project, user=lead)
    project.rankings.create(strategy="entropy", model_version=promoted_version(project.pk), patch_count=1)
    TrainingRun.objects.create(
        project=project, parent=promoted_version(project.pk), requested_by=lead, state="failed"
    )


def test_superusers_manage_accounts_here(campaign: Campaign) -> None:
    assert "lina" in superuser().get(reverse("admin:auth_user_changelist")).content.decode()
