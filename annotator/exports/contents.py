"""What an export is made of, and what a form of export has to do with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from annotator.inference import LabelledPatch, Legend
from annotator.models import Scene

Mask = NDArray[np.uint8]
PATCHES_A_PART = 64


@dataclass(frozen=True, slots=True)
class ApprovedPatch:
    """A patch with where its mask comes from: the revision, its author, and the proposal that it started from.

    ``author`` is a name or a number, as the export's parameters say. ``model_version`` and ``scene`` (its name)
    are None where the mask was drawn on nothing.
    """

    quadkey: str
    z: int
    x: int
    y: int
    side: str
    revision: int
    number: int
    author: str
    saved_at: str
    is_import: bool
    model_version: int | None
    scene: str | None
    pixels_changed: int


@dataclass(frozen=True)
class Contents:
    """Everything that an export's bytes depend on.

    ``patches`` are in the order of their quadkeys. ``read_masks`` gives the masks, uint8 ``(256, 256)``, of some
    patches in their order, ``read_images`` likewise with the imagery that they lie on. ``scene`` is the one whose
    grid a mosaic has, None for that of the patches. ``latest`` is when the newest revision was saved.
    """

    name: str
    project: Mapping[str, Any]
    kind: str
    parameters: Mapping[str, Any]
    legend: Legend
    patches: tuple[ApprovedPatch, ...]
    read_masks: Callable[[Sequence[ApprovedPatch]], Iterator[Mask]]
    read_images: Callable[[Sequence[ApprovedPatch]], Iterator[LabelledPatch]]
    scene: Scene | None = None

    @property
    def zoom(self) -> int:
        return self.patches[0].z

    @property
    def latest(self) -> str:
        return max(patch.saved_at for patch in self.patches)

    def names_of(self) -> dict[int, str]:
        """The classes' names by their values."""
        return {c.value: c.name for c in self.legend.classes}


@dataclass(frozen=True)
class Part:
    """A file or folder of the work folder that is made as a whole, so that a job that was killed goes on after it.

    ``patches`` is how many of the export's patches are done with it.
    """

    name: str
    patches: int
    write: Callable[[Path], None]


@dataclass(frozen=True)
class Member:
    """A file of the archive: its name in it, and where its bytes are or come from."""

    name: str
    source: Path | Iterable[bytes]


class ExportForm(Protocol):
    """One form of export. ``options`` are its own parameters with their defaults."""

    options: Mapping[str, Any]

    def parts(self, contents: Contents) -> Iterator[Part]:
        """The parts to make, in order; always the same for the same contents."""

    def members(self, contents: Contents, work: Path) -> Iterator[Member]:
        """The archive's own files, from the finished parts in the folder ``work``, in order."""


def shards(contents: Contents) -> Iterator[tuple[str, tuple[ApprovedPatch, ...]]]:
    """The patches some at a time, each with a name for what is made of them."""
    for start in range(0, len(contents.patches), PATCHES_A_PART):
        yield f"part-{start:06d}", contents.patches[start : start + PATCHES_A_PART]


def common_members(contents: Contents) -> Iterator[Member]:
    """What every archive tells: what it is, its legend, and for each patch its side and where it comes from."""
    sides = [patch.side for patch in contents.patches]
    yield Member(
        "export.json",
        [
            json_bytes(
                {
                    "project": dict(contents.project),
                    "kind": contents.kind,
                    "parameters": dict(contents.parameters),
                    "patch_zoom": contents.zoom,
                    "legend": [asdict(c) for c in contents.legend.classes],
                    "unsure_value": 255,
                    "patches": len(sides),
                    "sides": {side: sides.count(side) for side in sorted(set(sides))},
                }
            )
        ],
    )
    yield Member("patches.jsonl", (line_bytes(asdict(patch)) for patch in contents.patches))


def json_bytes(document: Any) -> bytes:
    return (
        json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n"
    ).encode()


def line_bytes(document: Any) -> bytes:
    return (json.dumps(document, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n").encode()
