"""Drawn landscapes that the starter goes on seeing in its rounds, so that it forgets less of what it knows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlservice.contracts import UNSURE, LabelledPatch, Legend
from mlservice.landscape import COARSE_VALUE, DETAILED_LEGEND
from mlservice.starter.bank import draw_scene
from mlservice.starter.scenes import under_legend

FIRST_SEED = 500_000_000
"""Seeds from here on, of the kind of scene that the starter was trained on, but none of those scenes."""


def rehearsal_patches(legend: Legend, count: int, seed: int) -> tuple[LabelledPatch, ...]:
    """So many landscapes with what the legend says of them; none where the legend names none of their classes.

    Of a legend that names a class which is never drawn, a drawn class that it does not name may be that one (a
    “milpa” is a field): such land is unsure. Otherwise it is what the starter was trained to say under such a
    legend, its null class.
    """
    drawn = {c.name: c.value for c in DETAILED_LEGEND.classes}
    names = {c.name for c in legend.classes if not c.is_null}
    if not names & drawn.keys():
        return ()
    open_values = _unnamed(names, drawn) if names - drawn.keys() else np.array([], dtype=np.uint8)
    patches = []
    for number in range(count):
        image, detail = draw_scene(FIRST_SEED + 10_000 * (seed % 10_000) + number)
        mask = under_legend(detail, legend)
        mask[np.isin(detail, open_values)] = UNSURE
        patches.append(LabelledPatch(f"drawn {number}", image, mask))
    return tuple(patches)


def _unnamed(names: set[str], drawn: dict[str, int]) -> NDArray[np.uint8]:
    """The drawn classes, the null class aside, that neither themselves nor by their coarser class are named."""
    named = [drawn[name] for name in names & drawn.keys()]
    return np.array(
        [v for v in drawn.values() if v and v not in named and int(COARSE_VALUE[v]) not in named],
        dtype=np.uint8,
    )
