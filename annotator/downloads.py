"""A file as a download that goes on where it was cut off: byte ranges of RFC 9110, section 14."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

from annotator.errors import MilpaError

_PIECE_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")


class RangeNotThere(MilpaError):
    """``facts`` hold the file's ``size_bytes``."""

    code = "range-not-there"
    status = 416
    title = "The file has no such bytes"


def file_download(
    request: HttpRequest, path: Path, *, file_name: str, content_type: str, etag: str
) -> HttpResponseBase:
    """The file, or the one range of it that is asked for; several ranges at once are answered with all of it.

    With ``If-Range`` the range is sent only while the file is the one that the reader has begun with, else all of
    it. Raises RangeNotThere for a range that begins behind its end.
    """
    size = path.stat().st_size
    headers = {"ETag": etag, "Accept-Ranges": "bytes"}
    span = _span(request, size, etag)
    if span is None:
        return FileResponse(
            path.open("rb"),
            as_attachment=True,
            filename=file_name,
            content_type=content_type,
            headers=headers,
        )
    first, last = span
    headers |= {
        "Content-Range": f"bytes {first}-{last}/{size}",
        "Content-Length": str(last - first + 1),
        "Content-Disposition": content_disposition_header(True, file_name) or "attachment",
    }
    pieces = _pieces(path, first, last - first + 1)
    return StreamingHttpResponse(pieces, status=206, content_type=content_type, headers=headers)


def _span(request: HttpRequest, size: int, etag: str) -> tuple[int, int] | None:
    """First and last byte that are asked for; None for the whole file."""
    asked = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    if asked is None or request.headers.get("If-Range", etag) != etag:
        return None
    begin, end, tail = asked.groups()
    if tail is not None:
        first, last = max(0, size - int(tail)), size - 1
    else:
        first, last = int(begin), min(size - 1, int(end)) if end else size - 1
        if end and int(end) < first:
            return None
    if first > last:
        raise RangeNotThere(
            f"The file has {size} bytes, none from {first} on. Leave out Range to get all of it.",
            size_bytes=size,
        )
    return first, last


def _pieces(path: Path, first: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        while length and (piece := file.read(min(length, _PIECE_BYTES))):
            length -= len(piece)
            yield piece
