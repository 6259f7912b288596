"""`make check`: the checks that need no server; each is run, and those that fail are shown."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass

from scripts.failure import told
from scripts.machine import ROOT, VENV, VENV_PYTHON
from scripts.prepare import prepare


@dataclass(frozen=True)
class Check:
    """One program that exits with 0 where all is well."""

    title: str
    command: list[str]


def checks() -> list[Check]:
    """All checks, the quick ones first."""
    programs = VENV / "bin"
    migrations = [str(VENV_PYTHON), "-W", "ignore::RuntimeWarning", "manage.py", "makemigrations"]
    return [
        Check("style", [str(programs / "ruff"), "check", "."]),
        Check("format", [str(programs / "ruff"), "format", "--check", "."]),
        Check("imports", [str(programs / "lint-imports"), "--no-logo"]),
        Check("migrations", [*migrations, "--check", "--dry-run"]),
        Check(
            "front end",
            [str(programs / "node"), "node_modules/typescript/bin/tsc", "--project", "jsconfig.json"],
        ),
        Check("types", [str(programs / "mypy")]),
    ]


def main() -> int:
    prepare(database=False, broker=False)
    # Settings need an address; none of the checks uses it.
    env = os.environ | {"DATABASE_URL": "postgis://nobody@/none?host=/nonexistent", "DEBUG": "1"}
    failed = [check.title for check in checks() if not passes(check, env)]
    if failed:
        print(f"\nFailed: {', '.join(failed)}.")
    return 1 if failed else 0


def passes(check: Check, env: dict[str, str]) -> bool:
    """Run one check; print what it says only where it fails."""
    print(f"{check.title} … ", end="", flush=True)
    started = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        print(f"ok ({time.monotonic() - started:.1f} s)", flush=True)
        return True
    print(f"FAILED\n{done.stdout}{done.stderr}", flush=True)
    return False


if __name__ == "__main__":
    sys.exit(told(main))
