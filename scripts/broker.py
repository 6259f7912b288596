"""A private Redis server: Celery's broker, reached through a unix socket alone."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from pathlib import Path

from scripts.child import Child, rotate
from scripts.failure import Failure
from scripts.machine import find_program

LONGEST_SOCKET_PATH = 107
START_TIMEOUT_S = 30


class Redis:
    """The private broker of one folder."""

    def __init__(self, folder: Path, *, log: Path, throw_away: bool = False) -> None:
        program = find_program("redis-server", "valkey-server")
        if program is None:
            raise Failure("Redis is missing: install the package redis-server.")
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._folder, self._log = folder, log
        self._socket = folder / "redis.sock"
        self._short: Path | None = None
        if len(os.fsencode(self._socket)) > LONGEST_SOCKET_PATH:
            self._short = Path(tempfile.mkdtemp(prefix="milpa-", dir="/tmp"))
            self._socket = self._short / "redis.sock"
        options = ["--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"]
        options += ["--dir", str(folder), "--save", "", "--appendonly", "no" if throw_away else "yes"]
        # The queue of a private broker is small; refusing to write over a failed save would stop all work.
        options += ["--loglevel", "notice", "--daemonize", "no"]
        self.child = Child("redis", [program, *options], log=log)

    @property
    def url(self) -> str:
        """The address in the form that CELERY_BROKER_URL takes."""
        return f"redis+socket://{self._socket}"

    def start(self) -> None:
        rotate(self._log)
        self._socket.unlink(missing_ok=True)
        self.child.start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not answers(str(self._socket)):
            if not self.child.running() or time.monotonic() > deadline:
                sentence = self._start_sentence()
                self.stop()
                raise Failure(sentence)
            time.sleep(0.03)

    def stop(self, *, hurry: bool = False) -> None:
        self.child.ask_to_stop()
        self.child.wait_stopped(hurry=hurry)
        if self._short:
            shutil.rmtree(self._short, ignore_errors=True)

    def _start_sentence(self) -> str:
        output = self.child.last_lines(20)
        if "No space left on device" in output:
            return f"The disk of {self._folder} is full: free some space, then run this again."
        return (
            f"The private Redis in {self._folder} does not start (log: {self._log}): delete that folder, "
            "which holds only the queue of work in hand, then run this again."
        )


def answers(address: str | tuple[str, int]) -> bool:
    """Whether a Redis server says anything at a socket's path or at a host and port."""
    try:
        if not isinstance(address, str):
            with socket.create_connection(address, timeout=2) as link:
                return _replies(link)
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(2)
            link.connect(address)
            return _replies(link)
    except OSError:
        return False


def _replies(link: socket.socket) -> bool:
    link.sendall(b"PING\r\n")
    # A server that is loading, or that wants a password, answers too: with an error.
    return link.recv(64)[:1] in (b"+", b"-")
