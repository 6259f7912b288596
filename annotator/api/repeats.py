"""Requests that make something, sent again with their key because the answer was lost."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from annotator.domain.kept_answers import Answer, answer_once

P = ParamSpec("P")
Method = Callable[Concatenate[Any, Request, P], Response]

HEADER = "Idempotency-Key"
IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description=(
        "Of the client's choosing, such as a UUID, a new one for each new request. The same request with the same "
        "key does nothing again and has the first one's answer."
    ),
)
REPEATED = "Idempotency-Replayed"


def once(method: Method[P]) -> Method[P]:
    """For the part of a view that makes something, to be called once the person's role is known: with a key, it is
    made once within `KEPT_FOR`, and the same answer is given again."""

    @wraps(method)
    def answered(view: Any, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return method(view, request, *args, **kwargs)
        if not re.fullmatch("[!-~]{1,64}", key):
            raise ValidationError(
                {HEADER: ["Send 1 to 64 printable characters without spaces, such as a UUID."]}
            )

        def act() -> Answer:
            answer = method(view, request, *args, **kwargs)
            return Answer(answer.status_code, JSONRenderer().render(answer.data).decode())

        answer = answer_once(user=request.user, key=key, request_hash=_hash_of(request), act=act)
        headers = {REPEATED: "true"} if answer.is_repeated else {}
        return Response(json.loads(answer.document), status=answer.status, headers=headers)

    return answered


def _hash_of(request: Request) -> str:
    """SHA-256 of what is asked; the boundary of a multipart body, which differs each time, is not of it."""
    data = request.data
    if isinstance(data, QueryDict):
        body = {name: [_plain(value) for value in values] for name, values in data.lists()}
    else:
        body = data
    asked = [request.method, request.get_full_path(), body]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if not isinstance(value, UploadedFile):
        return value
    sha256 = hashlib.sha256()
    for chunk in value.chunks():
        sha256.update(chunk)
    value.seek(0)
    return [value.name, sha256.hexdigest()]
