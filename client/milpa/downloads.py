"""Files of exports: in parts that survive a cut line, and checked against what the server tells of them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import httpx2

from milpa.documents import Export
from milpa.errors import DownloadBroken, MilpaError, Problem, Unreachable
from milpa.transport import PASSING, Transport
from milpa.waiting import OnProgress, Progress

_CUT_ATTEMPTS = 5


def download(transport: Transport, export: Export, path: Path, on_progress: OnProgress | None) -> Path:
    """Writes the export's file to ``path``, or goes on with what came of it before, and checks length and SHA-256.

    What has come is kept beside ``path`` under a name with the hash, so that the next call goes on from there. Raises
    DownloadBroken, Unreachable, Problem, MilpaError for an export without a file.
    """
    if export.file_url is None:
        raise MilpaError(
            f"Export {export.id} has no file (it is {export.state}): wait for it, or export again once its file "
            "was removed."
        )
    part = path.with_name(f"{path.name}.{export.sha256[:12]}.part")
    idle = 0
    while (have := _size(part)) < export.size_bytes:
        try:
            _fetch(transport, export, part, have, on_progress)
        except (httpx2.TransportError, Problem) as error:
            if isinstance(error, Problem) and error.status not in PASSING:
                raise
            idle = 0 if _size(part) > have else idle + 1
            if idle == _CUT_ATTEMPTS:
                raise Unreachable(
                    f"The download stopped at {_size(part)} of {export.size_bytes} bytes ({error}). Start it again: "
                    "it goes on from there."
                ) from error
            transport.pause(idle + 1)
    _check(export, part)
    os.replace(part, path)
    return path


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _fetch(
    transport: Transport, export: Export, part: Path, have: int, on_progress: OnProgress | None
) -> None:
    assert export.file_url is not None, "checked before"
    headers = {"Range": f"bytes={have}-", "If-Range": f'"{export.sha256}"'} if have else {}
    with transport.stream(export.file_url, headers) as answer:
        is_rest = answer.status_code == 206
        if is_rest and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise DownloadBroken("The server sent another part of the file than was asked for: try again.")
        with part.open("ab" if is_rest else "wb") as file:
            for piece in answer.iter_raw():
                file.write(piece)
                if on_progress is not None:
                    on_progress(Progress(file.tell(), export.size_bytes, "downloading"))
    if _size(part) <= have:
        raise DownloadBroken("The server sent nothing more of the file: try again.")


def _check(export: Export, part: Path) -> None:
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != export.sha256 or _size(part) != export.size_bytes:
        told = f"{_size(part)} bytes and SHA-256 {found}"
        part.unlink()
        raise DownloadBroken(
            f"What came has {told}, where the server tells of {export.size_bytes} bytes and {export.sha256}. It was "
            "removed; start the download again."
        )
