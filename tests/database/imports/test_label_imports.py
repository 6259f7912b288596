"""Labels come in from files by page, API and command; nothing is overwritten, and nothing comes twice."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.utils import timezone

from annotator.domain.exports import download_path
from annotator.domain.label_imports import (
    Mapped,
    import_labels,
    remove_forgotten_imports,
    start_import,
)
from annotator.enums import ExportKind, ImportState, PatchState
from annotator.models import Annotation, LabelImport, Patch
from tests.exporting import made
from tests.factories import approve, halves, make_patch, mask_of, submit
from tests.importing import FIELD, brought, imported, masks_in

pytestmark = pytest.mark.django_db


def test_values_are_told_to_classes_and_what_is_left_out_is_reported(project, squares) -> None:
    row = brought(project, squares)
    assert row.preview["attributes"]["crop"] == {"café": 1, "maize": 2}
    assert row.preview["repaired"] == 1
    assert sum(row.preview["dropped"].values()) == 3
    mapped = Mapped(attribute="crop", classes={"café": 1}, outline_px=4, approve=True)
    start_import(label_import=row, user=project.created_by, mapped=mapped)
    import_labels(row.pk)
    row.refresh_from_db()
    assert row.report["imported"] == 1
    assert row.report["values_left_out"] == {"maize": 2}
    (mask,) = masks_in(project).values()
    assert (mask[100, 200], mask[100, 60], mask[100, 128]) == (1, 255, 2)
    revision = Annotation.objects.get().current
    assert revision.is_import
    assert revision.author == project.created_by
    assert revision.annotation.patch.state == PatchState.APPROVED
    assert row.report["pixels"] == {str(v): int((mask == v).sum()) for v in np.unique(mask)}


def test_nothing_that_somebody_drew_is_overwritten_and_nothing_comes_twice(project, squares) -> None:
    patch = Patch.objects.get()
    submit(patch, project.created_by, mask_of(2))
    row = imported(project, squares, Mapped("", FIELD))
    assert (row.report["imported"], row.report["patches_with_work"]) == (0, 1)
    assert np.array_equal(masks_in(project)[patch.quadkey], mask_of(2))
    other = make_patch(project, 1001)
    row = imported(project, squares, Mapped("", FIELD, outside=0))
    assert row.report["patches_without_labels"] <= 1
    other.refresh_from_db()
    assert Annotation.objects.filter(patch=patch).get().revisions.count() == 1


def test_the_command_tells_what_is_in_a_file_and_imports_it(project, squares, capsys) -> None:
    call_command("import_labels", project.slug, str(squares), "--look")
    assert json.loads(capsys.readouterr().out)["attributes"]["crop"] == {"café": 1, "maize": 2}
    assert not LabelImport.objects.exists()
    call_command("import_labels", project.slug, str(squares), "--attribute", "crop", "--class", "maize=1")
    assert json.loads(capsys.readouterr().out)["imported"] == 1
    with pytest.raises(CommandError, match="VALUE=CLASS"):
        call_command("import_labels", project.slug, str(squares), "--class", "maize")


def test_a_lead_imports_through_the_api(project, squares, client) -> None:
    client.force_login(project.created_by)
    with squares.open("rb") as file:
        answer = client.post(f"/api/v1/projects/{project.slug}/imports/", {"file": file})
    assert answer.status_code == 201, answer.content
    told = answer.json()
    url = f"/api/v1/imports/{told['id']}"
    mapping = {"attribute": "crop", "classes": {"maize": 1}}
    started = client.post(f"{url}/start/", mapping, content_type="application/json")
    assert (started.status_code, started.json()["state"]) == (202, "queued")
    again = client.post(f"{url}/start/", mapping, content_type="application/json")
    assert again.status_code == 409
    import_labels(told["id"])
    assert client.get(f"{url}/").json()["report"]["imported"] == 1


def test_a_lead_tells_values_to_classes_on_a_page(project, squares, client) -> None:
    client.force_login(project.created_by)
    with squares.open("rb") as file:
        sent = client.post(f"/projects/{project.slug}/imports/", {"file": file})
    page = client.get(sent["Location"], {"attribute": "crop"}).content.decode()
    assert "café" in page
    assert "Left out" in page
    choice = {"value_0": 1, "value_1": 255, "outside": 0, "outline_px": 0}
    wrong = client.post(f"{sent['Location']}?attribute=crop", {**choice, "outline_px": 99})
    assert wrong.status_code == 422
    begun = client.post(f"{sent['Location']}?attribute=crop", choice)
    assert begun.status_code == 302
    row = LabelImport.objects.get()
    assert (row.state, row.mapping["classes"]) == (ImportState.QUEUED, {"café": 1, "maize": 255})
    import_labels(row.pk)
    report = client.get(sent["Location"]).content.decode()
    assert "Patches imported" in report
    refused = client.post(f"/projects/{project.slug}/imports/", {"file": SimpleUploadedFile("a.docx", b"x")})
    assert refused.status_code == 422
    assert "are not read" in refused.content.decode()


def test_the_page_knows_the_classes_of_chips_by_their_names(project, client, tmp_path) -> None:
    approve(make_patch(project, 1000), project.created_by, halves(100))
    export = made(project, ExportKind.CHIPS, images=False)
    client.force_login(project.created_by)
    with download_path(export).open("rb") as file:
        sent = client.post(f"/projects/{project.slug}/imports/", {"file": file})
    form = client.get(sent["Location"]).context["form"]
    assert form.attribute == "class"
    told = {line["field"].label: line["field"].value() for line in form.rows}
    names = {"other": 0, "field": 1, "boundary": 2}
    assert told == {name: names[name] for name in told}
    assert len(told) == 2


def test_an_import_that_nobody_begins_is_removed_in_time(project, squares, settings) -> None:
    row = brought(project, squares)
    assert remove_forgotten_imports() == 0
    LabelImport.objects.update(requested_at=timezone.now() - timedelta(days=settings.EXPORT_KEEP_DAYS + 1))
    assert remove_forgotten_imports() == 1
    row.refresh_from_db()
    assert (row.state, row.file_path.exists()) == (ImportState.CANCELLED, False)


def test_an_import_that_lost_its_worker_goes_on_and_imports_a_patch_once(project, squares) -> None:
    row = start_import(
        label_import=brought(project, squares), user=project.created_by, mapped=Mapped("", FIELD)
    )
    kept = row.file_path.read_bytes()
    import_labels(row.pk)
    # As a worker leaves it that was killed before the end.
    row.file_path.write_bytes(kept)
    LabelImport.objects.update(state=ImportState.RUNNING, heartbeat_at=None, report={})
    make_patch(project, 1003)
    import_labels(row.pk)
    row.refresh_from_db()
    assert (row.state, row.report["imported"]) == (ImportState.SUCCEEDED, 1)
    assert Annotation.objects.get(patch__x=94600).revisions.count() == 1
