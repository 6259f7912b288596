"""No candidate that the gate keeps back becomes the model, unless somebody of the ML staff answers for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from django.test import Client

from annotator.domain import training_round
from annotator.domain.held_out import Measured
from annotator.domain.versions import add_candidate, promote, roll_back
from annotator.enums import Role, RunState, VersionState
from annotator.errors import GateNotPassed
from annotator.inference import EvaluateReport
from annotator.models import Event, InferenceJob, ModelVersion, TrainingRun
from annotator.queries.versions import promoted_version
from tests.campaigns import Campaign, admin_url, as_staff
from tests.factories import make_member, make_user, verdict

pytestmark = pytest.mark.django_db
KEPT_BACK = verdict(passed=False)


@pytest.fixture
def kept_back(campaign: Campaign) -> ModelVersion:
    return campaign.add_candidate(verdict=KEPT_BACK)


def post_promotion(client: Client, version: ModelVersion, **body: str):  # type: ignore[no-untyped-def]
    url = f"/api/v1/model-versions/{version.pk}/promote/"
    return client.post(url, body, content_type="application/json")


@pytest.mark.parametrize(
    ("role", "status"), [("ml_staff", 409), ("lead", 403), ("annotator", 403), ("stranger", 404)]
)
def test_the_api_refuses_what_did_not_pass_and_says_what_to_do(
    campaign: Campaign, kept_back: ModelVersion, role: str, status: int
) -> None:
    answer = post_promotion(campaign.client(role), kept_back, reason="I like it")
    assert answer.status_code == status
    assert promoted_version(campaign.project.pk).number == 1
    if role == "ml_staff":
        body = answer.json()
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert body["code"] == "gate-not-passed"
        assert body["verdict"] == KEPT_BACK
        assert body["detail"].startswith(KEPT_BACK["reason"])
        assert "override reason" in body["detail"]


@pytest.mark.parametrize(
    ("role", "status"), [("ml_staff", 200), ("lead", 403), ("annotator", 403), ("stranger", 404)]
)
def test_ml_staff_alone_override_the_gate_and_the_event_keeps_why(
    campaign: Campaign, kept_back: ModelVersion, role: str, status: int
) -> None:
    answer = post_promotion(campaign.client(role), kept_back, override_reason="The north is what counts.")
    assert answer.status_code == status
    event = Event.objects.filter(subject="modelversion", verb="promoted").first()
    if role != "ml_staff":
        assert event is None
        return
    assert promoted_version(campaign.project.pk) == kept_back
    assert event.actor == campaign.people["ml_staff"]
    assert event.facts == {
        "reason": "",
        "gate": KEPT_BACK["reason"],
        "override_reason": "The north is what counts.",
    }


@pytest.mark.parametrize("blank", ["", "  \n"])
def test_a_blank_reason_overrides_nothing(campaign: Campaign, kept_back: ModelVersion, blank: str) -> None:
    with pytest.raises(GateNotPassed):
        promote(version=kept_back, user=campaign.people["ml_staff"], override_reason=blank)


def test_what_passed_needs_no_reason(campaign: Campaign) -> None:
    candidate = campaign.add_candidate()
    answer = post_promotion(campaign.client("ml_staff"), candidate)
    assert (answer.status_code, answer.json()["verdict"]["passed"]) == (200, True)
    assert Event.objects.get(verb="promoted").facts == {"reason": "", "gate": verdict()["reason"]}


def test_a_candidate_that_was_never_judged_is_kept_back(campaign: Campaign) -> None:
    candidate = campaign.add_candidate(verdict={})
    with pytest.raises(GateNotPassed, match="Version 2 was not judged by the gate"):
        promote(version=candidate, user=campaign.people["ml_staff"])


def test_a_verdict_holds_only_beside_the_version_it_was_compared_with(campaign: Campaign) -> None:
    first, second = campaign.add_candidate(), campaign.add_candidate()
    promote(version=first, user=campaign.people["ml_staff"])
    with pytest.raises(GateNotPassed, match="compared with version 1, and version 2 is promoted now"):
        promote(version=second, user=campaign.people["ml_staff"])


def test_rolling_back_and_a_base_version_need_no_gate(campaign: Campaign, kept_back: ModelVersion) -> None:
    user, project = campaign.people["ml_staff"], campaign.project
    promote(version=kept_back, user=user, override_reason="To see")
    assert roll_back(project=project, user=user).number == 1
    assert roll_back(project=project, user=user) == kept_back
    base = ModelVersion.objects.create(project=project, number=9, base="another/model")
    assert promote(version=base, user=user).state == VersionState.PROMOTED


def test_the_page_asks_for_a_reason_of_whoever_overrides(campaign: Campaign, kept_back: ModelVersion) -> None:
    url, client = admin_url("modelversion_promote", kept_back.pk), campaign.client("ml_staff")
    page = client.get(url).content.decode()
    assert "The gate did not let it pass." in page
    assert KEPT_BACK["reason"] in page
    refused = client.post(url, {"reason": "mine", "override_reason": " "})
    assert refused.status_code == 422
    assert "Say why it is promoted all the same." in refused.content.decode()
    assert promoted_version(campaign.project.pk).number == 1
    client.post(url, {"override_reason": "It has seen this valley."})
    assert promoted_version(campaign.project.pk) == kept_back
    assert Event.objects.get(verb="promoted").facts["override_reason"] == "It has seen this valley."


def test_the_page_of_what_passed_asks_for_no_override(campaign: Campaign) -> None:
    url = admin_url("modelversion_promote", campaign.add_candidate().pk)
    page = campaign.client("ml_staff").get(url).content.decode()
    assert verdict()["reason"] in page
    assert "all the same" not in page


def test_nobody_else_meets_the_page(campaign: Campaign, kept_back: ModelVersion) -> None:
    url = admin_url("modelversion_promote", kept_back.pk)
    data = {"override_reason": "mine"}
    assert as_staff(campaign.people["lead"]).post(url, data).status_code == 403
    assert as_staff(make_user()).post(url, data).status_code == 404
    kept_back.refresh_from_db()
    assert kept_back.state == VersionState.CANDIDATE


def evaluated(run: TrainingRun) -> tuple[Measured, Measured]:
    """Parent and candidate on the held-out patches of the run, the second better on the first patch."""
    keys = [r.annotation.patch.quadkey for r in held_out(run)]
    classes = tuple(run.project.label_classes.all())
    report = EvaluateReport(
        patch_count=len(keys),
        miou=0.4,
        iou={},
        pixel_accuracy=0.85,
        boundary_f1=None,
        ece=None,
        error_auroc=None,
        confusion=((80, 20, 0), (10, 90, 0), (0, 0, 0)),
        unsaid_pixels=(0, 5, 0),
        patch_miou=dict.fromkeys(keys, 0.4),
    )
    better = replace(report, miou=0.5, patch_miou={**report.patch_miou, keys[0]: 0.75})
    masks = {key: np.zeros((256, 256), np.uint8) for key in keys}
    return Measured(classes, report, masks), Measured(classes, better, masks)


def held_out(run: TrainingRun):  # type: ignore[no-untyped-def]
    from annotator.models import Revision

    return Revision.objects.filter(pk__in=run.holdout_revisions).order_by("pk")


def end_with(run: TrainingRun, said: dict[str, object]) -> TrainingRun:
    """Ends the run as its worker does, with a candidate of that verdict."""
    TrainingRun.objects.filter(pk=run.pk).update(state=RunState.EVALUATING)
    candidate = ModelVersion(
        project=run.project,
        adapter_name="nowhere",
        temperature=1.2,
        verdict=said,
        provenance={"data_hash": "hash"},
    )
    training_round._succeed(run, candidate, *evaluated(run))
    return TrainingRun.objects.get(pk=run.pk)


def test_a_run_ends_with_the_verdict_of_its_candidate_and_promotes_nothing(run: TrainingRun) -> None:
    ended = end_with(run, verdict())
    assert ended.candidate.verdict == verdict()
    assert "mIoU 0.400 → 0.500 on" in ended.message
    assert ended.message.endswith(f" {verdict()['reason']}")
    assert ended.candidate.state == VersionState.CANDIDATE


@pytest.mark.parametrize("passed", [True, False])
def test_a_project_may_promote_what_passes_by_itself(run: TrainingRun, passed: bool) -> None:
    run.project.promotes_passing = True
    run.project.save()
    candidate = end_with(run, verdict(passed=passed)).candidate
    assert candidate.state == (VersionState.PROMOTED if passed else VersionState.CANDIDATE)
    if passed:
        event = Event.objects.get(verb="promoted")
        assert event.actor is None
        assert event.facts["reason"] == "The project promotes what passes the gate."
        assert InferenceJob.objects.get(model_version=candidate).requested_by is None


@pytest.mark.parametrize("page", ["trainingrun", "modelversion"])
def test_run_and_version_show_the_verdict_and_the_version_what_it_rests_on(
    run: TrainingRun, labelled: Campaign, page: str
) -> None:
    ended = end_with(run, verdict(passed=False))
    row = ended if page == "trainingrun" else ended.candidate
    text = labelled.client("ml_staff").get(admin_url(f"{page}_change", row.pk)).content.decode()
    assert KEPT_BACK["reason"] in text
    assert "20 held-out patches in 12 blocks" in text
    if page == "trainingrun":
        return
    assert "What version 1 said of each class" in text
    assert "What version 2 said of each class" in text
    assert "said nothing" in text
    assert "--share: 0.8" in text
    changed = held_out(run).first()
    assert "+0.350" in text
    assert admin_url("revision_change", changed.pk) in text


def test_the_project_page_tells_leads_and_ml_staff_of_the_gate(run: TrainingRun, labelled: Campaign) -> None:
    end_with(run, verdict(passed=False))
    for role in ("lead", "ml_staff"):
        page = labelled.client(role).get(labelled.url("project")).content.decode()
        assert "gate not passed" in page
        assert KEPT_BACK["reason"] in page
    assert "gate not passed" not in labelled.client("annotator").get(labelled.url("project")).content.decode()


def test_the_api_tells_runs_and_versions_with_their_verdict(run: TrainingRun, labelled: Campaign) -> None:
    ended = end_with(run, verdict())
    client = labelled.client("ml_staff")
    assert client.get(f"/api/v1/training-runs/{ended.pk}/").json()["verdict"] == verdict()
    versions = client.get(f"/api/v1/projects/{labelled.project.slug}/model-versions/").json()["results"]
    assert [v["verdict"] and v["verdict"]["passed"] for v in versions] == [True, None]


def test_a_version_of_another_project_is_no_business_of_its_ml_staff(
    campaign: Campaign, kept_back: ModelVersion
) -> None:
    from tests.factories import make_project

    outsider = make_member(make_project(name="Other"), Role.ML_STAFF)
    client = Client()
    client.force_login(outsider)
    assert post_promotion(client, kept_back, override_reason="mine").status_code == 404


def test_a_candidate_keeps_its_verdict_when_the_rule_changes(campaign: Campaign) -> None:
    candidate = campaign.add_candidate()
    campaign.project.gate_rule = {"margin": 0.5}
    campaign.project.save()
    assert promote(version=candidate, user=campaign.people["ml_staff"]).state == VersionState.PROMOTED
    add_candidate(
        parent=candidate, adapter_name="", temperature=1, provenance={}, actor=None, verdict=verdict()
    )
