"""A long-running program that this one starts, logs and stops."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from scripts.machine import ROOT, as_account


class Child:
    """One server or worker: its command, its log file, and the signal that asks it to stop.

    It leads a session of its own, so that Ctrl-C reaches this program alone, which then stops its children in
    order; and the kernel signals it should this program be killed outright.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        log: Path,
        env: dict[str, str] | None = None,
        account: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        second_signal: signal.Signals = signal.SIGKILL,
        grace_s: float = 10,
    ) -> None:
        self.name = name
        self.log = log
        self.stop_signal, self.second_signal, self.grace_s = stop_signal, second_signal, grace_s
        death = stop_signal.name.removeprefix("SIG")
        self._command = as_account(account, command, dies_with_parent=death)
        # Another account may not be able to enter the checkout.
        self._folder = "/" if account else ROOT
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, appending to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=self._env,
                start_new_session=True,
            )

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """How it ended, None while it runs."""
        return self._process.poll() if self._process else None

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ask_to_stop(self) -> None:
        if self.running():
            self._signal(self.stop_signal)

    def wait_stopped(self, *, hurry: bool = False) -> None:
        """Wait for it to end, and insist when it takes longer than its grace."""
        if self._process is None:
            return
        for grace_s, stronger in ((0.2 if hurry else self.grace_s, self.second_signal), (3, signal.SIGKILL)):
            if self._ended_within(grace_s):
                break
            self._signal(stronger)
        self._process.wait()
        # Members of its group may outlive a leader that was killed.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process = None

    def stop(self) -> None:
        self.ask_to_stop()
        self.wait_stopped()

    def last_lines(self, count: int = 10) -> str:
        """The end of its log, for a message."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(f"    {line}" for line in lines[-count:])

    def _ended_within(self, seconds: float) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + seconds
        while self._process.poll() is None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)


def rotate(log: Path) -> None:
    """Keep one earlier log beside a fresh one."""
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
