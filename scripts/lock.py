"""`make lock`: pin the versions that pyproject.toml allows, in requirements.lock."""

from __future__ import annotations

import os
import subprocess
import sys

from scripts.failure import Failure, told
from scripts.machine import ROOT
from scripts.prepare import LOCK, prepare
from scripts.python_packages import need_uv, torch_options, uv_settings


def main() -> int:
    prepare()
    uv, settings = need_uv(), uv_settings()
    options = ["--quiet", "--no-header", "--no-annotate", "--upgrade", "--python-version", "3.11"]
    compile_ = [uv, "pip", "compile", *options, "--extra", "ml", "--extra", "dev", "pyproject.toml"]
    compile_ += torch_options(settings)
    done = subprocess.run(
        compile_, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        raise Failure("The versions in pyproject.toml do not fit together: change the ranges named above.")
    # A local version such as 2.13.0+cpu exists in one place only; the plain number fits every build of it.
    pinned = [line.partition("+")[0] for line in done.stdout.splitlines() if not line.startswith("--")]
    LOCK.write_text("\n".join(pinned) + "\n")
    prepare()
    return 0


if __name__ == "__main__":
    sys.exit(told(main))
