"""Private PostGIS and Redis for one folder, and a command to run beside them.

    python3 -m scripts.services exec -- COMMAND ...              throw-away services
    python3 -m scripts.services --dir var/mine exec -- COMMAND   services that keep their data
    python3 -m scripts.services --dir var exec -- COMMAND        those of a running `make run`, if it runs

COMMAND gets DATABASE_URL and CELERY_BROKER_URL, and its exit code is this program's.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType

from scripts.broker import Redis
from scripts.child import Child
from scripts.failure import Failure, Stopped, told
from scripts.machine import as_account, is_root
from scripts.postgres import Postgres

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Services:
    """A context that starts the private servers, exports their addresses, and stops them at its end."""

    def __init__(self, folder: Path, *, throw_away: bool = False, database: bool = True, broker: bool = True):
        folder.mkdir(parents=True, exist_ok=True)
        logs = folder / "log"
        kind = {"throw_away": throw_away}
        self._throw_away = throw_away
        self._postgres = (
            Postgres(folder / "postgres", log=logs / "postgres.log", **kind) if database else None
        )
        self._redis = Redis(folder / "redis", log=logs / "redis.log", **kind) if broker else None
        self.hurry = False

    def __enter__(self) -> Services:
        try:
            if self._postgres:
                self._postgres.start()
            if self._redis:
                self._redis.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._redis:
            self._redis.stop(hurry=self.hurry)
        if self._postgres:
            self._postgres.stop(hurry=self.hurry)
            if self._throw_away:
                self._postgres.remove()

    @property
    def env(self) -> dict[str, str]:
        """The addresses, under the names that the settings read."""
        found = {}
        if self._postgres:
            found["DATABASE_URL"] = self._postgres.url
        if self._redis:
            found["CELERY_BROKER_URL"] = self._redis.url
        return found

    @property
    def database_folder(self) -> Path | None:
        """Where the private cluster lives, None where the database is not private."""
        return self._postgres.home if self._postgres else None

    @property
    def children(self) -> list[Child]:
        servers = (self._postgres, self._redis)
        return [server.child for server in servers if server and server.child]


class Holding:
    """The right to run services in a folder, held by one process at a time and gone when it dies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / "running.json").open("a+")

    def take(self) -> bool:
        """Take it; False where another process has it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        self.tell({})
        return True

    def tell(self, facts: dict[str, str]) -> None:
        """Say where the services are, for others to read."""
        self._file.seek(0)
        self._file.truncate()
        json.dump(facts | {"pid": str(os.getpid())}, self._file)
        self._file.flush()

    def told(self) -> dict[str, str]:
        """What the process that holds it says."""
        self._file.seek(0)
        try:
            facts = json.load(self._file)
        except ValueError:  # it is just starting
            return {}
        return {str(name): str(value) for name, value in facts.items()}

    def release(self) -> None:
        self._file.close()


@contextlib.contextmanager
def throw_away_services() -> Iterator[tuple[Services, Path]]:
    """Services in a temporary folder that is deleted at the end."""
    # /tmp by name: its path is short and every account can enter it, which TMPDIR's need not be.
    base = "/tmp" if is_root() or os.access("/tmp", os.W_OK) else None  # noqa: S108 - mkdtemp makes it private
    folder = Path(tempfile.mkdtemp(prefix="milpa-", dir=base))
    try:
        if is_root():
            folder.chmod(0o711)
        with Services(folder, throw_away=True) as services:
            yield services, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def kept_services(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a folder's services: started here, or those that another process runs there."""
    holding = Holding(folder)
    try:
        if not holding.take():
            facts = holding.told()
            if "DATABASE_URL" not in facts:
                raise Failure(f"Another process is starting the services of {folder}: try again in a moment.")
            yield {name: facts[name] for name in ("DATABASE_URL", "CELERY_BROKER_URL") if name in facts}
            return
        with Services(folder) as services:
            holding.tell(services.env)
            yield services.env
    finally:
        holding.release()


def stop_on_signals() -> None:
    """Turn the signals that end a program into an exception, so that contexts close."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(signal.Signals(number).name)

    for number in ENDING_SIGNALS:
        signal.signal(number, stop)


def run_beside(command: list[str], env: dict[str, str]) -> int:
    """Run a command in the foreground to its end, however this program is told to stop."""
    process = subprocess.Popen(as_account(None, command, dies_with_parent="TERM"), env=os.environ | env)
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m scripts.services", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--dir", type=Path, help="a folder that keeps the data (default: throw-away)")
    parser.add_argument("action", choices=["exec"])
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    command = [word for i, word in enumerate(asked.command) if i or word != "--"]
    if not command:
        parser.error("name a command after `exec --`")
    if shutil.which(command[0]) is None:
        raise Failure(f"The command {command[0]} is not there: check its spelling.")
    stop_on_signals()
    if asked.dir:
        with kept_services(asked.dir.resolve()) as env:
            return run_beside(command, {"MILPA_VAR": str(asked.dir.resolve())} | env)
    with throw_away_services() as (services, folder):
        return run_beside(command, services.env | {"MILPA_VAR": str(folder / "var")})


if __name__ == "__main__":
    sys.exit(told(main))
