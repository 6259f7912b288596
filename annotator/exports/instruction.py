"""The instruction data set: one set a side of the split, each as `mlservice.instruction` reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from annotator import inference
from annotator.enums import Side
from annotator.exports.contents import ApprovedPatch, Contents, Member, Part, common_members, json_bytes

PATCHES_A_PART = 16
LINES, INFO, IMAGES = "instructions.jsonl", "dataset.json", "images"


class Instructions:
    """``manner``: how an answer says the classes of a token patch, as in `inference.MANNERS`."""

    options = {"manner": "rows"}

    def parts(self, contents: Contents) -> Iterator[Part]:
        for name, _, patches in _parts(contents):
            yield Part(name, len(patches), partial(_write_part, contents, patches))

    def members(self, contents: Contents, work: Path) -> Iterator[Member]:
        for side in Side:
            folders = [work / name for name, of, _ in _parts(contents) if of == side]
            # A part without a single sure cell has no set in it.
            folders = [folder / "set" for folder in folders if (folder / "set").exists()]
            if not folders:
                continue
            infos = [json.loads((folder / INFO).read_text("utf-8")) for folder in folders]
            whole = {**infos[0], "lines": sum(info["lines"] for info in infos)}
            yield Member(f"{side}/{INFO}", [json_bytes(whole)])
            yield Member(f"{side}/{LINES}", (line for folder in folders for line in _lines(folder)))
            yield from _images(side, folders)
        yield from common_members(contents)


def _parts(contents: Contents) -> Iterator[tuple[str, str, tuple[ApprovedPatch, ...]]]:
    for side in Side:
        patches = tuple(patch for patch in contents.patches if patch.side == side)
        for start in range(0, len(patches), PATCHES_A_PART):
            yield f"{side}-{start:06d}", side, patches[start : start + PATCHES_A_PART]


def _write_part(contents: Contents, patches: tuple[ApprovedPatch, ...], folder: Path) -> None:
    folder.mkdir()
    inference.write_instructions(
        contents.read_images(patches), contents.legend, folder / "set", manner=contents.parameters["manner"]
    )


def _lines(folder: Path) -> Iterator[bytes]:
    with (folder / LINES).open("rb") as file:
        yield from file


def _images(side: str, folders: list[Path]) -> Iterator[Member]:
    """Each image once: neighbours in two parts may share their context image."""
    told: set[str] = set()
    for folder in folders:
        for path in sorted((folder / IMAGES).iterdir()):
            if path.name not in told:
                told.add(path.name)
                yield Member(f"{side}/{IMAGES}/{path.name}", path)
