"""`make bench BENCH=name`: one benchmark, beside services that are thrown away."""

from __future__ import annotations

import os
import shlex
import sys

from scripts.failure import Failure, told
from scripts.machine import ROOT, VENV_PYTHON
from scripts.prepare import prepare
from scripts.services import run_beside, stop_on_signals, throw_away_services


def main() -> int:
    stop_on_signals()
    known = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if not path.stem.startswith("_"))
    name = os.environ.get("BENCH", "")
    if name not in known:
        raise Failure(
            f"Name a benchmark, as in `make bench BENCH={(known or ['name'])[0]}`: {', '.join(known)}."
        )
    prepare()
    options = shlex.split(os.environ.get("ARGS", ""))
    if os.environ.get("QUICK", "") not in ("", "0"):
        options.append("--quick")
    with throw_away_services() as (services, folder):
        env = services.env | {
            "MILPA_VAR": str(folder / "var"),
            "DJANGO_SETTINGS_MODULE": "annotator.settings",
        }
        return run_beside([str(VENV_PYTHON), "-m", f"benchmarks.{name}", *options], env)


if __name__ == "__main__":
    sys.exit(told(main))
