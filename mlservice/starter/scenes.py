"""What the starter is asked while it is trained: drawn scenes under legends in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlservice.contracts import Legend, LegendClass
from mlservice.landscape import COARSE_VALUE, DETAILED_LEGEND, LANDSCAPE_LEGEND
from mlservice.legend import KNOWN_WORDS
from mlservice.starter.bank import SceneBank
from mlservice.token_grid import PATCH_TOKEN_PATCHES, cells_to_indices, mask_to_cells

DETAILED_SHARE, COARSE_SHARE = 0.5, 0.2
"""How often the whole detailed legend is asked for, and the landscape's six classes; else it is drawn."""
KEEP = {"field": 0.92, "boundary": 0.85, "trees": 0.6, "water": 0.6, "buildings": 0.6}
KEEP_FINE = 0.5
"""The chance that a drawn legend asks for a class, and for one that its coarser class would else include."""
CLASS_WEIGHTS = {"other": 1.3, "boundary": 1.2, "trees": 1.3, "water": 1.5, "buildings": 2.0, "rice": 1.3}
"""Loss weights above 1, so that rare classes are learnt in time."""


@dataclass(frozen=True)
class SceneBatch:
    """Scenes under one legend: ``images`` uint8 ``(images, rows, cols, 3)``.

    ``targets`` int64 ``(images, cell rows, cell cols)``: class indices in the legend's order.
    ``token_patches`` are the numbers of those to be asked for, the same ones of each image.
    """

    legend: Legend
    images: NDArray[np.uint8]
    targets: NDArray[np.int64]
    token_patches: NDArray[np.int64]


def draw_batch(
    bank: SceneBank, rng: np.random.Generator, images: int, legend: Legend, token_patches: int
) -> SceneBatch:
    """So many scenes of a bank, each turned and lit at random, with their cells' classes under a legend."""
    scenes = [bank.draw(rng) for _ in range(images)]
    cells = [mask_to_cells(under_legend(detail, legend), legend) for _, detail in scenes]
    return SceneBatch(
        legend,
        np.stack([image for image, _ in scenes]),
        cells_to_indices(np.stack(cells), legend),
        rng.permutation(PATCH_TOKEN_PATCHES)[:token_patches],
    )


def draw_legend(rng: np.random.Generator) -> Legend:
    """A whole legend of the landscapes, or one that asks for less, in another order, with absent classes.

    So the answer has to follow the words of the prompt: what the legend does not name is said by its
    coarser class or is the null class, and a name whose meaning the model does not know is not to be said.
    """
    which = rng.random()
    if which < DETAILED_SHARE:
        return DETAILED_LEGEND
    if which < DETAILED_SHARE + COARSE_SHARE:
        return LANDSCAPE_LEGEND
    fine = [c.name for c in DETAILED_LEGEND.classes[len(LANDSCAPE_LEGEND.classes) :]]
    keep = KEEP | dict.fromkeys(fine, KEEP_FINE)
    names = [name for name, share in keep.items() if rng.random() < share] or ["field"]
    if rng.random() < 0.5:
        drawn = {c.name for c in DETAILED_LEGEND.classes}
        unknown = [*(word for word in KNOWN_WORDS if word not in drawn), "unknown a", "unknown b"]
        names += rng.choice(unknown, size=int(rng.integers(1, 5)), replace=False).tolist()
    names = rng.permutation(names).tolist()
    null = DETAILED_LEGEND.classes[0]
    return Legend(
        (
            null,
            *(
                LegendClass(value, str(name), null.color, is_boundary=name == "boundary")
                for value, name in enumerate(names, start=1)
            ),
        )
    )


def under_legend(detail: NDArray[np.uint8], legend: Legend) -> NDArray[np.uint8]:
    """The detailed truth in a legend's values.

    What the legend does not name is the class that is coarser, if it names that, and else its null class.
    """
    value_of = {c.name: c.value for c in legend.classes}
    name_of = {c.value: c.name for c in DETAILED_LEGEND.classes}
    table = np.zeros(256, dtype=np.uint8)
    for value, name in name_of.items():
        coarser = name_of[int(COARSE_VALUE[value])]
        table[value] = value_of.get(name, value_of.get(coarser, 0))
    return table[detail]


def class_weights(legend: Legend) -> list[float]:
    """The loss weight of each class, in the legend's order."""
    return [CLASS_WEIGHTS.get(c.name, 1.0) for c in legend.classes]
