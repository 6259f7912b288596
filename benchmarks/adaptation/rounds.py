"""LoRA rounds on part of a place's labels, by the application's own code, and what the result says of land."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.adaptation.places import Land, Place
from mlservice.contracts import (
    UNSURE,
    FinetuneConfig,
    FinetuneSpec,
    LabelledPatch,
    Legend,
    ModelRef,
    PatchWindow,
)
from mlservice.finetune import finetune
from mlservice.metrics import confusion_matrix, mean_iou
from mlservice.token_grid import (
    CELL_PX,
    TOKEN_PATCH_CELLS,
    cells_to_mask,
    indices_to_cells,
    join_token_patches,
    mask_to_cells,
    token_patch_origins,
)
from mlservice.training.loss import chosen_precision, computing
from mlservice.uncertainty import tempered_softmax
from mlservice.vlm import answering


@dataclass(frozen=True)
class Said:
    """``probabilities`` float32 ``(patches, classes, 64, 64)``; ``embeddings`` ``(patches, dimensions)``."""

    probabilities: NDArray[np.float32]
    embeddings: NDArray[np.float32]


def say(model: ModelRef, legend: Legend, images: NDArray[np.uint8]) -> Said:
    """The class probabilities of all cells of so many patches; masks of pixels are not made."""
    probabilities, embeddings = [], []
    with answering(model) as loaded, torch.inference_mode():
        family = loaded.family
        prompt = family.prompt(legend)
        precision = chosen_precision("auto", loaded.device)
        for image in images:
            with computing(precision, loaded.device):
                context = family.encode(image, prompt)
                said = family.answer(context, prompt, token_patch_origins(0, 0, len(image)))
            grid = said.logits.transpose(1, 2).unflatten(2, (TOKEN_PATCH_CELLS, TOKEN_PATCH_CELLS))
            side = len(image) // CELL_PX
            logits = join_token_patches(grid.float().numpy(), side, side)
            probabilities.append(tempered_softmax(logits, model.temperature))
            embeddings.append(family.embedding(context, PatchWindow("all", size_px=len(image))).numpy())
    return Said(np.stack(probabilities), np.stack(embeddings))


def cells_of(land: Land, legend: Legend) -> NDArray[np.uint8]:
    """The true class value of every cell, ``(patches, 64, 64)``."""
    return np.stack([mask_to_cells(mask, legend) for mask in land.masks])


def measured_miou(model: ModelRef, place: Place) -> float:
    """The mean IoU of cells on the place's held-out patches."""
    said = say(model, place.legend, place.held_out.images).probabilities.argmax(1)
    truth = cells_of(place.held_out, place.legend)
    return mean_iou(confusion_matrix(truth, indices_to_cells(said, place.legend), place.legend.values))


def labelled(place: Place, which: NDArray[np.bool_]) -> tuple[LabelledPatch, ...]:
    """The pool's patches with the truth in the cells of ``which``, ``(patches, 64, 64)``, and 255 elsewhere."""
    patches = []
    for index in np.flatnonzero(which.any((1, 2))):
        seen = cells_to_mask(which[index].astype(np.uint8)) == 1
        mask = np.where(seen, place.pool.masks[index], np.uint8(UNSURE))
        patches.append(LabelledPatch(f"{index:05d}", place.pool.images[index], mask))
    return tuple(patches)


def learn(
    parent: ModelRef,
    place: Place,
    patches: Sequence[LabelledPatch],
    config: FinetuneConfig,
    folder: Path,
    replay: Sequence[LabelledPatch] = (),
) -> ModelRef:
    """One round from a parent; its adapter goes into the folder."""
    spec = FinetuneSpec(
        parent,
        place.legend,
        tuple(patches),
        (),
        config,
        folder / "work",
        folder / "adapter",
        tuple(replay),
    )
    return finetune(spec, lambda _: None).model
