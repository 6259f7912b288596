"""A client that lost the answer sends its request again: nothing is made twice, and it has the first answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from annotator.domain import kept_answers
from annotator.domain.kept_answers import Answer, answer_once, forget_answers
from annotator.domain.projects import add_member
from annotator.domain.proposals import cancel_job
from annotator.enums import ExportKind, Role
from annotator.models import (
    Assignment,
    Event,
    Export,
    InferenceJob,
    Invitation,
    KeptAnswer,
    Membership,
    Project,
    Scene,
    TrainingRun,
)
from tests.campaigns import Campaign
from tests.factories import client_of, make_project, make_scene, make_user
from tests.rasters import write_raster

LEGEND = [
    {"value": 0, "name": "other", "color": "#8c8c8c"},
    {"value": 1, "name": "field", "color": "#e69f00"},
]


def post(client: Client, url: str, body: object, key: str = "a-key", status: int | None = None):
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.post(f"/api/v1/{url}", body, content_type="application/json", headers=headers)
    assert status is None or answer.status_code == status, answer.content
    return answer


@pytest.fixture
def project(db: None) -> Project:
    return make_project()


@pytest.fixture
def lead(project: Project) -> Client:
    return client_of(project.created_by)


@pytest.fixture
def manager(labelled: Campaign) -> Client:
    """A lead who is ML staff, too, of a project with approved patches."""
    lead = labelled.people["lead"]
    add_member(project=labelled.project, user=lead, role=Role.ML_STAFF)
    return client_of(lead)


def test_what_is_asked_for_twice_with_one_key_is_made_once(labelled, manager) -> None:
    of_project = f"projects/{labelled.project.slug}/"
    tiles = list(labelled.project.patches.values_list("quadkey", flat=True))
    requests = [
        ("invitations/", {"role": "annotator", "days": 3}, Invitation.objects.all),
        ("inference-jobs/", {"scene": None}, InferenceJob.objects.all),
        ("training-runs/", {"config": {"steps": 20}}, TrainingRun.objects.all),
        ("exports/", {"kind": ExportKind.GEOTIFF, "parameters": {}}, Export.objects.all),
        ("queue/", {}, Event.objects.filter(verb="ranking requested").all),
        (
            "assignments/",
            {"people": [labelled.people["annotator"].username], "tiles": tiles[:1]},
            Assignment.objects.all,
        ),
    ]
    for path, body, rows in requests:
        before = rows().count()
        first = post(manager, of_project + path, body, key=path)
        again = post(manager, of_project + path, body, key=path)
        assert first.status_code == again.status_code in (201, 202), first.content
        assert first.content == again.content, path
        assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (
            False,
            "true",
        )
        assert rows().count() == before + 1, path
    assert KeptAnswer.objects.count() == len(requests)


def test_a_project_is_made_once_and_its_key_is_nobody_elses(db) -> None:
    body = {"name": "Twice", "legend": LEGEND}
    for _ in range(2):
        client = client_of(make_user(may_add_projects=True))
        told = {post(client, "projects/", body, status=201).json()["slug"] for _ in range(2)}
        assert len(told) == 1
    assert Project.objects.filter(name="Twice").count() == 2
    assert post(client, "projects/", body, key="", status=201).json()["slug"] not in told


def test_files_are_compared_not_how_they_were_packed(project, lead, tmp_path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    raster = write_raster(tmp_path / "a.tif").read_bytes()
    url = f"/api/v1/projects/{project.slug}/scenes/"

    def sent(content: bytes):
        # Each multipart body has a boundary of its own where a client makes one up.
        file = SimpleUploadedFile("a.tif", content)
        return lead.post(url, {"file": file}, headers={"Idempotency-Key": "k"})

    first, again = sent(raster), sent(raster)
    assert first.status_code == again.status_code == 201, first.content
    assert first.json() == again.json()
    assert Scene.objects.count() == 1
    other = sent(raster + b" ")
    assert (other.status_code, other.json()["code"]) == (422, "key-used")


def test_another_request_with_the_same_key_is_refused(project, lead) -> None:
    url = f"projects/{project.slug}/invitations/"
    post(lead, url, {"role": "annotator", "days": 3}, status=201)
    for path, body in ((url, {"role": "lead", "days": 3}), (f"projects/{project.slug}/queue/", {})):
        refused = post(lead, path, body, status=422).json()
        assert refused["code"] == "key-used"
        assert "take a new key" in refused["detail"]
    for bad in ("k" * 65, "two words", "café"):
        assert post(lead, url, {"role": "lead"}, key=bad).status_code == 400
    assert Invitation.objects.count() == 1


def test_what_was_refused_left_nothing_and_is_tried_anew(project, lead) -> None:
    make_scene(project)
    url = f"projects/{project.slug}/inference-jobs/"
    job = InferenceJob.objects.get(pk=post(lead, url, {}, key="one", status=202).json()["id"])
    post(lead, url, {}, key="two", status=409)
    assert not KeptAnswer.objects.filter(key="two").exists()
    cancel_job(job=job, user=project.created_by)
    assert post(lead, url, {}, key="two", status=202).json()["id"] != job.pk
    assert post(lead, url, {}, key="one", status=202).json()["id"] == job.pk


def test_an_answer_is_not_given_again_to_whoever_lost_the_role(project, lead) -> None:
    url = f"projects/{project.slug}/invitations/"
    post(lead, url, {"role": "annotator"}, status=201)
    Membership.objects.filter(user=project.created_by).delete()
    post(lead, url, {"role": "annotator"}, status=404)


def test_of_a_process_that_was_killed_nothing_is_kept(db) -> None:
    user = make_user()

    def killed() -> Answer:
        make_user("made on the way")
        raise SystemExit

    with pytest.raises(SystemExit):
        answer_once(user=user, key="k", request_hash="h", act=killed)
    assert not type(user).objects.filter(username="made on the way").exists()
    assert not KeptAnswer.objects.exists()


def test_answers_are_kept_for_a_day(db) -> None:
    user = make_user()
    for key, hours in (("old", 25), ("new", 23)):
        answer_once(user=user, key=key, request_hash="h", act=lambda: Answer(201, "{}"))
        KeptAnswer.objects.filter(key=key).update(made_at=timezone.now() - timedelta(hours=hours))
    assert forget_answers() == 1
    assert KeptAnswer.objects.get().key == "new"


@pytest.mark.django_db(transaction=True)
def test_copies_at_once_make_one_and_have_one_answer() -> None:
    project = make_project()
    url = f"projects/{project.slug}/invitations/"
    clients = [client_of(project.created_by) for _ in range(4)]

    def send(client: Client):
        try:
            return post(client, url, {"role": "annotator"})
        finally:
            connection.close()

    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(pool.map(send, clients))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 3
    assert Invitation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_copy_of_what_takes_long_is_told_to_come_again(monkeypatch) -> None:
    monkeypatch.setattr(kept_answers, "PATIENCE_S", 0.1)
    project = make_project()
    client = client_of(project.created_by)

    def send():
        try:
            return post(client, f"projects/{project.slug}/invitations/", {"role": "annotator"})
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        KeptAnswer.objects.create(person=project.created_by, key="a-key", request_hash="h")
        busy = pool.submit(send).result(20)
        assert (busy.status_code, busy.json()["code"]) == (409, "still-answering")
        assert "with the same key" in busy.json()["detail"]
        transaction.set_rollback(True)
    assert send().status_code == 201
