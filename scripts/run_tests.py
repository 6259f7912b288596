"""`make test`: every test, beside services that are thrown away; pytest's summary comes last.

All of them run in as many processes as there are cores, each with databases of its own; with ARGS, in one.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from scripts.failure import Failure, told
from scripts.machine import ROOT, VENV, VENV_PYTHON, find_program
from scripts.prepare import BROWSERS, prepare
from scripts.services import run_beside, stop_on_signals, throw_away_services

MOST_PROCESSES = 8
"""A private Redis has sixteen databases, and each process starts a browser and workers of its own."""


def main() -> int:
    stop_on_signals()
    options = pytest_options()
    prepare(browser=True)
    front_end_code = 0 if options else run_front_end_tests()
    with throw_away_services() as (services, folder):
        env = services.env | test_environment(folder)
        python_code = run_beside([str(VENV_PYTHON), "-m", "pytest", *(options or side_by_side())], env)
    return python_code or front_end_code


def pytest_options() -> list[str]:
    """The words of ARGS, split as a shell would but read by none."""
    try:
        return shlex.split(os.environ.get("ARGS", ""))
    except ValueError:
        raise Failure(
            "ARGS has a quotation mark without its other half: write it as in "
            "`make test ARGS=\"-k 'one or two'\"`."
        ) from None


def side_by_side() -> list[str]:
    """Options for several processes; the tests of a file share one, since they share what is costly to make."""
    processes = min(len(os.sched_getaffinity(0)), MOST_PROCESSES)
    return ["-n", str(processes), "--dist", "loadfile"] if processes > 1 else []


def run_front_end_tests() -> int:
    """The front end's unit tests under Node.js; with ARGS, which are pytest's, they are left out."""
    files = [*ROOT.glob("tests/frontend/**/*.test.js"), *ROOT.glob("frontend/**/*.test.js")]
    if not files:
        return 0
    return run_beside([str(VENV / "bin" / "node"), "--test", *map(str, sorted(files))], {})


def test_environment(folder: Path) -> dict[str, str]:
    """What tests find in the environment besides their services: nothing of the user's own installation."""
    own = dict.fromkeys(("SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "MILPA_MEDIA", "MILPA_SCENE_FOLDERS"), "")
    return own | {
        "MILPA_VAR": str(folder / "var"),
        "MILPA_CHROMIUM": find_program(*BROWSERS) or "",
        # A test that needs the network is a mistake, and should fail at once rather than wait.
        "HF_HUB_OFFLINE": "1",
        # Every core has a process already.
        "OMP_NUM_THREADS": "1",
    }


if __name__ == "__main__":
    sys.exit(told(main))
