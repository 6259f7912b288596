"""How long a request may be, asked before anything of it is received; files are taken of nobody unknown."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotator.api.missing import FOR_PROGRAMS
from annotator.api.problems import plain_problem
from annotator.errors import TooLarge

# By address, the setting that bounds the file which is sent there.
_UPLOADS = (
    (re.compile(r"/api/v1/projects/[-\w]+/scenes/|/projects/[-\w]+/scenes/new/"), "SCENE_UPLOAD_MAX_BYTES"),
    (re.compile(r"(?:/api/v1)?/projects/[-\w]+/imports/"), "LABEL_UPLOAD_MAX_BYTES"),
)
# What a form has beside its file.
_FIELDS_BYTES = 2**20


class RequestLimits:
    """Middleware that answers 413 by ``Content-Length``, of which Django never reads more than it says.

    After the middleware that knows who is signed in, before the one that looks for the form's token in what was
    sent. A request without a session may send a file to the API with a token, which is looked at before the file is.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        told = request.META.get("CONTENT_LENGTH") or "0"
        length = int(told) if told.isdecimal() else 0
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if length > limit and (setting := _upload_setting(request)) is not None:
            limit = getattr(settings, setting) + _FIELDS_BYTES
            # On the disk that scenes lie on, as temporary folders are often memory.
            Path(settings.FILE_UPLOAD_TEMP_DIR).mkdir(parents=True, exist_ok=True)
        if length <= limit:
            return self._get_response(request)
        error = TooLarge(
            f"The request has {length / 2**20:,.1f} MiB; at most {limit / 2**20:,.1f} MiB are taken here. Sign in "
            "first to send the file of a scene or of labels; cut a larger one into parts, or have the operator raise "
            "the limit."
        )
        if request.path.startswith(FOR_PROGRAMS):
            return plain_problem(error)
        return render(request, "413.html", {"sentence": error.detail}, status=error.status)


def _upload_setting(request: HttpRequest) -> str | None:
    """The name of the setting that bounds the request's file; None where no file is taken, or of a stranger."""
    is_known = request.user.is_authenticated or (
        request.path.startswith("/api/") and "Authorization" in request.headers
    )
    if not is_known or request.method != "POST" or request.content_type != "multipart/form-data":
        return None
    return next((name for address, name in _UPLOADS if address.fullmatch(request.path)), None)
