"""The service worker is served with all files that the editor needs, and changes when one of them does."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from annotator.web import offline
from tests.factories import make_member, make_project

pytestmark = pytest.mark.django_db


def test_the_script_names_files_that_exist(client: Client) -> None:
    answer = client.get("/service-worker.js")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/javascript")
    assert answer["Cache-Control"] == "no-cache"
    text = answer.content.decode()
    files = json.loads(re.findall(r"MILPA_FILES = (\[.*\]);", text)[0])
    assert {"/static/milpa/main.js", "/static/vendor/pbf/index.js", "/static/milpa/vision/worker.js"} <= set(
        files
    )
    assert "/languages/en.js" in files
    names = [unquote(url.removeprefix("/static/")) for url in files if url.startswith("/static/")]
    assert [name for name in names if not finders.find(name)] == []
    assert all(client.get(url).status_code == 200 for url in files if url.startswith("/languages/"))


def test_every_module_that_the_editor_imports_is_among_them(client: Client) -> None:
    text = client.get("/service-worker.js").content.decode()
    frontend = Path(offline._SOURCE).parent
    waiting, seen = [frontend / "main.js"], set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        found = re.findall(r"""from "(\.[^"]+)"|new URL\("(\.[^"]+)\"""", module.read_text())
        waiting += [(module.parent / (one or other)).resolve() for one, other in found]
    assert len(seen) > 50
    assert [
        one for one in seen if f'"/static/milpa/{one.relative_to(frontend).as_posix()}"' not in text
    ] == []


def test_the_page_says_which_version_of_the_files_it_goes_with(client: Client) -> None:
    project = make_project()
    client.force_login(make_member(project))
    page = client.get(f"/projects/{project.slug}/annotate/")
    assert page["Milpa-Version"] == offline.version()
    assert f'MILPA_VERSION = "{page["Milpa-Version"]}"' in client.get("/service-worker.js").content.decode()


def test_the_version_follows_the_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    front = tmp_path / "frontend"
    front.mkdir()
    script = front / "service_worker.js"
    script.write_text("// served")
    (front / "main.js").write_text("one")
    monkeypatch.setattr(offline, "_SOURCE", script)
    first = offline.version()
    assert offline.version() == first
    (front / "main.js").write_text("two")
    os.utime(front / "main.js", ns=(1, 1))
    assert offline.version() != first
