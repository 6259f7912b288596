"""Answers under a legend, measured by a part of its classes: what else was said is as wrong as nothing said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlservice.contracts import UNSURE, LabelledPatch, Legend, PatchSegmentation
from mlservice.dataset import within_legend


@dataclass(frozen=True)
class NarrowedAnswer:
    """An answer as `mlservice.evaluate` measures it: `UNSURE` and ``unparsed`` where another class was said.

    Probabilities are those of the classes that are left, and sum to less than 1; entropies stay as they were.
    """

    mask: NDArray[np.uint8]
    class_probabilities: NDArray[np.float32]
    entropy_nats: NDArray[np.float32]
    unparsed: NDArray[np.bool_]


def narrowed(
    answered: Iterable[tuple[LabelledPatch, PatchSegmentation]], said: Legend, counted: Legend
) -> Iterator[tuple[LabelledPatch, NarrowedAnswer]]:
    """Patches and answers under ``said``, by the classes of ``counted`` alone, all of which ``said`` has.

    Where the truth is none of these, nothing is measured.
    """
    rows = [said.values.index(value) for value in counted.values]
    for patch, answer in answered:
        likeliest = answer.class_probabilities.argmax(axis=0)
        unparsed = ~np.isin(likeliest, rows)
        if answer.unparsed is not None:
            unparsed |= answer.unparsed
        yield (
            within_legend(patch, counted),
            NarrowedAnswer(
                mask=np.where(np.isin(answer.mask, counted.values), answer.mask, np.uint8(UNSURE)),
                class_probabilities=answer.class_probabilities[rows],
                entropy_nats=answer.entropy_nats,
                unparsed=unparsed,
            ),
        )
