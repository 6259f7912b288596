"""`make manage ARGS="…"`: a Django command beside the services of `make run`, running or not."""

from __future__ import annotations

import os
import shlex
import sys

from scripts.failure import told
from scripts.machine import VENV_PYTHON, var_folder
from scripts.prepare import prepare
from scripts.services import kept_services, run_beside, stop_on_signals


def main() -> int:
    stop_on_signals()
    prepare()
    words = shlex.split(os.environ.get("ARGS", "")) or ["help"]
    with kept_services(var_folder()) as env:
        return run_beside([str(VENV_PYTHON), "manage.py", *words], env)


if __name__ == "__main__":
    sys.exit(told(main))
