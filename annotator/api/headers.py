"""The headers that operations take and answer with, as the OpenAPI document tells of them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter


def _header(name: str, told: str, pattern: str = "", **more: Any) -> OpenApiParameter:
    schema = {"type": "string", "pattern": pattern} if pattern else {"type": "string"}
    return OpenApiParameter(name, schema, OpenApiParameter.HEADER, description=told, **more)


IF_MATCH = _header(
    "If-Match",
    'The number of the revision that one has started from, "0" for none.',
    r'^"[0-9]{1,9}"$',
    required=True,
)
PERSON = _header("Milpa-Person", "The id of the person who drew it; 403 for anybody else.", "^[0-9]{1,9}$")
RANGE = _header(
    "Range", "One range of bytes, answered with 206.", "^bytes=([0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})$"
)
IF_RANGE = _header(
    "If-Range", "An `ETag`: the range is sent only while the file is still that one.", '^"[0-9a-f]{64}"$'
)
REVISION_ETAG = _header("ETag", "The revision's number, for `If-Match`.", response=[200])
FILE_ETAG = _header("ETag", "The SHA-256 of the file, for `If-Range`.", response=[200, 206])
CONTENT_RANGE = _header("Content-Range", "Which bytes of how many these are.", response=[206])
KEPT_FOREVER = _header("Cache-Control", "What lies at this address never changes.", response=[200])
