"""Files of exports in parts: whoever was cut off goes on, and nobody gets the parts of two files in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from annotator.domain.exports import download_path
from annotator.enums import ExportKind
from annotator.models import Project
from milpa import Client
from tests.exporting import made
from tests.factories import approve, client_of, make_access_token, make_patch, make_project


@pytest.fixture
def project() -> Project:
    project = make_project()
    approve(make_patch(project), project.created_by)
    return project


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("headers", "status", "wanted"),
    [
        ({"Range": "bytes=10-19"}, 206, slice(10, 20)),
        ({"Range": "bytes=100-"}, 206, slice(100, None)),
        ({"Range": "bytes=-7"}, 206, slice(-7, None)),
        ({"Range": "bytes=5-99999999"}, 206, slice(5, None)),
        ({"Range": "bytes=5-", "If-Range": '"of another file"'}, 200, slice(None)),
        ({"Range": "bytes=0-1,5-6"}, 200, slice(None)),
        ({"Range": "bytes=9-3"}, 200, slice(None)),
        ({"Range": "lines=1-2"}, 200, slice(None)),
    ],
)
def test_a_range_is_those_bytes(
    project: Project, headers: dict[str, str], status: int, wanted: slice[Any, Any, Any]
) -> None:
    export = made(project, ExportKind.GEOJSON)
    whole = download_path(export).read_bytes()
    answer = client_of(project.created_by).get(f"/api/v1/exports/{export.pk}/file/", headers=headers)
    body = b"".join(answer.streaming_content)
    assert (answer.status_code, body) == (status, whole[wanted])
    assert int(answer["Content-Length"]) == len(body)
    assert (answer["ETag"], answer["Accept-Ranges"]) == (f'"{export.sha256}"', "bytes")
    if status == 206:
        first = range(len(whole))[wanted][0]
        assert answer["Content-Range"] == f"bytes {first}-{first + len(body) - 1}/{len(whole)}"
        assert export.file_name in answer["Content-Disposition"]


@pytest.mark.django_db
def test_bytes_behind_the_end_are_refused(project: Project) -> None:
    export = made(project, ExportKind.GEOJSON)
    headers = {"Range": f"bytes={export.size_bytes}-"}
    answer = client_of(project.created_by).get(f"/api/v1/exports/{export.pk}/file/", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (416, "range-not-there")
    assert answer.json()["size_bytes"] == export.size_bytes


@pytest.mark.django_db(transaction=True)
def test_the_client_goes_on_with_what_it_has(
    project: Project, live_server: LiveServer, tmp_path: Path
) -> None:
    export = made(project, ExportKind.GEOJSON)
    whole = download_path(export).read_bytes()
    (tmp_path / f"x.zip.{export.sha256[:12]}.part").write_bytes(whole[:1000])
    token = make_access_token(project.created_by)
    told: list[int] = []
    with Client(live_server.url, token) as milpa:
        (row,) = milpa.exports(project.slug)
        path = milpa.download(row, tmp_path / "x.zip", on_progress=lambda one: told.append(one.done))
    assert path.read_bytes() == whole
    assert told[0] > 1000
