"""Keeps a few programs running, and says which one died and why."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from scripts.child import Child, rotate
from scripts.failure import Failure

# A program that dies more often than this is broken, and starting it again only hides that.
RESTARTS, WITHIN_S = 5, 600.0


class Supervisor:
    """Starts programs, starts those again that die, and stops all of them in the end."""

    def __init__(
        self, programs: list[Child], servers: list[Child], say: Callable[[str], None] = print
    ) -> None:
        self._programs, self._servers, self._say = programs, servers, say
        self._deaths: dict[str, list[float]] = {child.name: [] for child in programs}
        self._due: dict[str, float] = {}

    def start(self) -> None:
        for child in self._programs:
            rotate(child.log)
            child.start()

    def look(self) -> None:
        """See that all run; start dead programs again; raise when a server died or a program keeps dying."""
        for server in self._servers:
            if not server.running():
                self._tell_death(server)
                raise Failure(
                    f"{server.name} stopped, and nothing works without it: read {server.log}, and run again."
                )
        for child in self._programs:
            if not child.running():
                self._revive(child)

    def fail_on_death(self) -> None:
        """Raise when any program died: while starting, a death is a mistake that a restart would repeat."""
        for child in [*self._servers, *self._programs]:
            if not child.running():
                self._tell_death(child)
                raise Failure(
                    f"{child.name} did not start: mend what its log tells ({child.log}), and run again."
                )

    def first_without(self, words: str, *, prefix: str) -> str:
        """The first program of a kind whose log lacks some words, empty where none does."""
        kind = (child for child in self._programs if child.name.startswith(prefix))
        return next((child.name for child in kind if words not in child.last_lines(200)), "")

    def stop(self, *, hurry: bool = False) -> None:
        """Ask all to stop, then wait for each."""
        for child in self._programs:
            child.ask_to_stop()
        for child in self._programs:
            child.wait_stopped(hurry=hurry)

    def _revive(self, child: Child) -> None:
        now = time.monotonic()
        if child.name not in self._due:
            self._tell_death(child)
            child.wait_stopped()  # what it started may have outlived it
            deaths = self._deaths[child.name]
            deaths.append(now)
            recent = _count(at > now - WITHIN_S for at in deaths)
            if recent > RESTARTS:
                raise Failure(
                    f"{child.name} died {recent} times in {WITHIN_S / 60:.0f} minutes: mend what its log "
                    f"tells ({child.log}), and run again."
                )
            # Each death waits longer than the last, for what it needs may be coming back.
            self._due[child.name] = now + 2.0 ** (recent - 1) - 1
        if now >= self._due[child.name]:
            del self._due[child.name]
            child.start()
            self._say(f"{child.name} was started again.")

    def _tell_death(self, child: Child) -> None:
        how = f"with exit code {child.exit_code}"
        if child.exit_code is not None and child.exit_code < 0:
            how = f"by signal {-child.exit_code}"
        self._say(f"\n{child.name} ended {how}; the end of {child.log}:\n{child.last_lines()}")


def _count(truths: Iterable[bool]) -> int:
    return sum(truths)
