"""The pages on which a run is watched and a version judged: curves, intervals, pictures, and the cost of labels."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from unittest import mock

import numpy as np
import pytest
from django.utils import timezone
from PIL import Image

from annotator.admin.pictures import GAINED, LOST, changes
from annotator.admin.run_status import run_status
from annotator.domain.events import record_event
from annotator.domain.masks import UNSURE, png_of
from annotator.enums import Role, RunState
from annotator.models import Evaluation, EvaluationMask, ModelVersion, Patch, Revision, TrainingRun
from annotator.queries.held_out import held_out_answers
from annotator.queries.label_cost import label_rounds
from tests.campaigns import Campaign, admin_url, as_staff, query_count, superuser
from tests.factories import approve, make_member, make_patch, make_project, make_user, mask_of, verdict

pytestmark = pytest.mark.django_db
PICTURES = ["image", "approved", "parent", "candidate", "change"]
VALIDATIONS = [{"step": 0, "loss": 1.2, "miou": 0.4}, {"step": 20, "loss": 0.8, "miou": 0.47}]


def metrics(miou: float) -> dict[str, object]:
    return {
        "iou": {"0": 0.5, "1": miou, "2": 0.2},
        "object_f1": 0.31,
        "boundary_f1": 0.4,
        "boundary_tolerance_m": 2.38,
        "ece": 0.05,
        "error_auroc": 0.7,
        "confusion": [[5, 1, 0], [2, 9, 1], [0, 1, 3]],
        "reliability": {
            "confidence": [None, 0.6],
            "accuracy": [None, 0.5],
            "counts": [0, 40],
            "edges": [0, 0.5, 1],
        },
        "retention": {"share_kept": [0, 1], "error": [0, 0.2], "area": 0.1},
    }


def judged(low: float = 0.002) -> dict[str, object]:
    interval = {"value": 0.012, "low": low, "high": 0.022}
    return {**verdict(), "rule": {"confidence": 0.9}, "intervals": {"miou": interval, "object_f1": interval}}


def measure(
    run: TrainingRun, candidate: ModelVersion, *, patches: int = 0, cost: dict[str, object] | None = None
) -> None:
    """Ends the run as a worker does: measured on its held-out patches, with the answers for ``patches`` of them."""
    if cost is not None:
        candidate.provenance = {**candidate.provenance, "label_cost": cost}
        candidate.save()
    held_out = list(Patch.objects.filter(annotation__revisions__in=run.holdout_revisions)[:patches])
    for version, miou, value in ((run.parent, 0.4, 0), (candidate, 0.412, 1)):
        evaluation = Evaluation.objects.create(
            model_version=version, training_run=run, patch_count=3, miou=miou, metrics=metrics(miou)
        )
        for patch in held_out:
            EvaluationMask.objects.create(
                evaluation=evaluation, patch=patch, mask_png=png_of(mask_of(value)), differing_pixels=65_536
            )
    run.candidate, run.state = candidate, RunState.SUCCEEDED
    run.save()


def cost(patches: int, seconds: float) -> dict[str, object]:
    return {"patches": patches, "seconds": seconds, "strokes": 3 * patches, "changed_pixels": 100 * patches}


@pytest.fixture
def candidate(run: TrainingRun, labelled: Campaign) -> ModelVersion:
    """Measured on the run's held-out patches, of which the answers for one are kept."""
    version = labelled.add_candidate(verdict=judged())
    measure(run, version, patches=1, cost=cost(40, 3120.0))
    return version


def begin(run: TrainingRun, *, verb: str = "started", seconds_ago: float = 20, **fields: object) -> None:
    then = timezone.now() - timedelta(seconds=seconds_ago)
    # An event cannot be made older afterwards.
    with mock.patch.object(timezone, "now", return_value=then):
        record_event(run, verb, actor=None)
    for name, value in {"state": RunState.TRAINING, "heartbeat_at": timezone.now(), **fields}.items():
        setattr(run, name, value)
    run.save()


def test_a_run_tells_its_pace_and_what_is_left(run: TrainingRun, labelled: Campaign) -> None:
    begin(run, step=20, steps=120, losses=[1.0] * 20, validations=VALIDATIONS)
    client = labelled.client("ml_staff")
    for name in ("trainingrun_change", "trainingrun_progress"):
        page = client.get(admin_url(name, run.pk)).content.decode()
        assert "20 of 120 steps · 1 s a step, about 1 min 4" in page
        assert "best so far: step 20" in page
        assert '<th scope="row" class="number">0 (parent)</th>' in page
        assert page.count("<figure") == 2
    assert "<noscript>" in client.get(admin_url("trainingrun_change", run.pk)).content.decode()


def test_a_resumed_run_claims_no_pace(run: TrainingRun) -> None:
    begin(run, verb="resumed", step=20, steps=120)
    assert run_status(run).pace == ""


