"""A model version leaves as a ZIP, for the ML staff of its project and nobody else, and tells of no person."""

import io
import json
import zipfile
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from rest_framework.test import APIClient

from annotator.domain.version_export import export_version, version_record
from annotator.domain.versions import add_candidate
from annotator.enums import Role, RunState
from annotator.errors import NotReady
from annotator.models import Evaluation, LabelClass, ModelVersion, TrainingRun
from annotator.queries.versions import promoted_version
from tests.factories import approve, make_member, make_patch, make_project, make_user, verdict

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(settings):
    """Version 2 of a project with four approved patches in two regions, its adapter on disk."""
    project = make_project(name="Valley")
    annotator = make_member(project, Role.ANNOTATOR)
    first = make_patch(project, 0)
    patches = [first, make_patch(project, 1), make_patch(project, 2), make_patch(project, 40)]
    revisions = [approve(patch, annotator) for patch in patches]
    parent = promoted_version(project.pk)
    folder = settings.MEDIA_ROOT / "adapters" / "one"
    folder.mkdir(parents=True)
    config = {"base_model_name_or_path": "/home/somebody/base", "r": 4, "lora_alpha": 8}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "adapter_model.safetensors").write_bytes(bytes(3_000_000))
    (folder / "milpa_answers.json").write_text('{"cell_token_id": 5}\n')
    ids = [revision.pk for revision in revisions]
    made = add_candidate(
        parent=parent,
        adapter_name="one",
        temperature=1.5,
        provenance={
            "data_hash": "cd" * 32,
            "config": {"steps": 60, "precision": "auto"},
            "precision": "float32",
            "best_step": 40,
            "legend": [
                {"value": 0, "name": "other", "color": "#8c8c8c", "is_boundary": False},
                {"value": 1, "name": "field", "color": "#e69f00", "is_boundary": False},
            ],
            "training_revisions": ids,
            "validation_revisions": ids[-1:],
            "replay_revisions": ids[:1],
        },
        actor=make_member(project, Role.ML_STAFF),
        verdict=verdict(),
    )
    run = TrainingRun.objects.create(project=project, parent=parent, candidate=made, state=RunState.SUCCEEDED)
    for of, miou in ((made, 0.6), (parent, 0.5)):
        Evaluation.objects.create(
            model_version=of, training_run=run, patch_count=7, miou=miou, metrics={"iou": {"1": miou}}
        )
    ModelVersion.objects.filter(pk=made.pk).update(created_at=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC))
    return ModelVersion.objects.get(pk=made.pk)


def archive_of(version):
    return b"".join(export_version(version=version).pieces)


def test_a_record_holds_what_the_version_was_made_of(version):
    record = version_record(version)
    assert record.name == "milpa-valley-v2"
    assert record.made_at == "2026-02-03T04:05:06Z"
    assert (record.base, record.parent) == ("milpa-starter", "version 1")
    assert [c.name for c in record.legend.classes] == ["other", "field"]
    assert record.config == {"steps": 60, "precision": "float32", "best_step": 40}
    assert (record.patch_count, record.replay_count, record.validation_count) == (3, 1, 1)
    assert [region.patch_count for region in record.regions] == [3, 1]
    west, south, east, north = record.regions[0].bounds
    assert 77 < west < east < 77.2
    assert 20 < south < north < 20.4
    assert [(m.name, m.metrics["miou"]) for m in record.measured] == [("version 1", 0.5), ("version 2", 0.6)]
    assert record.verdict == verdict()


def test_an_export_costs_few_queries(version, django_assert_num_queries):
    fresh = ModelVersion.objects.get(pk=version.pk)
    # Project, parent, patches, the run that made it, its evaluations.
    with django_assert_num_queries(5):
        archive_of(fresh)


def test_an_export_stays_the_same_whatever_happens_later(version):
    before = archive_of(version)
    run = TrainingRun.objects.create(project=version.project, parent=version, state=RunState.FAILED)
    Evaluation.objects.create(model_version=version, training_run=run, patch_count=9, miou=0.1)
    LabelClass.objects.filter(project=version.project, value=1).update(name="parcel")
    assert archive_of(ModelVersion.objects.get(pk=version.pk)) == before


def test_an_export_names_no_person_and_no_path(version):
    packed = zipfile.ZipFile(io.BytesIO(archive_of(version)))
    told = "".join(packed.read(name).decode("utf-8", "replace") for name in packed.namelist())
    names = version.project.members.values_list("username", flat=True)
    assert len(names) >= 3
    assert not [name for name in names if name in told]
    assert "/home/somebody" not in told


