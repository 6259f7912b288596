"""What is too long is refused before it is received, and files are taken of nobody unknown."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client, RequestFactory
from django.test.client import BOUNDARY, MULTIPART_CONTENT, FakePayload, encode_multipart

from annotator.models import Project
from tests.factories import client_of, make_project

pytestmark = pytest.mark.django_db
MIB = 2**20


class _Unread(FakePayload):
    """Bytes that are never to be asked for."""

    def read(self, *sizes: int) -> bytes:
        raise AssertionError("the request was received")


@pytest.fixture
def project() -> Project:
    return make_project()


def send(client: Client, address: str, length: int, kind: str = MULTIPART_CONTENT, **headers: str):  # type: ignore[no-untyped-def]
    """A request that announces so many bytes, of which none may be read."""
    environ = {"CONTENT_LENGTH": str(length), "wsgi.input": _Unread(b""), "CONTENT_TYPE": kind, **headers}
    return client.generic("POST", address, b"", **environ)


@pytest.mark.parametrize(
    "address",
    [
        "/login/",
        "/api/v1/token/",
        "/projects/{slug}/imports/",
        "/api/v1/projects/{slug}/scenes/",
        "/nowhere/",
    ],
)
def test_a_long_request_of_somebody_unknown_is_never_received(project: Project, address: str) -> None:
    answer = send(Client(), address.format(slug=project.slug), 5 * MIB)
    assert answer.status_code == 413
    words = answer.json()["detail"] if address.startswith("/api/") else answer.content.decode()
    assert "5.0 MiB; at most 4.0 MiB" in words


@pytest.mark.parametrize("address", ["/projects/{slug}/imports/", "/api/v1/projects/{slug}/imports/"])
def test_a_file_beyond_the_limit_is_never_received(project: Project, settings, address: str) -> None:  # type: ignore[no-untyped-def]
    settings.LABEL_UPLOAD_MAX_BYTES = 9 * MIB
    answer = send(client_of(project.created_by), address.format(slug=project.slug), 11 * MIB)
    assert answer.status_code == 413
    assert b"at most 10.0 MiB" in answer.content


def test_only_forms_with_files_and_only_where_they_belong_may_be_long(project: Project) -> None:
    lead = client_of(project.created_by)
    for address, kind in (
        (f"/api/v1/projects/{project.slug}/scenes/", "application/json"),
        (f"/api/v1/projects/{project.slug}/exports/", MULTIPART_CONTENT),
        (f"/projects/{project.slug}/members/", MULTIPART_CONTENT),
    ):
        assert send(lead, address, 5 * MIB, kind).status_code == 413, address


def test_a_wrong_token_is_refused_before_the_file_is_received(project: Project) -> None:
    answer = send(
        Client(), f"/api/v1/projects/{project.slug}/scenes/", 5 * MIB, HTTP_AUTHORIZATION="Token wrong"
    )
    assert answer.status_code in {401, 403}


def test_a_file_of_a_lead_is_received_on_the_disk_of_scenes(
    project: Project, settings, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
    answer = client_of(project.created_by).post(
        f"/projects/{project.slug}/imports/", {"file": io_named(5 * MIB)}
    )
    assert answer.status_code == 422
    assert b"no TIFF" in answer.content
    assert settings.FILE_UPLOAD_TEMP_DIR.is_dir()
    request: WSGIRequest = RequestFactory().generic(
        "POST", "/", encode_multipart(BOUNDARY, {"file": io_named(5 * MIB)}), MULTIPART_CONTENT
    )
    upload = request.FILES["file"]
    assert isinstance(upload, TemporaryUploadedFile)
    assert Path(upload.temporary_file_path()).parent == settings.FILE_UPLOAD_TEMP_DIR
    upload.close()


def io_named(size: int) -> io.BytesIO:
    file = io.BytesIO(bytes(size))
    file.name = "a.tif"
    return file
