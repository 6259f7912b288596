"""ZIP archives of strangers: bounded before they are read, and nothing of them unpacked under its own name."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from annotator.errors import BadLabels

MAX_ENTRIES = 300_000
MAX_DIRECTORY_BYTES = 32 * 2**20
MAX_UNPACKED_BYTES = 2 * 2**30
# The others unpack a few kB of input at once into any amount of memory.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BAD_NAMES = ("..", "")


class _Guarded(io.FileIO):
    """A file of which no more is read at once than a list of ``MAX_ENTRIES`` files takes.

    `zipfile` reads the list of an archive's files in one piece, as long as the archive says that it is.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = _left(self)
        if size > MAX_DIRECTORY_BYTES:
            raise _too_many()
        return super().read(size) or b""


def _left(file: io.FileIO) -> int:
    here = file.tell()
    end = file.seek(0, io.SEEK_END)
    file.seek(here)
    return end - here


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, its list of files checked. Raises BadLabels for what is damaged, locked or far too long, also
    where that shows only while it is read."""
    try:
        with _Guarded(path) as file, zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise _too_many()
            for entry in entries:
                parts = entry.filename.removesuffix("/").split("/")
                if "\\" in entry.filename or any(part in _BAD_NAMES for part in parts):
                    raise BadLabels(
                        "The ZIP has names that lead out of it. Pack its folder again, as a plain ZIP."
                    )
            yield archive
    # zipfile says RuntimeError of a password, NotImplementedError of a compression that it does not know.
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error, EOFError) as error:
        raise _unusual() from error


def check_unpacked(entries: list[zipfile.ZipInfo]) -> None:
    """To be asked within `open_zip`, before the files are read. Raises BadLabels where they would be too large
    together, or are packed in an unusual way."""
    if any(entry.compress_type not in _METHODS for entry in entries):
        raise _unusual()
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise BadLabels(
            "Unpacked, the ZIP would be far larger than labels are. Bring it in parts, or as GeoPackage or GeoTIFF."
        )


def _unusual() -> BadLabels:
    return BadLabels(
        "The ZIP is damaged, needs a password, or is packed in an unusual way. Pack it again as a plain ZIP."
    )


def _too_many() -> BadLabels:
    return BadLabels(
        f"The ZIP has more than {MAX_ENTRIES:,} files, or says so. Leave out what is no label, or bring it in parts."
    )
