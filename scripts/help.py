"""`make help`: the targets, read from the Makefile's own comments."""

from __future__ import annotations

import re
import sys

from scripts.machine import ROOT


def targets() -> list[tuple[str, str]]:
    """Each target with what it does."""
    return re.findall(r"^([a-z]+): ## (.+)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def main() -> int:
    for name, purpose in targets():
        print(f"  make {name:<8} {purpose}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
