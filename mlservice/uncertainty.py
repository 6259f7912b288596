"""How sure the model is of a cell: Shannon entropy of its calibrated class probabilities, in nats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Float = NDArray[np.float32]


def tempered_softmax(logits: Float, temperature: float, axis: int = 0) -> Float:
    """Probabilities along ``axis`` from logits at a temperature: softmax(logits / temperature).

    Above 1 the temperature flattens, below 1 it sharpens; the likeliest class stays the same (Guo et al.
    2017, "On Calibration of Modern Neural Networks"). Log-probabilities will do as logits, since the softmax
    forgets a constant.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    return np.asarray(special.softmax(logits / temperature, axis=axis), dtype=np.float32)


def cell_entropy(probabilities: Float) -> Float:
    """The entropy H = −Σ p ln p of every cell, in nats: ``(classes, rows, cols)`` to ``(rows, cols)``.

    0 where one class is certain, `largest_entropy_nats` where all are equally likely.
    """
    return np.asarray(special.entr(probabilities).sum(axis=0), dtype=np.float32)


def largest_entropy_nats(class_count: int) -> float:
    """The entropy of a cell of which nothing is known: ln of the number of classes."""
    return float(np.log(class_count))
