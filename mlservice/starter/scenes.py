"""What the starter is trained on: landscapes of region "a", drawn as needed, and legends in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlservice.contracts import PATCH_SIZE_PX, Legend, LegendClass
from mlservice.dataset import TokenPatchExamples, jitter_colours, make_examples, turned
from mlservice.landscape import LANDSCAPE_LEGEND, draw_landscape
from mlservice.legend import KNOWN_WORDS

TRAINING_REGION = "a"
HELD_OUT_SEED = 1_000_000_000
"""Seeds from here on are never trained on: they are for measuring, and those twice as high for calibrating."""
NATIVE_SHARE = 0.4
CLASS_WEIGHTS = {"other": 1.7, "field": 1.0, "boundary": 1.2, "trees": 1.5, "water": 2.5, "buildings": 3.0}
"""Loss weights, about the classes' frequency to the power −0.3, so that rare classes are learnt in time."""


def draw_scene(rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A patch-sized image and its truth.

    The grid is of 0.5 to 3 m. `NATIVE_SHARE` of the images have that resolution; the others are from
    sensors up to 5 times as coarse, as when 10 m imagery is shown at 2.3 m to draw boundaries finely.
    """
    gsd_m = float(np.exp(rng.uniform(np.log(0.5), np.log(3.0))))
    coarser = 1.0 if rng.random() < NATIVE_SHARE else float(np.exp(rng.uniform(0, np.log(5.0))))
    seed = int(rng.integers(HELD_OUT_SEED))
    scene = draw_landscape(
        seed, PATCH_SIZE_PX, gsd_m=gsd_m, sensor_gsd_m=gsd_m * coarser, region=TRAINING_REGION
    )
    turn = int(rng.integers(8))
    return jitter_colours(turned(scene.image, turn), rng), turned(scene.truth, turn)


def draw_legend(rng: np.random.Generator) -> Legend:
    """The landscape's legend, or one that asks for less, in another order, with classes that are not there.

    So the answer has to follow the words of the prompt: what the legend does not name is the null class,
    and a name whose meaning the model does not know is not to be said.
    """
    if rng.random() < 0.35:
        return LANDSCAPE_LEGEND
    keep = {"field": 0.92, "boundary": 0.85, "trees": 0.6, "water": 0.6, "buildings": 0.6}
    names = [name for name, share in keep.items() if rng.random() < share] or ["field"]
    if rng.random() < 0.5:
        unknown = [*KNOWN_WORDS[len(LANDSCAPE_LEGEND.classes) :], *("unknown a", "unknown b", "unknown c")]
        names += rng.choice(unknown, size=int(rng.integers(1, 5)), replace=False).tolist()
    names = rng.permutation(names).tolist()
    null = LANDSCAPE_LEGEND.classes[0]
    return Legend(
        (
            null,
            *(
                LegendClass(value, str(name), null.color, is_boundary=name == "boundary")
                for value, name in enumerate(names, start=1)
            ),
        )
    )


def under_legend(truth: NDArray[np.uint8], legend: Legend) -> NDArray[np.uint8]:
    """The truth in a legend's values; what it does not name is its null class."""
    value_of = {c.name: c.value for c in legend.classes}
    table = np.zeros(256, dtype=np.uint8)
    for drawn in LANDSCAPE_LEGEND.classes:
        table[drawn.value] = value_of.get(drawn.name, 0)
    return table[truth]


def draw_examples(
    rng: np.random.Generator, legend: Legend, token_patches: int | None = None
) -> TokenPatchExamples:
    """All token patches of a drawn scene, or so many of them, under a legend."""
    image, truth = draw_scene(rng)
    examples = make_examples(image, under_legend(truth, legend), legend)
    if token_patches is None:
        return examples
    return examples.take(rng.permutation(len(examples.origins))[:token_patches])


def class_weights(legend: Legend) -> list[float]:
    """The loss weight of each class, in the legend's order."""
    return [CLASS_WEIGHTS.get(c.name, 1.0) for c in legend.classes]
