"""A private PostGIS cluster: made once in a folder, reached through a unix socket alone."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from scripts.child import Child, rotate
from scripts.failure import Failure
from scripts.machine import as_account, need_free_space, postgres_programs, server_account

NAME = "milpa"
# A unix socket's path is limited to 107 bytes, and PostgreSQL adds this name to its folder.
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432")
START_TIMEOUT_S = 120

SETTINGS = {
    "listen_addresses": "",
    # The cluster trusts whoever reaches its socket, so only its own account (and root) may.
    "unix_socket_permissions": "0700",
    "jit": "off",
    "shared_buffers": "128MB",
    "log_min_messages": "warning",
}
# A throw-away cluster need not survive a power cut.
THROW_AWAY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    """The private cluster of one folder."""

    def __init__(self, folder: Path, *, log: Path, throw_away: bool = False) -> None:
        programs = postgres_programs()
        if programs is None:
            raise Failure("PostgreSQL with PostGIS is missing: install the package postgresql-postgis.")
        self._programs = programs
        self._account = server_account()
        self._log = log
        self.home = _home(folder, self._account)
        self._data = self.home / "cluster"
        self._sockets, self._made_sockets = _socket_folder(self.home, self._account)
        self._settings = SETTINGS | (THROW_AWAY_SETTINGS if throw_away else {})
        self._throw_away = throw_away
        self.child: Child | None = None

    @property
    def url(self) -> str:
        """The address in the form that DATABASE_URL takes."""
        return f"postgis://{NAME}@/{NAME}?host={quote(str(self._sockets))}"

    def start(self) -> None:
        """Make the cluster if need be, start it, and see that its database is there."""
        need_free_space(self.home, 200, "the database")
        rotate(self._log)
        if not self._data.exists():
            self._make()
        self._check_version()
        options = [word for item in self._settings.items() for word in ("-c", "=".join(item))]
        self.child = Child(
            "postgres",
            [str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self._sockets), *options],
            log=self._log,
            account=self._account,
            # SIGINT is PostgreSQL's fast shutdown, SIGQUIT the one without a checkpoint.
            stop_signal=signal.SIGINT,
            second_signal=signal.SIGQUIT,
            grace_s=30,
        )
        self.child.start()
        try:
            self._wait_until_ready()
            self._make_database()
        except BaseException:
            self.stop()
            raise

    def stop(self, *, hurry: bool = False) -> None:
        if self.child:
            if self._throw_away:
                self.child.stop_signal = signal.SIGQUIT
            self.child.ask_to_stop()
            self.child.wait_stopped(hurry=hurry)
        if self._made_sockets:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def remove(self) -> None:
        """Delete the cluster's files, wherever they had to be put."""
        shutil.rmtree(self.home, ignore_errors=True)

    def _make(self) -> None:
        """`initdb` into a folder that gets its name only once it is whole."""
        fresh = self.home / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        command = [str(self._programs / "initdb"), "-D", str(fresh), "-U", NAME, "-A", "trust", "--no-sync"]
        command += ["--locale=C.UTF-8", "--encoding=UTF8"]
        done = subprocess.run(
            as_account(self._account, command), capture_output=True, text=True, cwd="/", check=False
        )
        if done.returncode:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            self._log.write_text(done.stdout + done.stderr)
            raise Failure(self._start_sentence(done.stderr))
        if not self._throw_away:
            # initdb was told not to wait for the disk; one sync does the same in a fraction of the time.
            os.sync()
        fresh.rename(self._data)

    def _check_version(self) -> None:
        made_by = (self._data / "PG_VERSION").read_text().strip() if self._has_version() else "?"
        ours = subprocess.run(
            [str(self._programs / "postgres"), "--version"], capture_output=True, text=True, check=True
        ).stdout.split()[2]
        if made_by == "?":
            raise Failure(self._broken_sentence("it has no PG_VERSION file"))
        if ours.split(".")[0] != made_by:
            raise Failure(
                f"The database in {self._data} was made by PostgreSQL {made_by} and {ours} is installed: "
                f"install postgresql-{made_by}-postgis-3 again, or move that folder away to start empty."
            )

    def _has_version(self) -> bool:
        return (self._data / "PG_VERSION").exists()

    def _wait_until_ready(self) -> None:
        """Wait for the socket to answer; recovery after a crash may take a while."""
        assert self.child is not None
        ready = [str(self._programs / "pg_isready"), "-q", "-U", NAME, "-d", "postgres"]
        ready += ["-h", str(self._sockets)]
        deadline = time.monotonic() + START_TIMEOUT_S
        while subprocess.run(ready, check=False).returncode != 0:
            if not self.child.running():
                raise Failure(self._start_sentence(self.child.last_lines(20)))
            if time.monotonic() > deadline:
                raise Failure(
                    f"The private database did not start within {START_TIMEOUT_S} s: read {self._log}, "
                    "and run this again."
                )
            time.sleep(0.05)

    def _make_database(self) -> None:
        if NAME not in self._ask("postgres", "SELECT datname FROM pg_database").splitlines():
            self._ask("postgres", f"CREATE DATABASE {NAME}")
        self._ask(NAME, "CREATE EXTENSION IF NOT EXISTS postgis")

    def _ask(self, database: str, statement: str) -> str:
        command = [
            str(self._programs / "psql"),
            "-XqAt",
            "-h",
            str(self._sockets),
            "-U",
            NAME,
            "-d",
            database,
        ]
        # Without this, an extension that is already there prints a notice.
        env = os.environ | {"PGOPTIONS": "-c client_min_messages=warning"}
        done = subprocess.run(
            [*command, "-v", "ON_ERROR_STOP=1", "-c", statement],
            capture_output=True,
            text=True,
            env=env,
            check=False,
        )
        if done.returncode:
            raise Failure(self._start_sentence(done.stderr))
        return done.stdout.strip()

    def _start_sentence(self, output: str) -> str:
        """The sentence for what PostgreSQL wrote as it failed."""
        if "No space left on device" in output:
            return f"The disk of {self.home} is full: free some space, then run this again."
        if "postmaster.pid" in output and "already exists" in output:
            return (
                f"Another PostgreSQL server uses {self._data}: stop that server (its process id is the first "
                "line of postmaster.pid there), then run this again."
            )
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "rror" in line]
        first = (telling or lines or ["it says nothing"])[0]
        return self._broken_sentence(re.sub(r".*(FATAL|PANIC|[Ee]rror|ERROR): +", "", first))

    def _broken_sentence(self, why: str) -> str:
        return (
            f"The private database in {self._data} does not start ({why}; log: {self._log}): restore "
            "that folder from a backup, or move it away to start with an empty database."
        )