@pytest.mark.parametrize(
    ("base", "told"),
    [("", "milpa-starter"), ("owner/model-2b", "owner/model-2b"), ("/srv/models/own", "own")],
)
def test_a_base_is_called_by_its_public_name(version, base, told):
    version.base = base
    assert version_record(version).base == told


def test_a_version_without_an_adapter_is_refused(version):
    with pytest.raises(NotReady, match="Version 1 is the base model itself"):
        export_version(version=version.parent)


def test_a_version_whose_files_are_gone_is_refused(version):
    (version.adapter_path / "adapter_model.safetensors").unlink()
    with pytest.raises(NotReady, match="Restore its folder"):
        export_version(version=version)


@pytest.mark.parametrize(("role", "status"), [(Role.ML_STAFF, 200), (Role.LEAD, 403), (Role.ANNOTATOR, 403)])
def test_the_api_gives_it_to_ml_staff_of_the_project(version, role, status):
    client = APIClient()
    client.force_authenticate(make_member(version.project, role))
    response = client.get(f"/api/v1/model-versions/{version.pk}/export/")
    assert response.status_code == status
    if status == 200:
        assert response["Content-Disposition"] == 'attachment; filename="milpa-valley-v2.zip"'
        assert response["Content-Type"] == "application/zip"
        pieces = list(response.streaming_content)
        assert len(pieces) > 3
        assert b"".join(pieces) == archive_of(version)


def test_the_api_tells_strangers_of_nothing(version):
    client = APIClient()
    path = f"/api/v1/model-versions/{version.pk}/export/"
    assert client.get(path).status_code in (401, 403)
    client.force_authenticate(make_member(make_project(name="Elsewhere"), Role.ML_STAFF))
    response = client.get(path)
    assert response.status_code == 404
    assert response.json()["code"] == "not-found"


def test_the_api_says_why_there_is_no_archive(version):
    client = APIClient()
    client.force_authenticate(make_member(version.project, Role.ML_STAFF))
    response = client.get(f"/api/v1/model-versions/{version.parent_id}/export/")
    assert response.status_code == 409
    assert "no adapter to export" in response.json()["detail"]


def admin_answer(client, version, user):
    client.force_login(user)
    return client.get(reverse("admin:annotator_modelversion_export", args=[version.pk]))


def test_the_admin_gives_it_to_ml_staff_of_the_project(version, client):
    staff = make_member(version.project, Role.ML_STAFF, is_staff=True)
    response = admin_answer(client, version, staff)
    assert response.status_code == 200
    assert response.getvalue() == archive_of(version)
    page = client.get(reverse("admin:annotator_modelversion_change", args=[version.pk]))
    assert reverse("admin:annotator_modelversion_export", args=[version.pk]) in page.content.decode()


def test_the_admin_gives_it_to_nobody_else(version, client):
    lead = make_member(version.project, Role.LEAD, is_staff=True)
    assert admin_answer(client, version, lead).status_code == 403
    page = client.get(reverse("admin:annotator_modelversion_change", args=[version.pk])).content.decode()
    assert reverse("admin:annotator_modelversion_export", args=[version.pk]) not in page
    stranger = make_member(make_project(name="Elsewhere"), Role.ML_STAFF, is_staff=True)
    assert admin_answer(client, version, stranger).status_code == 404
    assert admin_answer(client, version, make_user()).status_code == 302


def test_the_admin_says_why_there_is_no_archive(version, client):
    staff = make_member(version.project, Role.ML_STAFF, is_staff=True)
    client.force_login(staff)
    path = reverse("admin:annotator_modelversion_export", args=[version.parent_id])
    assert "no adapter to export" in client.get(path, follow=True).content.decode()


def test_the_command_writes_the_same_file(version, tmp_path, capsys):
    out = tmp_path / "version.zip"
    call_command("export_version", "valley", "2", "--out", str(out))
    assert out.read_bytes() == archive_of(version)
    assert [path.name for path in tmp_path.iterdir() if path.suffix in (".zip", ".partial")] == [
        "version.zip"
    ]
    assert "bytes" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no version 9"):
        call_command("export_version", "valley", "9")
    with pytest.raises(CommandError, match="no adapter to export"):
        call_command("export_version", "valley", "1", "--out", str(out))
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_version", "valley", "2", "--out", str(tmp_path / "none" / "version.zip"))
