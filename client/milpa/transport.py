"""Requests to the API: signed, bounded in time, repeated where errors may pass; by keys nothing happens twice."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from milpa.errors import MilpaError, NotConfigured, Problem, Unreachable

_ROOT = "/api/v1/"
#: Answers of a server, or of what stands before it, that may be others a moment later.
PASSING = frozenset({429, 502, 503, 504})
#: The problem of a request whose first copy the server is still at.
_STILL_ANSWERING = "still-answering"
_LONGEST_PAUSE_S = 30.0
_UPLOAD_TIMEOUT_S = 600.0


class Transport:
    """One server and one token. ``attempts`` is how often a request is sent at most, ``pause_s`` how long the first
    wait between two of them is, in seconds; each further one is twice as long.
    """

    def __init__(self, url: str, token: str, *, timeout_s: float, attempts: int, pause_s: float) -> None:
        if not url.startswith(("http://", "https://")):
            raise NotConfigured(f"“{url}” is no address of a server: write it as in https://milpa.example.")
        self._attempts, self._pause_s = attempts, pause_s
        try:
            self._http = httpx2.Client(
                base_url=url.rstrip("/"),
                headers={"Authorization": f"Token {token}", "User-Agent": "milpa-client"},
                timeout=timeout_s,
            )
        except (httpx2.InvalidURL, UnicodeEncodeError) as error:
            raise NotConfigured(
                "The address of the server or the token has characters that none can have: "
                f"look at MILPA_URL and MILPA_TOKEN ({error})."
            ) from error

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        return self.send("GET", path, params=params)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        file: Path | None = None,
        key: str = "",
    ) -> Any:
        """The JSON of the answer; None of an empty one.

        A POST carries an idempotency ``key``, one of its own unless one is named, by which the server does once what
        comes several times: it is repeated like a GET. Raises Problem or Unreachable.
        """
        headers = {"Idempotency-Key": key or uuid.uuid4().hex} if method == "POST" else {}
        for attempt in range(1, self._attempts + 1):
            is_last = attempt == self._attempts
            try:
                with ExitStack() as stack:
                    more: dict[str, Any] = {}
                    if file is not None:
                        more["files"] = {"file": (file.name, stack.enter_context(file.open("rb")))}
                        more["timeout"] = _UPLOAD_TIMEOUT_S
                    answer = self._http.request(
                        method, _ROOT + path, params=params, json=json, data=form, headers=headers, **more
                    )
            except httpx2.TransportError as error:
                if is_last:
                    raise self._unreachable(error, headers.get("Idempotency-Key", "")) from error
                self.pause(attempt)
                continue
            if _may_pass(answer) and not is_last:
                self.pause(attempt, answer.headers.get("Retry-After", ""))
                continue
            return _content(answer)
        raise AssertionError("the last attempt answers or raises")

    def pages(self, path: str, params: Mapping[str, str] | None = None) -> Iterator[Any]:
        """The results of a list, page after page as they are asked for."""
        asked: Mapping[str, str] | None = params
        while True:
            page = self.get(path, asked)
            yield from page["results"]
            if not page.get("next"):
                return
            # Only what is asked for is taken from the address: the token goes to no other server.
            asked = dict(httpx2.URL(page["next"]).params)

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str]) -> Iterator[httpx2.Response]:
        """An answer whose body is read bit by bit, uncompressed; ``path`` is absolute. Raises Problem."""
        plain = {**headers, "Accept-Encoding": "identity"}
        with self._http.stream("GET", path, headers=plain) as answer:
            if answer.status_code >= 300:
                answer.read()
                _content(answer)
            yield answer

    def pause(self, attempt: int, asked: str = "") -> None:
        """Waits before the next attempt, as long as the server asks for, within bounds."""
        seconds = float(asked) if asked.isdigit() else self._pause_s * 2 ** (attempt - 1)
        time.sleep(min(seconds, _LONGEST_PAUSE_S) * random.uniform(0.8, 1.2))  # noqa: S311  # spreads requests

    def _unreachable(self, error: Exception, key: str) -> Unreachable:
        what = f"{self._http.base_url} does not answer ({type(error).__name__}: {error})."
        if key and not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return Unreachable(
                f"{what} Whether it did what was asked is not known: within 24 hours, the same again with the key "
                f"{key} does it once."
            )
        return Unreachable(
            f"{what} See that the server runs and that MILPA_URL is its address, then try again."
        )


def _may_pass(answer: httpx2.Response) -> bool:
    if answer.status_code == 409:
        try:
            return bool(answer.json()["code"] == _STILL_ANSWERING)
        except (ValueError, KeyError, TypeError):
            return False
    return answer.status_code in PASSING


def _content(answer: httpx2.Response) -> Any:
    """The JSON of an answer. Raises Problem for one that tells of an error."""
    if answer.is_redirect:
        there = answer.headers.get("Location", "another address")
        raise MilpaError(f"The server sends on to {there}: set MILPA_URL to the address where it stays.")
    if answer.status_code == 204:
        return None
    try:
        document = answer.json()
    except ValueError:
        document = None
    if answer.is_success and document is not None:
        return document
    if answer.is_success:
        raise MilpaError(f"{answer.url} does not answer as Milpa does: see that MILPA_URL is its address.")
    if not isinstance(document, dict):
        again = "try again later." if answer.status_code >= 500 else "see that MILPA_URL is its address."
        document = {"detail": f"The server answered {answer.status_code} {answer.reason_phrase}: {again}"}
    raise Problem(answer.status_code, document)
