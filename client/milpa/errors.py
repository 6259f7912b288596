"""What can go wrong; the message of each is a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class MilpaError(Exception):
    """The base of all errors of this package."""


class NotConfigured(MilpaError):
    """No server or no token is named."""


class Unreachable(MilpaError):
    """The server gave no answer, also not when it was asked again."""


class Problem(MilpaError):
    """The server refused: RFC 9457 problem details. The message is the server's own sentence.

    ``code`` stays the same between releases, such as ``not-found``; ``facts`` are the members beyond those of the
    RFC, such as ``errors``, by field.
    """

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(document.get("code", "error"))
        self.title = str(document.get("title", ""))
        self.detail = str(document.get("detail", "") or self.title)
        known = ("type", "title", "status", "detail", "code")
        self.facts = {name: value for name, value in document.items() if name not in known}
        wrong = "; ".join(_sentences(self.facts.get("errors"), ""))
        super().__init__(f"{self.detail} {wrong}".strip())


class WorkFailed(MilpaError):
    """What was waited for failed or was cancelled; ``row`` is its last state."""

    def __init__(self, message: str, row: object) -> None:
        super().__init__(message)
        self.row = row


class WaitedTooLong(MilpaError):
    """It goes on at the server; only the waiting ended."""


class DownloadBroken(MilpaError):
    """What came is not the file that the server told of."""


def _sentences(errors: Any, place: str) -> Iterator[str]:
    """Errors by field, as REST framework nests them, as "legend.0.name: This field is required."."""
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            yield from _sentences(inner, f"{place}.{name}" if place else str(name))
    elif isinstance(errors, list):
        for at, inner in enumerate(errors):
            yield from _sentences(inner, place if isinstance(inner, str) else f"{place}.{at}")
    elif errors is not None:
        yield f"{place}: {errors}" if place else str(errors)
