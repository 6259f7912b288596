"""Waiting for what goes on at the server."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from milpa.documents import Work
from milpa.errors import WaitedTooLong, WorkFailed

_SHORTEST_S, _LONGEST_S = 0.3, 5.0


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` patches, steps, per cent or bytes, 0 of 0 if not known; ``words`` say what goes on."""

    done: int
    total: int
    words: str


OnProgress = Callable[[Progress], None]
RowT = TypeVar("RowT")
WorkT = TypeVar("WorkT", bound=Work)


def wait_for_work(
    work: WorkT, reload: Callable[[WorkT], WorkT], on_progress: OnProgress | None, timeout_s: float | None
) -> WorkT:
    """The work once it is done. Raises WorkFailed or WaitedTooLong."""

    def told(row: WorkT) -> WorkT | None:
        if on_progress is not None:
            done, total = row.steps
            on_progress(Progress(done, total, row.message or row.state))
        return None if row.is_active else row

    name = type(work).__name__.lower()
    ended = told(work) or poll(lambda: told(reload(work)), f"{name} {work.id}", timeout_s)
    if not ended.is_done:
        raise WorkFailed(f"{name} {ended.id} is {ended.state}: {ended.message}".rstrip(": "), ended)
    return ended


def poll(ask: Callable[[], RowT | None], what: str, timeout_s: float | None) -> RowT:
    """Asks ever less often, from three times a second to once in 5 s, until there is an answer.

    Raises WaitedTooLong after ``timeout_s``, None waits for ever.
    """
    began, pause_s = time.monotonic(), _SHORTEST_S
    while True:
        time.sleep(pause_s)
        answer = ask()
        if answer is not None:
            return answer
        waited_s = time.monotonic() - began
        if timeout_s is not None and waited_s > timeout_s:
            raise WaitedTooLong(
                f"{what} is not over after {waited_s:.0f} s; it goes on at the server. Ask for it later, or see that "
                "the server's workers run."
            )
        pause_s = min(_LONGEST_S, pause_s * 1.2)
