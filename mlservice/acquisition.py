"""Which patches to label next: where the model knows least, or evenly over the land without a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COORDINATE_BITS = 31
"""Tile columns and rows are below 2³⁰ at every zoom in use."""


@dataclass(frozen=True)
class Ranking:
    """Patches in the order in which they are best labelled, and the score that put them there.

    ``scores`` fall; they are mean entropies in nats, so they compare within one model version.
    """

    keys: tuple[str, ...]
    scores: NDArray[np.float64]


def rank_by_entropy(mean_entropy_nats: NDArray[np.floating], keys: Sequence[str]) -> Ranking:
    """Rank patches by the mean entropy of their cells, highest first.

    Plain uncertainty sampling (Lewis & Gale 1994): a patch is worth a person's time where the model's
    own probabilities leave the most open. Level patches follow their keys, so the same proposals
    always give the same queue. Raises ValueError when a patch has no finite entropy or no key.
    """
    entropies = np.asarray(mean_entropy_nats, dtype=np.float64)
    if entropies.shape != (len(keys),):
        raise ValueError(f"there must be one entropy a key, got {entropies.shape} for {len(keys)} keys")
    if not np.isfinite(entropies).all():
        raise ValueError("every mean entropy must be a finite number")
    order = np.lexsort((np.asarray(keys, dtype=str), -entropies))
    return Ranking(keys=tuple(keys[index] for index in order), scores=entropies[order])


def spread_order(xy: NDArray[np.integer], seed: int = 0) -> NDArray[np.intp]:
    """An order of tiles, of which every beginning is spread over the land: for patches without proposals.

    ``xy`` is ``(patches, 2)`` of tile column and row; the answer indexes it. Tiles follow their Morton
    code with its bits reversed, the two-dimensional van der Corput sequence: the first four lie in four
    different quarters, the first sixteen in sixteen different sixteenths, where all of those exist.
    ``seed`` chooses where the order begins (a digital shift, which keeps it spread).
    """
    tiles = np.asarray(xy, dtype=np.int64).reshape(-1, 2)
    if not len(tiles):
        return np.empty(0, dtype=np.intp)
    tiles = tiles - tiles.min(axis=0)
    bits = max(1, int(tiles.max()).bit_length())
    if bits > COORDINATE_BITS:
        raise ValueError(f"tiles may lie at most 2**{COORDINATE_BITS} apart, got {int(tiles.max())}")
    tiles ^= np.random.default_rng(seed).integers(0, 1 << bits, size=2)
    code = np.zeros(len(tiles), dtype=np.int64)
    for bit in range(bits):
        x, y = (tiles >> bit & 1).T
        code = code << 2 | x << 1 | y
    return np.argsort(code, kind="stable")
