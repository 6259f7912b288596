"""What is done already: a small file beside the result, which goes when the result goes."""

from __future__ import annotations

import hashlib
from pathlib import Path


class Done:
    """The steps whose result lies in a folder; with None, nothing is remembered and every step is due."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def before(self, step: str, wanted: str) -> bool:
        """Whether a step was done for just this input."""
        if self._folder is None:
            return False
        try:
            return self._stamp(self._folder, step).read_text() == wanted
        except OSError:
            return False

    def now(self, step: str, wanted: str) -> None:
        """Remember that a step is done for this input."""
        if self._folder is not None:
            self._stamp(self._folder, step).write_text(wanted)

    @staticmethod
    def _stamp(folder: Path, step: str) -> Path:
        return folder / f".milpa-{step}"


def digest(*paths: Path) -> str:
    """A short name for the contents of some files."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:20]