def _home(folder: Path, account: str | None) -> Path:
    """Where the cluster lives: in the folder asked for, or where the server's account can reach it.

    A checkout under /root, say, is closed to the account that must run PostgreSQL for root; then the folder
    is a link to one under /var/lib. The link is the only record of that place.
    """
    if folder.is_symlink():
        if folder.exists():
            return folder.resolve()
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    if account is None:
        return folder
    if _reachable(folder, account):
        try:
            _give(folder, account)
        except OSError:
            pass  # a mounted folder that knows no owners
        else:
            return folder
    folder.rmdir()
    elsewhere = Path(tempfile.mkdtemp(prefix="milpa-", dir="/var/lib"))
    _give(elsewhere, account)
    folder.symlink_to(elsewhere)
    return elsewhere


def _reachable(folder: Path, account: str) -> bool:
    probe = as_account(account, ["test", "-x", str(folder)])
    return subprocess.run(probe, check=False, cwd="/").returncode == 0


def _give(folder: Path, account: str) -> None:
    shutil.chown(folder, account, account)
    folder.chmod(0o700)


def _socket_folder(home: Path, account: str | None) -> tuple[Path, bool]:
    """A folder for the socket whose path is short enough, and whether it was made just for this start."""
    if len(os.fsencode(home)) <= LONGEST_SOCKET_FOLDER:
        return home, False
    short = Path(tempfile.mkdtemp(prefix="milpa-", dir="/tmp"))
    if account:
        _give(short, account)
    return short, True
