"""From what is said of cells to pixels: which side of an edge inside a cell a pixel is on, its colour tells.

A cell is coarser than a boundary line. Around every pixel each class has a local mean colour, as its own
probabilities weigh the pixels there; a pixel's probabilities are then weighed by how well its colour fits each
class's. Nothing is learnt and no class is invented: a class that is unlikely nearby stays so, and where classes
look alike nothing moves. The idea of local colour statistics on both sides of an edge is that of Lankton and
Tannenbaum 2008, "Localizing Region-Based Active Contours".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Float = NDArray[np.float32]

REACH_PX = 13
"""The side of the square in which a class's colour is local: three cells."""
ROUNDS = 2
COLOUR_WEIGHT = 2 / 3
"""The exponent of the colours' likelihood: a third would be the mean over three bands, 1 their product."""
COLOUR_NOISE = 0.06
"""The least standard deviation of a class's colour in each band, of colours in 0..1."""
LEAST_LIKELY = 0.02
"""A class that is nowhere in the patch as likely as this is left as it is."""
FLOOR = 1e-4


def sharpen(probabilities: Float, image: NDArray[np.uint8]) -> Float:
    """Class probabilities ``(classes, rows, cols)`` at pixels, moved to the edges of their image.

    ``image`` is uint8 ``(rows, cols, 3)``. With p as given and q = p at first, twice: μ and σ² are the mean and
    the variance of the colours in a square around the pixel, weighted by q; then q ∝ p · N(colour; μ, σ²)^w,
    w being `COLOUR_WEIGHT` and σ at least `COLOUR_NOISE`.
    """
    colours = np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32) / np.float32(255)
    likely = np.flatnonzero(probabilities.max((1, 2)) >= LEAST_LIKELY)
    given = np.log(probabilities[likely] + np.float32(FLOOR))
    moved = probabilities[likely]
    mass = moved.sum(0)
    for _ in range(ROUNDS):
        scores = given + np.float32(COLOUR_WEIGHT) * _colour_fit(moved, colours)
        scores -= scores.max(0)
        moved = np.exp(scores)
        moved *= mass / moved.sum(0)
    result = probabilities.copy()
    result[likely] = moved
    return result


def _colour_fit(weights: Float, colours: Float) -> Float:
    """The logarithm of each pixel's colour's density under each class's local colours, but for a constant."""
    total = _local_mean(weights) + np.float32(FLOOR)
    fit = np.zeros_like(weights)
    for band in colours:
        mean = _local_mean(weights * band) / total
        variance = _local_mean(weights * band**2) / total - mean**2
        variance = np.maximum(variance, 0) + np.float32(COLOUR_NOISE**2)
        fit -= np.float32(0.5) * ((band - mean) ** 2 / variance + np.log(variance))
    return fit


def _local_mean(planes: Float) -> Float:
    """The mean in a square of `REACH_PX` around each pixel, plane by plane."""
    mean: Float = ndimage.uniform_filter(planes, size=(1, REACH_PX, REACH_PX), mode="nearest")
    return mean
