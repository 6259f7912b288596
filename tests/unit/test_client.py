"""The client against servers that fail in every way that a line, a proxy or a server can."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from milpa import Client, DownloadBroken, Export, MilpaError, NotConfigured, Problem, Unreachable
from milpa.cli import main
from tests.celery_workers import ROOT

CUT = "cut"
PATCH = {
    "id": 1,
    "quadkey": "0",
    "z": 1,
    "x": 0,
    "y": 0,
    "state": "approved",
    "is_audit": False,
    "bounds": [],
}
FILE = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(FILE).hexdigest()
EXPORT = Export.of(
    {
        "id": 3, "state": "succeeded", "message": "", "kind": "coco", "parameters": {}, "file_name": "x.zip",
        "file_url": "/api/v1/exports/3/file/", "size_bytes": len(FILE), "sha256": SHA256, "fingerprint": "",
    }
)  # fmt: skip


@dataclass
class Answer:
    """``cut_after`` bytes of the body the line breaks, although all of it was promised."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None


@dataclass
class Asked:
    line: str
    headers: dict[str, str]


@contextmanager
def server(*script: Answer | str) -> Iterator[tuple[str, list[Asked]]]:
    """Gives one answer after the other, cuts the line for `CUT`, and keeps what it was asked."""
    asked: list[Asked] = []
    answers = iter(script)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(Asked(f"{self.command} {self.path}", dict(self.headers)))
            self.close_connection = True
            given = next(answers)
            if isinstance(given, str):
                return
            body = given.body if isinstance(given.body, bytes) else json.dumps(given.body).encode()
            self.send_response(given.status)
            for name, value in {"Content-Length": str(len(body)), **given.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body if given.cut_after is None else body[: given.cut_after])

        do_GET = do_POST = answer  # noqa: N815  # as the library calls them

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}", asked
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def client(url: str) -> Client:
    return Client(url, "abc", pause_s=0.001)


def page(*rows: Any, after: str | None = None) -> Answer:
    return Answer(body={"results": rows, "next": after, "previous": None})


@pytest.mark.parametrize(
    "passing", [CUT, Answer(503), Answer(502), Answer(429, headers={"Retry-After": "0"})]
)
def test_what_passes_is_waited_for(passing: Answer | str) -> None:
    with server(passing, passing, page(PATCH)) as (url, asked), client(url) as milpa:
        assert [patch.id for patch in milpa.patches("valley", bbox=(1, 2, 3, 4.5))] == [1]
    assert [one.line for one in asked] == ["GET /api/v1/projects/valley/patches/?bbox=1%2C2%2C3%2C4.5"] * 3
    assert asked[0].headers["Authorization"] == "Token abc"


def test_what_does_not_pass_is_told_after_four_attempts() -> None:
    with (
        server(*[CUT] * 4) as (url, asked),
        client(url) as milpa,
        pytest.raises(Unreachable, match="MILPA_URL"),
    ):
        milpa.project("valley")
    assert len(asked) == 4
    with client(url) as milpa, pytest.raises(Unreachable, match=r"does not answer \(ConnectError"):
        milpa.propose("valley")


def test_what_makes_something_is_asked_for_again_with_its_key() -> None:
    busy = Answer(409, {"code": "still-answering", "detail": "Wait."})
    job = {"id": 7, "state": "queued", "message": "", "done": 0, "total": 9, "scene": 1, "model_version": 1}
    with server(CUT, busy, Answer(503), Answer(202, job)) as (url, asked), client(url) as milpa:
        assert milpa.propose("valley").id == 7
    assert len({one.headers["Idempotency-Key"] for one in asked}) == 1
    unknown = pytest.raises(Unreachable, match=r"is not known.* with the key [0-9a-f]{32} does it once")
    with server(*[CUT] * 4) as (url, again), client(url) as milpa, unknown:
        milpa.propose("valley")
    assert asked[0].headers["Idempotency-Key"] != again[0].headers["Idempotency-Key"]
    refusal = Answer(409, {"code": "already-active", "detail": "Wait."})
    with server(refusal) as (url, asked), client(url) as milpa, pytest.raises(Problem, match="Wait"):
        milpa.propose("valley")
    assert len(asked) == 1


def test_a_key_that_is_named_goes_with_every_copy() -> None:
    run = {
        "id": 5,
        "state": "queued",
        "message": "",
        "config": {},
        "parent": 1,
        "candidate": None,
        "verdict": None,
    }
    with server(CUT, Answer(504), Answer(202, run)) as (url, asked), client(url) as milpa:
        assert milpa.train("valley", key="monday").id == 5
    assert [one.headers["Idempotency-Key"] for one in asked] == ["monday"] * 3


