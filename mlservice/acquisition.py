"""Which patches to label next, and which cells of them: where the model knows least, spread over what it sees.

Pure functions on arrays. docs/experiments.md has what each is worth; `benchmarks/active_learning.py` measures it.
"""

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


def rank_by_diversity(
    mean_entropy_nats: NDArray[np.floating], embeddings: NDArray[np.floating], count: int
) -> NDArray[np.intp]:
    """The first ``count`` patches, each the most uncertain of those that are unlike the ones before it.

    Greedy k-centre (Sener & Savarese 2018) with distances weighted by entropy: the first is the most uncertain
    patch, and each next one has the largest product of its mean entropy and its distance to the nearest chosen
    one. ``embeddings`` is ``(patches, dimensions)`` of unit length. The answer indexes the patches.
    """
    entropies = np.asarray(mean_entropy_nats, dtype=np.float64)
    chosen = [int(entropies.argmax())]
    nearest = np.full(len(entropies), np.inf)
    while len(chosen) < min(count, len(entropies)):
        nearest = np.minimum(nearest, np.linalg.norm(embeddings - embeddings[chosen[-1]], axis=1))
        worth = entropies * nearest
        worth[chosen] = -np.inf
        chosen.append(int(worth.argmax()))
    return np.array(chosen, dtype=np.intp)


def cell_margin(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """How near the two likeliest classes of every cell are, 1 where level: ``(classes, …)`` to ``(…)``.

    1 − (p₁ − p₂), which is 0 where one class is certain (Scheffer et al. 2001).
    """
    highest = np.partition(np.asarray(probabilities, dtype=np.float64), -2, axis=0)[-2:]
    margin: NDArray[np.float64] = 1 - (highest[1] - highest[0])
    return margin


def draw_points(worth: NDArray[np.floating], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """So many different cells at random, a cell of twice the worth about twice as likely to come early.

    Draws without replacement with probabilities in proportion to what is left of ``worth``, any shape, at least
    0, by the Gumbel-top-k trick (Kool et al. 2019): a draw is spread over the land as chance spreads it, where the
    highest cells alone would lie side by side on one boundary. The answer indexes the flattened worth; cells of no
    worth are not drawn, so there may be fewer.
    """
    flat = np.asarray(worth, dtype=np.float64).ravel()
    if not (np.isfinite(flat) & (flat >= 0)).all():
        raise ValueError("every worth must be a finite number of at least 0")
    with np.errstate(divide="ignore"):
        keys = np.log(flat) + rng.gumbel(size=flat.shape)
    count = min(count, int((flat > 0).sum()))
    return np.argsort(-keys, kind="stable")[:count]


def balanced_worth(
    entropy_nats: NDArray[np.floating], said: NDArray[np.integer], class_count: int
) -> NDArray[np.float64]:
    """A worth of cells that asks for every class: entropy over the root of how common the said class is.

    ``entropy_nats`` and ``said``, class indices, have one shape. The mean IoU counts a rare class as much as a
    common one, and a model learns it from as many labels.
    """
    share = np.bincount(said.ravel(), minlength=class_count) / max(1, said.size)
    worth: NDArray[np.float64] = np.asarray(entropy_nats, dtype=np.float64) / np.sqrt(share[said])
    return worth


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
