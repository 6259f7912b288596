"""A project's rules: who sets them, and the runs that begin by them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from annotator.domain.rules import change_rules, checked_gate_rule
from annotator.domain.training import cancel_run, request_run
from annotator.domain.triggers import begin_due_runs
from annotator.enums import ImportState, RunState
from annotator.errors import BadRule
from annotator.models import Event, LabelImport, Patch, Project, TrainingRun
from tests.campaigns import Campaign, admin_url, as_staff
from tests.factories import approve, make_patch, make_user

pytestmark = pytest.mark.django_db
DEFAULTS = {
    "margin": 0.0,
    "confidence": 0.9,
    "worst_class_loss": 0.02,
    "smallest_patches": 10,
    "smallest_blocks": 5,
}


def set_rules(project: Project, **rules: object) -> None:
    Project.objects.filter(pk=project.pk).update(**rules)


def answer(campaign: Campaign, **changed: object):  # type: ignore[no-untyped-def]
    client, url = campaign.client("ml_staff"), admin_url("project_rules", campaign.project.pk)
    initial = client.get(url).context["form"].initial
    shown = {name: value for name, value in initial.items() if value is not None and value is not False}
    return client.post(url, shown | changed)


def test_ml_staff_change_the_rules_and_the_event_keeps_both(campaign: Campaign) -> None:
    response = answer(campaign, margin=0.01, promotes_passing="on", trains_after_patches=20)
    assert response["Location"] == admin_url("project_change", campaign.project.pk)
    project = Project.objects.get(pk=campaign.project.pk)
    assert project.gate_rule == DEFAULTS | {"margin": 0.01}
    assert (project.promotes_passing, project.trains_after_patches, project.trains_every_hours) == (
        True,
        20,
        None,
    )
    event = Event.objects.get(verb="rules changed")
    assert event.actor == campaign.people["ml_staff"]
    assert event.facts["before"]["gate_rule"] == {}
    assert event.facts["after"]["trains_after_patches"] == 20


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("margin", 3, "margin must be between -1 and 1, got 3"),
        ("confidence", 1, "confidence must be between 0.5 and 0.999"),
        ("worst_class_loss", -1, "worst_class_loss must be between 0 and 1"),
        ("smallest_patches", 1, "smallest_patches must be between 2"),
        ("smallest_blocks", 11, "smallest_blocks must not be above smallest_patches"),
        ("trains_after_patches", 0, "between 1 and 100000, or empty for never"),
        ("trains_every_hours", -4, "between 1 and 8784, or empty for never"),
        ("margin", "much", "Enter a number."),
    ],
)
def test_a_rule_that_cannot_be_is_explained_at_its_field(
    campaign: Campaign, field: str, value: object, sentence: str
) -> None:
    response = answer(campaign, **{field: value})
    assert response.status_code == 422
    assert sentence in " ".join(response.context["form"].errors[field])
    assert Project.objects.get(pk=campaign.project.pk).gate_rule == {}


def test_an_unknown_part_of_a_rule_is_refused() -> None:
    with pytest.raises(BadRule, match="luck"):
        checked_gate_rule({"luck": 1})


def test_nobody_else_changes_the_rules(campaign: Campaign) -> None:
    url = admin_url("project_rules", campaign.project.pk)
    for person, status in (("lead", 403), ("annotator", 404), ("stranger", 404)):
        client = as_staff(campaign.people[person])
        assert client.get(url).status_code == status, person
        assert client.post(url, {"margin": -1}).status_code == status, person
    assert as_staff(make_user()).get(url).status_code == 404
    assert campaign.client("anonymous").get(url).status_code == 302
    page = campaign.client("ml_staff").get(admin_url("project_change", campaign.project.pk))
    assert url in page.content.decode()


@pytest.fixture
def approved(labelled: Campaign, django_capture_on_commit_callbacks):  # type: ignore[no-untyped-def]
    """Approves one more patch with all that follows from it."""
    columns = iter(range(2000, 3000, 4))

    def approve_one() -> Patch:
        patch = make_patch(labelled.project, next(columns))
        with django_capture_on_commit_callbacks(execute=True):
            approve(patch, labelled.people["lead"])
        return patch

    return approve_one


def test_no_run_begins_by_itself_unless_a_rule_says_so(labelled: Campaign, approved) -> None:  # type: ignore[no-untyped-def]
    for _ in range(3):
        approved()
    assert begin_due_runs() == 0
    assert not TrainingRun.objects.exists()


def test_a_run_begins_once_so_many_are_approved(labelled: Campaign, approved) -> None:  # type: ignore[no-untyped-def]
    set_rules(labelled.project, trains_after_patches=6)
    approved()
    assert begin_due_runs() == 0
    approved()
    assert begin_due_runs() == 1
    run = TrainingRun.objects.get()
    assert (run.state, run.requested_by) == (RunState.QUEUED, None)
    event = Event.objects.get(subject="trainingrun", verb="requested")
    assert event.actor is None
    assert event.facts == {"reason": "6 patches were approved so far; the project trains after 6."}
    page = labelled.client("ml_staff").get(admin_url("trainingrun_change", run.pk)).content.decode()
    assert "a rule of the project" in page


def test_never_two_runs_and_the_next_counts_from_the_last(labelled: Campaign, approved) -> None:  # type: ignore[no-untyped-def]
    set_rules(labelled.project, trains_after_patches=2)
    assert begin_due_runs() == 1
    for _ in range(2):
        approved()
        assert begin_due_runs() == 0
    cancel_run(run=TrainingRun.objects.get(), user=labelled.people["ml_staff"])
    assert begin_due_runs() == 1, "two were approved while the first was under way"
    second = TrainingRun.objects.first()
    cancel_run(run=second, user=labelled.people["ml_staff"])
    assert begin_due_runs() == 0, "nothing was approved since"
    approved()
    assert begin_due_runs() == 0
    approved()
    assert begin_due_runs() == 1
    reason = Event.objects.filter(verb="requested").latest("pk").facts["reason"]
    assert reason == f"2 patches were approved since training run {second.pk}; the project trains after 2."


def test_a_run_waits_for_the_end_of_an_import(labelled: Campaign) -> None:
    set_rules(labelled.project, trains_after_patches=2)
    given = LabelImport.objects.create(
        project=labelled.project, state=ImportState.RUNNING, requested_by=labelled.people["lead"]
    )
    assert begin_due_runs() == 0, "all that it brings is to be learned from"
    LabelImport.objects.filter(pk=given.pk).update(state=ImportState.SUCCEEDED)
    assert begin_due_runs() == 1


def test_a_schedule_begins_a_run_when_it_is_time_and_something_is_new(labelled: Campaign, approved) -> None:  # type: ignore[no-untyped-def]
    project, staff = labelled.project, labelled.people["ml_staff"]
    cancel_run(run=request_run(project=project, user=staff), user=staff)
    set_rules(project, trains_every_hours=24)
    approved()
    assert begin_due_runs() == 0, "it is not time yet"
    TrainingRun.objects.update(requested_at=timezone.now() - timedelta(hours=25))
    assert begin_due_runs() == 1
    run = TrainingRun.objects.first()
    facts = Event.objects.filter(subject_id=run.pk, verb="requested").latest("pk").facts
    assert facts["reason"].startswith("The project trains every 24 hours, and 1 patch was approved since")
    cancel_run(run=run, user=staff)
    TrainingRun.objects.update(requested_at=timezone.now() - timedelta(hours=25))
    assert begin_due_runs() == 0, "nothing was approved since"


def test_where_no_run_can_begin_nothing_happens(campaign: Campaign) -> None:
    set_rules(campaign.project, trains_after_patches=1)
    approve(make_patch(campaign.project), campaign.people["lead"])
    assert begin_due_runs() == 0
    assert not TrainingRun.objects.exists()


def test_rules_are_refused_by_the_verb_too(campaign: Campaign) -> None:
    with pytest.raises(BadRule) as caught:
        change_rules(
            project=campaign.project,
            user=campaign.people["ml_staff"],
            gate_rule={"confidence": "high"},
            promotes_passing=False,
            trains_after_patches=None,
            trains_every_hours=None,
            asks_for="patches",
            points_per_patch=40,
        )
    assert caught.value.facts == {"field": "confidence"}
    assert not Event.objects.filter(verb="rules changed").exists()


@pytest.mark.django_db(transaction=True)
def test_projects_of_before_get_the_default_rule_and_nothing_by_itself() -> None:
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    executor.migrate([("annotator", "0001_initial")])
    try:
        old = executor.loader.project_state([("annotator", "0001_initial")]).apps
        owner = User.objects.create_user("before")
        row = old.get_model("annotator", "Project").objects.create(
            slug="old", name="Old", created_by_id=owner.pk
        )
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(newest)
    project = Project.objects.get(pk=row.pk)
    assert checked_gate_rule(project.gate_rule) == DEFAULTS
    assert (project.promotes_passing, project.trains_after_patches, project.trains_every_hours) == (
        False,
        None,
        None,
    )
