"""One ZIP with the same bytes for the same members: no times, no owners, the order as given."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from annotator.exports.contents import Member

CHUNK_BYTES = 2**20
READABLE = 0o100644 << 16
# Other files are compressed already.
TEXTS = (".json", ".jsonl", ".geojson", ".csv", ".xml", ".txt")


def write_archive(path: Path, members: Iterable[Member], *, on_bytes: Callable[[int], None]) -> str:
    """Writes the ZIP and returns its SHA-256; ``on_bytes`` gets how many bytes have been written, now and then."""
    with zipfile.ZipFile(path, "w") as archive:
        for member in members:
            with archive.open(_entry(member.name), "w", force_zip64=True) as to:
                for chunk in _chunks(member):
                    to.write(chunk)
                    on_bytes(archive.fp.tell())  # type: ignore[union-attr]
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove(path: Path) -> None:
    """Removes a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3  # Unix, wherever it is made
    info.external_attr = READABLE
    info.compress_type = zipfile.ZIP_DEFLATED if name.endswith(TEXTS) else zipfile.ZIP_STORED
    return info


def _chunks(member: Member) -> Iterator[bytes]:
    if not isinstance(member.source, Path):
        yield from member.source
        return
    with member.source.open("rb") as file:
        yield from _pieces(file)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
