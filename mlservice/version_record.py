"""What is told of a model version outside the program: the record that its card and its STAC Item are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlservice.contracts import Legend

STARTER_NAME = "milpa-starter"
"""What the base is called that comes with the program and is on no hub."""


@dataclass(frozen=True)
class Region:
    """A tile in which training patches lie: its quadkey, ``(west, south, east, north)`` in degrees, how many."""

    key: str
    bounds: tuple[float, float, float, float]
    patch_count: int


@dataclass(frozen=True)
class Measured:
    """What was measured of a version on held-out patches, by the names of `EvaluateReport`, as JSON keeps it."""

    name: str
    patch_count: int
    metrics: Mapping[str, Any]


@dataclass(frozen=True)
class VersionRecord:
    """A model version in the words of its own records, without people, paths or anything that changes later.

    ``name`` is letters, digits, dots and hyphens, and begins with a letter. ``made_at`` is UTC in RFC 3339.
    ``base`` is a hub name, the name of a local folder, or `STARTER_NAME`. ``patch_count`` patches were learned
    from, ``replay_count`` of them not for the first time, and ``validation_count`` others chose the step that was
    kept and the temperature; ``regions`` hold them all. ``measured`` are the parent and, last, the version itself
    on the same patches; empty if it never was. ``verdict`` has the fields of `mlservice.gate.GateVerdict`, None
    where the gate was not asked.
    """

    name: str
    made_at: str
    base: str
    parent: str
    legend: Legend
    temperature: float
    config: Mapping[str, Any]
    data_hash: str
    patch_count: int
    regions: tuple[Region, ...]
    replay_count: int = 0
    validation_count: int = 0
    measured: tuple[Measured, ...] = ()
    verdict: Mapping[str, Any] | None = None

    @property
    def is_base_on_hub(self) -> bool:
        """Whether the base's name is one that a hub of models knows it by: owner and model."""
        return self.base.count("/") == 1
