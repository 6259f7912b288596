"""What the server tells of, as typed rows. ``raw`` is the whole document, also what has no attribute here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from milpa.errors import MilpaError


@dataclass(frozen=True)
class Document:
    """One row as it was when it was asked for."""

    raw: Mapping[str, Any]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        """Raises MilpaError for a document that lacks something."""
        names = [field.name for field in fields(cls) if field.name != "raw"]
        missing = [name for name in names if name not in raw]
        if missing:
            raise MilpaError(
                f"The server's answer has no {', '.join(missing)}: it is of another release than this client. "
                "Install the client that comes with the server."
            )
        return cls(raw=raw, **{name: raw[name] for name in names})


@dataclass(frozen=True)
class LabelClass:
    """A class of a legend; value 0 is the null class. ``color`` as in #e69f00."""

    value: int
    name: str
    color: str
    is_boundary: bool = False


@dataclass(frozen=True)
class Project(Document):
    """``legend`` has value, name, color, is_null, is_boundary of each class; ``bounds`` west, south, east, north."""

    slug: str
    name: str
    patch_zoom: int | None
    legend: list[dict[str, Any]]
    roles: list[str]
    bounds: list[float] | None
    patch_counts: dict[str, int]
    promoted_version: int | None


@dataclass(frozen=True)
class Member(Document):
    """A role of a person in a project: annotator, lead or ml_staff."""

    id: int
    user: str
    role: str


@dataclass(frozen=True)
class Work(Document):
    """Something that goes on at the server and can be waited for."""

    path: ClassVar[str]

    id: int
    state: str
    message: str

    @property
    def is_active(self) -> bool:
        return bool(self.raw["is_active"])

    @property
    def is_done(self) -> bool:
        return self.state == "succeeded"

    @property
    def steps(self) -> tuple[int, int]:
        """How many are done, of how many; (0, 0) where that is not known."""
        return int(self.raw["done"]), int(self.raw["total"])


@dataclass(frozen=True)
class Scene(Work):
    """``acquired_on`` as in 2022-10-03; ``tile_url`` is None until it is ready."""

    path: ClassVar[str] = "scenes"

    name: str
    acquired_on: str | None
    bounds: list[float] | None
    gsd_m: float | None
    band_names: list[str]
    tile_url: str | None

    @property
    def is_active(self) -> bool:
        return self.state in ("pending", "ingesting")

    @property
    def is_done(self) -> bool:
        return self.state == "ready"

    @property
    def steps(self) -> tuple[int, int]:
        return int(self.raw["percent"]), 100


@dataclass(frozen=True)
class Job(Work):
    """Making proposals: how many patches are ``done`` of ``total``."""

    path: ClassVar[str] = "inference-jobs"

    done: int
    total: int
    scene: int
    model_version: int


@dataclass(frozen=True)
class Export(Work):
    """``file_url``, ``size_bytes`` and ``sha256`` are of the file, once it is made and as long as it is kept."""

    path: ClassVar[str] = "exports"

    kind: str
    parameters: dict[str, Any]
    file_name: str
    file_url: str | None
    size_bytes: int
    sha256: str
    fingerprint: str


@dataclass(frozen=True)
class Import(Work):
    """``preview`` tells what is in the file, ``report`` what became of it."""

    path: ClassVar[str] = "imports"

    file_name: str
    preview: dict[str, Any]
    report: dict[str, Any]


@dataclass(frozen=True)
class Run(Work):
    """A training run; ``parent`` and ``candidate`` are numbers of versions, ``verdict`` is the gate's."""

    path: ClassVar[str] = "training-runs"

    config: dict[str, Any]
    parent: int
    candidate: int | None
    verdict: dict[str, Any] | None

    @property
    def steps(self) -> tuple[int, int]:
        return int(self.raw["step"]), int(self.raw["steps"])


@dataclass(frozen=True)
class Version(Document):
    """A model version; ``number`` counts within its project."""

    id: int
    number: int
    state: str
    parent: int | None
    verdict: dict[str, Any] | None


@dataclass(frozen=True)
class Patch(Document):
    """``bounds`` are west, south, east, north in degrees."""

    id: int
    quadkey: str
    z: int
    x: int
    y: int
    state: str
    is_audit: bool
    bounds: list[float]


@dataclass(frozen=True)
class QueuePlace(Document):
    """A patch in the labelling queue and why it stands there."""

    patch: int
    quadkey: str
    score: float
    reason: str
    explanation: str


@dataclass(frozen=True)
class Ranking(Document):
    """One ordering of the queue and what it follows from."""

    id: int
    strategy: str
    patch_count: int
    scored_count: int
    is_stale: bool
    order_hash: str


@dataclass(frozen=True)
class Queue:
    """How many patches wait and are claimed, the first places, and the latest ranking."""

    open: int
    claimed: int
    entries: list[QueuePlace]
    ranking: Ranking | None
