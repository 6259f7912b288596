"""The one table from error to HTTP status, as RFC 9457 problem details."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.utils.translation import gettext
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from annotator.errors import MilpaError


def problem(status: int, code: str, title: str, detail: str, **facts: Any) -> dict[str, Any]:
    """A problem details object; ``type`` is a URN that stays the same between releases."""
    return {
        "type": f"urn:milpa:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        **facts,
    }


def problem_of(error: MilpaError) -> dict[str, Any]:
    return problem(error.status, error.code, gettext(error.title), error.detail, **error.facts)


def plain_problem(error: MilpaError) -> HttpResponse:
    """The same answer from a plain Django view (tiles, masks)."""
    return JsonResponse(
        problem_of(error),
        status=error.status,
        content_type="application/problem+json",
        headers=dict(error.headers),
    )


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's exception handler."""
    if isinstance(error, MilpaError):
        body = problem_of(error)
        return Response(body, status=error.status, content_type="application/problem+json")
    response = exception_handler(error, context)
    if response is None:
        return None
    code, title = _known(error)
    facts = {"errors": response.data} if isinstance(error, exceptions.ValidationError) else {}
    detail = (
        "Some fields need another value; `errors` names them."
        if facts
        else str(getattr(error, "detail", "") or title)
    )
    response.data = problem(response.status_code, code, title, detail, **facts)
    response.content_type = "application/problem+json"
    return response


def _known(error: Exception) -> tuple[str, str]:
    if isinstance(error, exceptions.ValidationError):
        return "invalid", "The request has values that cannot be used"
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return "not-signed-in", "Sign in first"
    if isinstance(error, exceptions.PermissionDenied | PermissionDenied):
        return "not-allowed", "Your role does not allow this"
    if isinstance(error, exceptions.NotFound | Http404):
        return "not-found", "There is no such thing, or it is not yours to see"
    if isinstance(error, exceptions.APIException):
        return str(error.default_code).replace("_", "-"), "The request cannot be answered"
    return "error", "The request cannot be answered"
