"""Django's commands, run in the virtual environment, their failures told in a sentence."""

from __future__ import annotations

import subprocess
from pathlib import Path

from scripts.failure import Failure
from scripts.machine import ROOT, VENV_PYTHON


def manage(command: str, options: list[str], env: dict[str, str], logs: Path) -> str:
    """Run a Django command to its end; what it printed."""
    log = logs / f"{command}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [str(VENV_PYTHON), "manage.py", command, *options],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    log.write_text(done.stdout + done.stderr)
    if done.returncode == 0:
        return done.stdout
    lines = [line for line in done.stderr.splitlines() if line.strip()] or ["(it says nothing)"]
    sentence = _known_sentence(done.stderr, lines[-1].strip())
    if sentence is None:
        print("\n" + "\n".join(f"    {line}" for line in lines[-12:]))
        sentence = (
            f"`manage.py {command}` failed: mend what it tells above (all of it is in {log}), and run again."
        )
    raise Failure(sentence)


def _known_sentence(output: str, last: str) -> str | None:
    """The sentence for a failure that has one remedy."""
    if "No space left on device" in output:
        return "The disk is full: free some space, then run this again."
    if "OperationalError" in output and "connection" in output:
        return (
            f"The database cannot be reached ({last}): start its server or correct DATABASE_URL, or leave "
            "that out for a private one."
        )
    if 'extension "postgis"' in output:
        return (
            "The database has no PostGIS: install it on the server that DATABASE_URL names and let an "
            "administrator run `CREATE EXTENSION postgis` in that database."
        )
    if last.startswith("CommandError: "):
        return last.removeprefix("CommandError: ")
    if "ImproperlyConfigured" in output:
        return last.partition("ImproperlyConfigured:")[2].strip() or last
    return None
