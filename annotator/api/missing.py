"""What Django itself refuses, told to programs as problem details and to people as a page."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from annotator.api.access import NotFound
from annotator.api.problems import plain_problem
from annotator.errors import MilpaError

FOR_PROGRAMS = ("/api/", "/ogc/", "/tiles/")


class BadRequest(MilpaError):
    """Django could not read the request at all."""

    code = "bad-request"
    status = 400
    title = "The request cannot be read"


class ServerError(MilpaError):
    """A fault of ours; the server's log has it."""

    code = "server-error"
    status = 500
    title = "Something broke"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    error = NotFound("There is nothing at this address; /api/v1/schema/ lists all that there are.")
    return _told(request, error, lambda: defaults.page_not_found(request, exception))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    error = BadRequest("Send fewer fields, and text as UTF-8; /api/v1/schema/ tells what each address takes.")
    return _told(request, error, lambda: defaults.bad_request(request, exception))


def server_error(request: HttpRequest) -> HttpResponse:
    error = ServerError("The server's log has the details. Try again, and tell the operator if it stays so.")
    return _told(request, error, lambda: defaults.server_error(request))


def _told(request: HttpRequest, error: MilpaError, page: Callable[[], HttpResponse]) -> HttpResponse:
    return plain_problem(error) if request.path.startswith(FOR_PROGRAMS) else page()
