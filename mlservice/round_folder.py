"""A LoRA round as a folder, for rounds outside the web application.

::

    legend.json   the classes, as `mlservice.legend_file` reads them
    parent.json   {"base": …, "adapter": …, "temperature": …}: what is trained further; without it, the starter
    config.json   fields of `FinetuneConfig`; what is left out, or the whole file, has its defaults
    training/     the labelled patches to learn from
    validation/   those that choose the best step and fit the temperature; may be missing
    replay/       those of earlier rounds; may be missing

A folder of labelled patches is an instruction set (`mlservice.instruction`), or has a PNG of class values in
``masks/`` for each PNG of the same name and size in ``images/``; 255 is unsure. Paths in parent.json are taken
from the folder. The round leaves ``work/``, ``adapter/`` and ``report.json`` there.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlservice.contracts import UNSURE, FinetuneConfig, FinetuneReport, FinetuneSpec, LabelledPatch, ModelRef
from mlservice.errors import MethodError
from mlservice.instruction import INFO_FILE, Instruction, InstructionSet, read_instruction_set
from mlservice.legend_file import read_legend
from mlservice.starter import starter_model
from mlservice.token_grid import IGNORED_INDEX

REPORT_FILE = "report.json"


class BadRoundFolder(MethodError):
    """A folder is no round; the message names the file."""


def read_round(folder: Path) -> FinetuneSpec:
    """The round of a folder, with its patches in memory.

    Raises BadRoundFolder, BadLegend or BadInstructionSet, naming the file that is not as it should be.
    """
    if not (folder / "training").is_dir():
        raise BadRoundFolder(f"“{folder}” has no folder “training” of labelled patches, so it is no round.")
    return FinetuneSpec(
        parent=_parent(folder),
        legend=read_legend(folder / "legend.json"),
        training=_patches(folder / "training"),
        validation=_patches(folder / "validation"),
        replay=_patches(folder / "replay"),
        config=_config(folder / "config.json"),
        work_dir=folder / "work",
        out_dir=folder / "adapter",
    )


def write_round_report(folder: Path, report: FinetuneReport) -> Path:
    """What the round came to, beside its adapter, by the names of `FinetuneReport`."""
    fields = asdict(report)
    fields["temperature"] = report.model.temperature
    del fields["model"]
    path = folder / REPORT_FILE
    path.write_text(json.dumps(fields, indent=1, allow_nan=False) + "\n", "utf-8")
    return path


def _parent(folder: Path) -> ModelRef:
    values = _object(folder / "parent.json", {"base", "adapter", "temperature"})
    starter = starter_model()
    base, adapter = values.get("base"), values.get("adapter")
    known = starter.temperature if base is None else 1.0
    temperature = values.get("temperature", known)
    texts = all(value is None or isinstance(value, str) for value in (base, adapter))
    if not texts or type(temperature) not in (int, float) or not temperature > 0:
        raise BadRoundFolder(
            f"{folder / 'parent.json'}: “base” and “adapter” are names, “temperature” is a number above 0."
        )
    if base is not None and (folder / base).is_dir():
        base = str(folder / base)
    return ModelRef(base or starter.base, folder / adapter if adapter else None, float(temperature))


def _config(path: Path) -> FinetuneConfig:
    try:
        return FinetuneConfig(**_object(path, None))
    except (TypeError, ValueError) as error:
        raise BadRoundFolder(f"{path}: {error}.") from error


def _object(path: Path, known: set[str] | None) -> dict[str, Any]:
    """The JSON object in a file, empty where there is no file."""
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadRoundFolder(f"{path}: this is no JSON ({error}).") from error
    if not isinstance(values, dict) or (known is not None and not values.keys() <= known):
        fields = f" with no other fields than {', '.join(sorted(known))}" if known else ""
        raise BadRoundFolder(f"{path}: it must be a JSON object{fields}.")
    return values


def _patches(folder: Path) -> tuple[LabelledPatch, ...]:
    """The labelled patches of a folder in either form; none where there is no folder."""
    if not folder.is_dir():
        return ()
    if (folder / INFO_FILE).exists():
        return _patches_of_set(read_instruction_set(folder))
    pairs = [(path, folder / "masks" / path.name) for path in sorted((folder / "images").glob("*.png"))]
    if not pairs:
        raise BadRoundFolder(
            f"“{folder}” has neither a {INFO_FILE} of an instruction set nor PNGs in “images” and “masks”."
        )
    return tuple(_patch_of_pngs(image, mask) for image, mask in pairs)


def _patch_of_pngs(image_path: Path, mask_path: Path) -> LabelledPatch:
    image, mask = _pixels(image_path, "RGB"), _pixels(mask_path, None)
    if mask.dtype != np.uint8 or mask.shape != image.shape[:2]:
        raise BadRoundFolder(
            f"“{mask_path}” must have one 8-bit class value for each pixel of “{image_path.name}” of the images."
        )
    return LabelledPatch(image_path.stem, image, mask)


def _pixels(path: Path, mode: str | None) -> NDArray[np.uint8]:
    """The PNG's pixels; those of a palette as numbers, not as colours, where no mode is asked for."""
    try:
        with Image.open(path) as image:
            return np.array(image.convert(mode) if mode else image)
    except OSError as error:
        raise BadRoundFolder(f"“{path}” cannot be read as a picture: {error}.") from error


def _patches_of_set(dataset: InstructionSet) -> tuple[LabelledPatch, ...]:
    """The lines of a set, those of the same patch together again."""
    lines: dict[tuple[str, Path], list[Instruction]] = defaultdict(list)
    for line in dataset:
        lines[line.key, line.image_paths[0]].append(line)
    values = np.append(np.array(dataset.legend.values, np.uint8), np.uint8(UNSURE))
    return tuple(
        _joined(key, _pixels(image, "RGB"), parts, values, dataset.cell_px)
        for (key, image), parts in lines.items()
    )


def _joined(
    key: str, image: NDArray[np.uint8], parts: Sequence[Instruction], values: NDArray[np.uint8], cell_px: int
) -> LabelledPatch:
    """Token patches in their places in one mask: the smallest square that holds them, 255 between them."""
    side = parts[0].indices.shape[0] * cell_px
    rows, cols = ({getattr(part, name) for part in parts} for name in ("row", "col"))
    size = side + max(max(rows) - min(rows), max(cols) - min(cols))
    row, col = (
        max(0, min(min(at), whole - size)) for at, whole in zip((rows, cols), image.shape, strict=False)
    )
    mask = np.full((size, size), UNSURE, np.uint8)
    for part in parts:
        unsure_last = np.where(part.indices == IGNORED_INDEX, len(values) - 1, part.indices)
        pixels = values[unsure_last].repeat(cell_px, 0).repeat(cell_px, 1)
        top, left = part.row - row, part.col - col
        mask[top : top + side, left : left + side] = pixels
    return LabelledPatch(key, image, mask, row, col)
