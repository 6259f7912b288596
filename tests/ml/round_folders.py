"""Folders of small rounds on drawn land."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from PIL import Image

from mlservice.contracts import LabelledPatch
from mlservice.landscape import LANDSCAPE_LEGEND, draw_landscape

SIZE_PX = 128
CONFIG = {
    "steps": 2,
    "images_per_step": 4,
    "token_patches_per_image": 2,
    "rehearsal_share": 0.0,
    "lora_rank": 2,
    "validate_every_steps": 2,
    "precision": "float32",
    "checkpoint_every_steps": 1,
}


def drawn_patches(count: int, seed: int) -> tuple[LabelledPatch, ...]:
    """Drawn land in squares of `SIZE_PX`, with its truth."""
    land = draw_landscape(seed, (SIZE_PX * count, SIZE_PX))
    squares = [slice(at * SIZE_PX, (at + 1) * SIZE_PX) for at in range(count)]
    return tuple(
        LabelledPatch(f"patch{at}", land.image[square], land.truth[square])
        for at, square in enumerate(squares)
    )


def write_pngs(folder: Path, patches: Sequence[LabelledPatch]) -> None:
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for patch in patches:
        Image.fromarray(patch.image).save(folder / "images" / f"{patch.key}.png")
        Image.fromarray(patch.mask).save(folder / "masks" / f"{patch.key}.png")


def write_round(folder: Path, training: Sequence[LabelledPatch] | None = None, **config: object) -> Path:
    """A round of the starter on four patches, validated on two; returns the folder."""
    folder.mkdir()
    if training is None:
        training = drawn_patches(4, seed=1)
    if training:
        write_pngs(folder / "training", training)
    write_pngs(folder / "validation", drawn_patches(2, seed=2))
    (folder / "legend.json").write_text(json.dumps([asdict(c) for c in LANDSCAPE_LEGEND.classes]))
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    return folder
