"""Measurements of a long campaign, kept as they come, so that an interrupted one goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

Measurement = dict[str, float]


class Record:
    """Measurements by name, in a file of JSON lines, or in memory alone without one."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[str, Measurement] = {}
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                entry = json.loads(line)
                self._known[entry.pop("name")] = entry

    def __getitem__(self, name: str) -> Measurement:
        return self._known[name]

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def measure(self, name: str, of: Callable[[], Measurement]) -> Measurement:
        """The measurement of that name; taken now if it was not yet."""
        if name not in self._known:
            self._known[name] = of()
            line = json.dumps({"name": name, **self._known[name]})
            print(line, flush=True)
            if self._path is not None:
                with self._path.open("a") as file:
                    file.write(line + "\n")
        return self._known[name]
