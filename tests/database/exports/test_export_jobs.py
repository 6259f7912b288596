"""Exports as rows: what is refused, what goes on, what is left of them, and the command."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_patch
from annotator.domain.export_contents import contents_of
from annotator.domain.exports import (
    cancel_export,
    download_path,
    make_export,
    remove_old_exports,
    request_export,
)
from annotator.domain.recovery import resend_lost_jobs
from annotator.domain.reviews import reopen_patch, review_patch
from annotator.domain.scenes import change_display
from annotator.enums import ExportKind, JobState, Verdict
from annotator.errors import BadExport, FileGone, IllegalTransition, MilpaError, NothingToExport, NotReady
from annotator.exports.forms import FORMS
from annotator.imagery.grid import QUAD
from annotator.models import Event, Export
from tests.exporting import made, unpacked
from tests.factories import make_patch, make_proposal, make_scene, mask_of

with warnings.catch_warnings():
    # pystac finds the extension too little kept up; it is what readers of labels look for.
    warnings.simplefilter("ignore", DeprecationWarning)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", [kind for kind in ExportKind if kind != ExportKind.INSTRUCTION])
def test_the_same_masks_make_the_same_bytes(project, masks, kind) -> None:
    parameters = {"images": False} if "images" in FORMS[kind].options else {}
    first = made(project, kind, **parameters)
    content = download_path(first).read_bytes()
    assert made(project, kind, **parameters).pk == first.pk, "what is there is not made again"
    Export.objects.all().delete()
    again = made(project, kind, **parameters)
    assert download_path(again).read_bytes() == content
    assert (again.sha256, again.fingerprint) == (first.sha256, first.fingerprint)
    patch = project.patches.get(quadkey=next(iter(masks)))
    reopen_patch(patch=patch, user=project.created_by, comment="look again")
    assert made(project, kind, **parameters).fingerprint != first.fingerprint


@pytest.mark.parametrize("kind", [ExportKind.STAC, ExportKind.GEOJSON])
def test_names_are_those_of_when_it_was_asked_for(project, tmp_path, kind) -> None:
    """A scene or a person that is renamed meanwhile makes another export, not other bytes of the same."""
    lead, scene = project.created_by, make_scene(project)
    patch = make_patch(project)
    proposal = make_proposal(patch, scene=scene)
    claim_patch(patch=patch, user=lead)
    revision = save_mask(
        patch=patch, user=lead, mask=mask_of(), base_number=0, submit=True, proposal=proposal
    )
    review_patch(patch=patch, user=lead, verdict=Verdict.APPROVE, revision_number=revision.number)
    called = lead.username
    first = made(project, kind, names=True)
    content = download_path(first).read_bytes()
    Export.objects.all().delete()
    asked = request_export(project=project, user=lead, kind=kind, parameters={"names": True})
    assert asked.fingerprint == first.fingerprint
    if kind == ExportKind.STAC:
        change_display(scene=scene, user=lead, name="November")
    else:
        User.objects.filter(pk=lead.pk).update(username="renamed")
    make_export(asked.pk)
    asked.refresh_from_db()
    if kind == ExportKind.STAC:
        assert download_path(asked).read_bytes() == content
    else:
        # Parcels are settled once more when they are read, and so are the names.
        assert asked.fingerprint != first.fingerprint
    again = made(project, kind, names=True)
    assert again.fingerprint != first.fingerprint
    told = json.loads((unpacked(again, tmp_path) / "patches.jsonl").read_text())
    wanted = ("November", called) if kind == ExportKind.STAC else ("October", "renamed")
    assert (told["scene"], told["author"]) == wanted


def test_a_lost_export_goes_on_after_the_parts_that_were_made(project, masks) -> None:
    export = request_export(project=project, user=project.created_by, kind=ExportKind.GEOTIFF)
    make_export(export.pk)
    whole = download_path(Export.objects.get(pk=export.pk)).read_bytes()
    # As a worker leaves it that was killed in the middle of the second strip.
    export = Export.objects.get(pk=export.pk)
    Export.objects.filter(pk=export.pk).update(
        state=JobState.RUNNING, sha256="", size_bytes=0, heartbeat_at=timezone.now()
    )
    export.file_path.unlink()
    parts = list(FORMS[ExportKind.GEOTIFF].parts(contents_of(export)))
    export.work_path.mkdir()
    parts[0].write(export.work_path / parts[0].name)
    before = (export.work_path / parts[0].name).stat().st_ino
    (export.work_path / f"{parts[1].name}.partial").write_bytes(b"torn")
    make_export(export.pk)
    assert not export.file_path.exists(), "an export with a living worker is left alone"
    Export.objects.filter(pk=export.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert resend_lost_jobs() == 1
    kept = export.work_path.with_name("kept.tif")
    kept.hardlink_to(export.work_path / parts[0].name)
    make_export(export.pk)
    assert kept.stat().st_ino == before
    assert download_path(Export.objects.get(pk=export.pk)).read_bytes() == whole
    assert not export.work_path.exists()
    assert Event.objects.filter(subject="export", verb="succeeded").count() == 2


def test_a_cancelled_export_leaves_nothing(project, masks) -> None:
    export = request_export(project=project, user=project.created_by, kind=ExportKind.GEOTIFF)
    cancel_export(export=export, user=project.created_by)
    make_export(export.pk)
    export.refresh_from_db()
    assert (export.state, export.work_path.exists()) == (JobState.CANCELLED, False)
    with pytest.raises(IllegalTransition):
        cancel_export(export=export, user=project.created_by)
    with pytest.raises(FileGone):
        download_path(export)


def test_old_files_are_removed_and_can_be_made_again(project, masks, settings) -> None:
    export = made(project, ExportKind.CHIPS, images=False)
    assert remove_old_exports() == 0
    Export.objects.update(ended_at=timezone.now() - timedelta(days=settings.EXPORT_KEEP_DAYS + 1))
    assert remove_old_exports() == 1
    assert not export.file_path.exists()
    with pytest.raises(FileGone, match="same file"):
        download_path(Export.objects.get(pk=export.pk))
    again = made(project, ExportKind.CHIPS, images=False)
    assert again.pk != export.pk
    assert again.sha256 == export.sha256


def test_an_export_whose_file_was_lost_is_made_again_at_once(project, masks) -> None:
    export = made(project, ExportKind.CHIPS, images=False)
    export.file_path.unlink()
    with pytest.raises(FileGone, match="Export again"):
        download_path(export)
    again = made(project, ExportKind.CHIPS, images=False)
    assert (again.pk != export.pk, again.sha256) == (True, export.sha256)
    assert download_path(again).is_file()
    export.refresh_from_db()
    assert not export.has_file
    assert Event.objects.filter(subject="export", subject_id=export.pk, verb="file lost").exists()
    assert made(project, ExportKind.CHIPS, images=False).pk == again.pk


@pytest.mark.parametrize(
    ("kind", "parameters", "error", "words"),
    [
        ("geotiff", {"grid": 99}, BadExport, "no ready scene 99"),
        ("geotiff", {"grid": "utm"}, BadExport, "the id of a scene"),
        ("geotiff", {"colour": 1}, BadExport, "no parameter “colour”"),
        ("coco", {"segmentation": "mesh"}, BadExport, "rle, polygons"),
        ("chips", {"images": "yes"}, BadExport, "true or false"),
        ("chips", {"images": True}, NotReady, "Images need a scene"),
        ("instruction", {}, NotReady, "Images need a scene"),
        ("stac", {"bbox": [5, 1, 4, 2]}, BadExport, "west less than east"),
        ("stac", {"bbox": [5, 1, 6, 2]}, NothingToExport, "No approved patch"),
        ("stac", {"bbox": [5, 1, 6, "nan"]}, BadExport, "bbox"),
        ("stac", {"bbox": [5, 1, 6, float("nan")]}, BadExport, "bbox"),
        ("stac", {"bbox": [5, 1, 10**400, 2]}, BadExport, "bbox"),
    ],
)
def test_an_export_that_cannot_be_made_says_why(project, masks, kind, parameters, error, words) -> None:
    with pytest.raises(error, match=words):
        request_export(project=project, user=project.created_by, kind=ExportKind(kind), parameters=parameters)
    assert not Export.objects.exists()


def test_a_box_takes_the_patches_in_it(project, masks) -> None:
    first = next(iter(masks))
    west, south, east, north = QUAD.bounds(QUAD.quadkey_to_tile(first))
    inside = [west + 1e-5, south + 1e-5, east - 1e-5, north - 1e-5]
    assert made(project, ExportKind.STAC, bbox=inside).total == 1


def test_a_full_disk_is_told_and_leaves_nothing(project, masks, settings) -> None:
    settings.EXPORTS_MAX_BYTES = 1000
    export = request_export(project=project, user=project.created_by, kind=ExportKind.GEOTIFF)
    make_export(export.pk)
    export.refresh_from_db()
    assert export.state == JobState.FAILED
    assert "no room" in export.message
    assert not export.work_path.exists()
    settings.EXPORTS_MAX_BYTES = -1
    with pytest.raises(MilpaError, match="EXPORTS_MAX_BYTES"):
        request_export(project=project, user=project.created_by, kind=ExportKind.STAC)


def test_the_command_writes_the_file_that_the_api_gives(project, masks, tmp_path, capsys, client) -> None:
    out = tmp_path / "out.zip"
    call_command("export", project.slug, "coco", "--out", str(out), "--set", "images=false")
    export = Export.objects.get()
    assert export.sha256 in capsys.readouterr().out
    client.force_login(project.created_by)
    answer = client.get(f"/api/v1/exports/{export.pk}/file/")
    assert b"".join(answer.streaming_content) == out.read_bytes()
    assert answer["ETag"] == f'"{export.sha256}"'
    assert export.file_name in answer["Content-Disposition"]
    assert zipfile.is_zipfile(io.BytesIO(out.read_bytes()))
    with pytest.raises(CommandError, match="no project"):
        call_command("export", "nowhere", "coco")
    with pytest.raises(CommandError, match="NAME=VALUE"):
        call_command("export", project.slug, "coco", "--set", "images")
    with pytest.raises(CommandError, match="true or false"):
        call_command("export", project.slug, "coco", "--set", "images=no")