def test_a_silent_worker_is_told(run: TrainingRun) -> None:
    begin(run, step=3)
    later = timezone.now() + timedelta(minutes=5)
    assert "has not been heard of for 5 min" in run_status(run, now=later).doing


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {
                "step": 60,
                "steps": 120,
                "best_step": 20,
                "validations": VALIDATIONS,
                "config": {"patience": 3},
            },
            "It ended early, after 60 of 120 steps: the last 3 validations brought no gain. The candidate has the "
            "adapter of step 20, where the validation loss was least (0.800).",
        ),
        (
            {"step": 9, "steps": 9, "best_step": 0, "validations": VALIDATIONS},
            "No step had a smaller validation loss than the parent, so the candidate answers as its parent does.",
        ),
        (
            {"step": 9, "steps": 9},
            "The candidate has the adapter of the last step: no patch was left to validate on.",
        ),
    ],
)
def test_an_ended_run_says_what_it_left(run: TrainingRun, fields: dict[str, object], sentence: str) -> None:
    for name, value in {"state": RunState.SUCCEEDED, **fields}.items():
        setattr(run, name, value)
    assert run_status(run).outcome == sentence


def test_measures_stand_beside_the_parent_s_with_their_intervals(
    run: TrainingRun, candidate: ModelVersion, labelled: Campaign
) -> None:
    client = labelled.client("ml_staff")
    for url in (admin_url("trainingrun_change", run.pk), admin_url("modelversion_change", candidate.pk)):
        page = " ".join(client.get(url).content.decode().split())
        assert "+0.002 to +0.022" in page
        assert "Boundary F1, within 2 px (2.4 m)" in page
        assert "90 % interval" in page
        assert '<td class="change--better">better</td>' in page
    assert "Reliability" in page
    assert "What version 2 said of each class" in page
    assert f'href="{admin_url("project_label_cost", labelled.project.pk)}"' in page


def test_changed_patches_are_shown_with_all_pictures_in_words_too(
    run: TrainingRun, candidate: ModelVersion, labelled: Campaign
) -> None:
    page = labelled.client("ml_staff").get(admin_url("modelversion_change", candidate.pk)).content.decode()
    patch = held_out_answers(run)[0].patch
    for kind in PICTURES:
        assert admin_url("modelversion_picture", candidate.pk, patch.pk, kind) in page
    # The approved mask is field (1) all over, which the candidate says and the parent does not.
    assert 'alt="Approved mask: field 100 %"' in page
    assert 'alt="100.0% of the pixels became right, 0.0% became wrong"' in page
    review = f"/projects/{labelled.project.slug}/review/{patch.pk}/"
    assert review not in page, "reviews are for leads"
    lead = as_staff(labelled.people["lead"])
    assert review in lead.get(admin_url("modelversion_change", candidate.pk)).content.decode()


def test_pictures_are_for_those_who_see_the_version(
    run: TrainingRun, candidate: ModelVersion, labelled: Campaign
) -> None:
    patch = held_out_answers(run)[0].patch
    url = admin_url("modelversion_picture", candidate.pk, patch.pk, "change")
    response = labelled.client("ml_staff").get(url)
    assert response["Content-Type"] == "image/png"
    assert "private" in response["Cache-Control"]
    assert Image.open(io.BytesIO(response.content)).size == (256, 256)
    assert as_staff(labelled.people["lead"]).get(url).status_code == 200
    assert superuser().get(url).status_code == 200
    for outsider in (labelled.people["annotator"], make_user()):
        assert as_staff(outsider).get(url).status_code in (403, 404)
    other = make_member(make_project(name="Elsewhere"), Role.ML_STAFF)
    assert as_staff(other).get(url).status_code == 404
    assert labelled.client("anonymous").get(url).status_code == 302


@pytest.mark.parametrize(("kind", "patch"), [("nothing", None), ("change", 0)])
def test_pictures_that_are_not_there_are_not_found(
    run: TrainingRun, candidate: ModelVersion, labelled: Campaign, kind: str, patch: int | None
) -> None:
    client = labelled.client("ml_staff")
    patch_id = held_out_answers(run)[0].patch.pk if patch is None else patch
    assert client.get(admin_url("modelversion_picture", candidate.pk, patch_id, kind)).status_code == 404
    assert client.get(admin_url("modelversion_picture", run.parent_id, patch_id, "change")).status_code == 404
    # The scene of this campaign has no file.
    picture = admin_url("modelversion_picture", candidate.pk, held_out_answers(run)[0].patch.pk, "image")
    assert client.get(picture).status_code == 404


def test_a_version_takes_the_same_queries_however_many_patches_changed(
    run: TrainingRun, labelled: Campaign
) -> None:
    more = [approve(make_patch(labelled.project), labelled.people["lead"]) for _ in range(2)]
    run.holdout_revisions = [*run.holdout_revisions[:1], *(revision.pk for revision in more)]
    version = labelled.add_candidate(verdict=judged())
    measure(run, version, patches=1)
    client, url = superuser(), admin_url("modelversion_change", version.pk)
    before = query_count(client, url)
    others = Patch.objects.filter(annotation__revisions__in=run.holdout_revisions)
    for patch in others.exclude(pk=held_out_answers(run)[0].patch.pk):
        for evaluation in run.evaluations.all():
            EvaluationMask.objects.create(
                evaluation=evaluation, patch=patch, mask_png=png_of(mask_of(2)), differing_pixels=5
            )
    assert len(held_out_answers(run)) == 3
    assert query_count(client, url) == before