def test_pages_are_asked_for_as_they_are_needed_and_of_the_same_server_only() -> None:
    elsewhere = "https://elsewhere.example/api/v1/projects/valley/patches/?cursor=abc&state=approved"
    with server(page(PATCH, after=elsewhere), page({**PATCH, "id": 2})) as (url, asked), client(url) as milpa:
        patches = milpa.patches("valley", state="approved")
        assert (next(patches).id, len(asked)) == (1, 1)
        assert [patch.id for patch in patches] == [2]
    assert asked[1].line == "GET /api/v1/projects/valley/patches/?cursor=abc&state=approved"


def test_a_refusal_is_the_servers_own_sentence() -> None:
    document = {
        "status": 400, "code": "invalid", "title": "Wrong", "detail": "Some fields need another value.",
        "errors": {"legend": [{}, {"name": ["Give it a name."]}]},
    }  # fmt: skip
    with server(Answer(400, document)) as (url, _), client(url) as milpa, pytest.raises(Problem) as refused:
        milpa.create_project("Valley", [])
    assert str(refused.value) == "Some fields need another value. legend.1.name: Give it a name."
    assert (refused.value.status, refused.value.code) == (400, "invalid")
    assert refused.value.facts == {"errors": document["errors"]}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(500, b"<h1>Oh</h1>"), "The server answered 500 Internal Server Error: try again later."),
        (Answer(200, b"<h1>Hello</h1>"), "does not answer as Milpa does: see that MILPA_URL"),
        (Answer(301, headers={"Location": "https://milpa.example/"}), "set MILPA_URL to the address where it stays"),
        (Answer(200, {"slug": "valley"}), "has no name, patch_zoom, legend"),
    ],
)  # fmt: skip
def test_what_is_not_milpa_is_told(answer: Answer, sentence: str) -> None:
    with server(answer) as (url, _), client(url) as milpa, pytest.raises(MilpaError, match=sentence):
        milpa.project("valley")


def test_a_download_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    half, more = len(FILE) // 2, 1000
    rest = Answer(206, FILE[half:], {"Content-Range": f"bytes {half}-{len(FILE) - 1}/{len(FILE)}"}, more)
    last = Answer(
        206, FILE[half + more :], {"Content-Range": f"bytes {half + more}-{len(FILE) - 1}/{len(FILE)}"}
    )
    script = (Answer(200, FILE, cut_after=half), CUT, rest, Answer(502), last)
    told: list[int] = []
    with server(*script) as (url, asked), client(url) as milpa:
        path = milpa.download(EXPORT, tmp_path / "x.zip", on_progress=lambda one: told.append(one.done))
    assert path.read_bytes() == FILE
    assert [one.headers.get("Range") for one in asked] == [
        None, f"bytes={half}-", f"bytes={half}-", f"bytes={half + more}-", f"bytes={half + more}-",
    ]  # fmt: skip
    assert {one.headers.get("If-Range") for one in asked[1:]} == {f'"{SHA256}"'}
    assert told == sorted(told)
    assert told[-1] == len(FILE)
    assert list(tmp_path.iterdir()) == [path]


def test_a_download_goes_on_in_the_next_call(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with server(Answer(200, FILE, cut_after=5000), *[CUT] * 5) as (url, _), client(url) as milpa:
        with pytest.raises(Unreachable, match=f"stopped at 5000 of {len(FILE)} bytes"):
            milpa.download(EXPORT, path)
        assert not path.exists()
    rest = Answer(206, FILE[5000:], {"Content-Range": f"bytes 5000-{len(FILE) - 1}/{len(FILE)}"})
    with server(rest) as (url, asked), client(url) as milpa:
        assert milpa.download(EXPORT, path).read_bytes() == FILE
    assert asked[0].headers["Range"] == "bytes=5000-"


def test_a_file_that_is_another_one_is_not_kept(tmp_path: Path) -> None:
    other = FILE[:-1] + b"!"
    broken = pytest.raises(DownloadBroken, match="start the download again")
    with server(Answer(200, other)) as (url, _), client(url) as milpa, broken:
        milpa.download(EXPORT, tmp_path / "x.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "token", "sentence"),
    [
        ("", "abc", "Set MILPA_URL to the address of the server, as in https://milpa.example."),
        ("http://localhost:1", "", "Set MILPA_TOKEN to a token of yours"),
        ("milpa.example", "abc", "is no address of a server"),
        ("http://localhost:1", "schlüssel", "has characters that none can have"),
    ],
)  # fmt: skip
def test_the_command_says_what_is_missing(
    url: str, token: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILPA_URL", url)
    monkeypatch.setenv("MILPA_TOKEN", token)
    assert main(["projects"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("milpa: ")
    assert sentence in told
    assert told.count("\n") == 1
    with pytest.raises(NotConfigured):
        Client()


def test_it_needs_nothing_of_the_server() -> None:
    code = "import sys, milpa.cli; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "client", capture_output=True, text=True, check=True
    )
    for name in ("annotator", "django", "mlservice", "numpy", "rasterio", "rest_framework", "torch"):
        assert f"'{name}'" not in done.stdout
