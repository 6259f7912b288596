"""`make languages`: gather the interface's messages into annotator/locale and compile them."""

from __future__ import annotations

import subprocess
import sys

from scripts.failure import told
from scripts.machine import ROOT, VENV_PYTHON
from scripts.prepare import prepare


def main() -> int:
    prepare(database=False, broker=False)
    return subprocess.run([str(VENV_PYTHON), "-m", "scripts.catalogues"], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(told(main))