def test_unsure_pixels_are_not_judged() -> None:
    approved = np.full((2, 2), 1, np.uint8)
    approved[0, 0] = UNSURE
    found = changes(approved, np.array([[1, 0], [1, 0]], np.uint8), np.array([[0, 1], [0, 0]], np.uint8))
    assert (found.share(GAINED), found.share(LOST)) == (pytest.approx(1 / 3), pytest.approx(1 / 3))


def test_the_last_labels_are_weighed_against_what_they_brought(
    candidate: ModelVersion, labelled: Campaign
) -> None:
    url = admin_url("project_label_cost", labelled.project.pk)
    page = labelled.client("ml_staff").get(url)
    assert page.context["summary"] == (
        "The first 40 patches (52 min 0 s of annotation) brought +0.012 ± 0.010 mIoU (90 % interval +0.002 to "
        "+0.022): version 2 beside version 1, both measured on the same 3 held-out patches."
    )
    assert page.context["caution"] == ""
    assert page.content.decode().count("<figure") == 2


def next_round(campaign: Campaign, *, cost: dict[str, object] | None, low: float = 0.002) -> TrainingRun:
    """A further run on another held-out set."""
    held_out = list(
        Revision.objects.filter(annotation__patch__project=campaign.project).values_list("pk", flat=True)
    )
    parent = campaign.project.model_versions.first()
    run = TrainingRun.objects.create(
        project=campaign.project, parent=parent, state=RunState.FAILED, holdout_revisions=held_out
    )
    version = campaign.add_candidate(verdict=judged(low))
    version.parent = parent
    version.save()
    measure(run, version, cost=cost)
    return run


@pytest.mark.parametrize(
    ("of_next", "low", "sentence"),
    [
        (cost(68, 4000.0), 0.002, "The last 28 patches (14 min 40 s of annotation) brought +0.012 ± 0.010"),
        (cost(68, 4000.0), -0.008, "That may be chance: the interval holds 0."),
        (cost(40, 3120.0), 0.002, "learned from no more patches than version 2: its +0.012"),
        (None, 0.002, "What its labels cost was not kept."),
    ],
)
def test_what_further_labels_brought_is_said_honestly(
    candidate: ModelVersion,
    labelled: Campaign,
    of_next: dict[str, object] | None,
    low: float,
    sentence: str,
) -> None:
    next_round(labelled, cost=of_next, low=low)
    page = labelled.client("ml_staff").get(admin_url("project_label_cost", labelled.project.pk))
    assert sentence in page.context["summary"]
    assert "The held-out set changed between rounds: 2 sets of 3, 3 patches." in page.context["caution"]


def test_the_data_of_label_cost_come_as_json_and_csv(candidate: ModelVersion, labelled: Campaign) -> None:
    next_round(labelled, cost=None)
    client, pk = labelled.client("ml_staff"), labelled.project.pk
    document = client.get(admin_url("project_label_cost_data", pk, "json")).json()
    first, second = document["rounds"]
    assert (first["patches"], first["seconds"], first["strokes"], first["parent_patches"]) == (
        40,
        3120.0,
        120,
        0,
    )
    assert (first["gain_low"], first["confidence"], first["held_out_set"]) == (0.002, 0.9, 1)
    assert (second["patches"], second["parent_patches"], second["held_out_set"]) == (None, 40, 2)
    response = client.get(admin_url("project_label_cost_data", pk, "csv"))
    assert "label-cost-valley.csv" in response["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert [row["patches"] for row in rows] == ["40", ""]
    assert rows[0].keys() == first.keys()


@pytest.mark.parametrize("name", ["project_label_cost", "project_label_cost_data"])
def test_label_cost_is_for_leads_and_ml_staff_of_the_project(campaign: Campaign, name: str) -> None:
    url = admin_url(name, campaign.project.pk, *(["json"] if name.endswith("data") else []))
    assert campaign.client("ml_staff").get(url).status_code == 200
    assert as_staff(campaign.people["lead"]).get(url).status_code == 200
    assert as_staff(campaign.people["annotator"]).get(url).status_code in (403, 404)
    assert as_staff(make_member(make_project(name="Elsewhere"), Role.ML_STAFF)).get(url).status_code == 404
    assert campaign.client("anonymous").get(url).status_code == 302


def test_label_cost_takes_the_same_queries_however_many_rounds(
    candidate: ModelVersion, labelled: Campaign
) -> None:
    client, url = superuser(), admin_url("project_label_cost", labelled.project.pk)
    before = query_count(client, url)
    for patches in (60, 80):
        next_round(labelled, cost=cost(patches, 5000.0))
    assert len(label_rounds(labelled.project.pk)) == 3
    assert query_count(client, url) == before


def test_a_project_without_rounds_says_what_to_do(campaign: Campaign) -> None:
    page = (
        campaign.client("ml_staff").get(admin_url("project_label_cost", campaign.project.pk)).content.decode()
    )
    assert "No training run has measured a candidate yet." in page
    assert "start a training run" in page
