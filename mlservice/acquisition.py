"""Which patches to label next, and which cells of them: where the model knows least, spread over what it sees.

Pure functions on arrays. docs/experiments.md has what each is worth; `benchmarks/active_learning.py` measures it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COORDINATE_BITS = 31
"""Tile columns and rows are below 2³⁰ at every zoom in use."""


TOP_SHARE = 0.1
"""The share of a patch's cells that `top_entropy` looks at."""


@dataclass(frozen=True)
class PatchWorths:
    """What labelling one patch is worth by each measure, from the model's answer alone.

    ``top_entropy_nats``, ``mean_margin`` and ``boundary_error`` as their functions say. ``class_cells`` and
    ``class_entropy_nats`` count the cells that say each class, in the legend's order, and add up their entropies:
    what `weighted_entropies` needs, which weighs classes by how common they are over all patches.
    """

    top_entropy_nats: float
    mean_margin: float
    boundary_error: float
    class_cells: tuple[int, ...]
    class_entropy_nats: tuple[float, ...]


def patch_worths(probabilities: NDArray[np.floating], entropy_nats: NDArray[np.floating]) -> PatchWorths:
    """Every measure of one answer: ``(classes, rows, cols)`` probabilities and ``(rows, cols)`` entropies."""
    said = probabilities.argmax(axis=0).ravel()
    count = len(probabilities)
    sums = np.bincount(said, weights=np.asarray(entropy_nats, np.float64).ravel(), minlength=count)
    return PatchWorths(
        top_entropy_nats=top_entropy(entropy_nats),
        mean_margin=float(cell_margin(probabilities).mean()),
        boundary_error=boundary_error(probabilities),
        class_cells=tuple(int(cells) for cells in np.bincount(said, minlength=count)),
        class_entropy_nats=tuple(float(total) for total in sums),
    )


def top_entropy(entropy_nats: NDArray[np.floating], share: float = TOP_SHARE) -> float:
    """The mean entropy of the most uncertain share of cells, in nats: a small field that is not understood is
    not drowned by the sure land around it."""
    flat = np.asarray(entropy_nats, dtype=np.float64).ravel()
    count = max(1, round(share * flat.size))
    return float(np.partition(flat, flat.size - count)[-count:].mean())


def boundary_error(probabilities: NDArray[np.floating]) -> float:
    """How many cells along outlines are expected to be wrong, as a share of all cells: ``(classes, rows, cols)``.

    A cell lies along an outline where one of its four neighbours says another class; it is wrong with the
    probability 1 − max p that the calibrated model itself gives.
    """
    said = probabilities.argmax(axis=0)
    along = np.zeros(said.shape, dtype=np.bool_)
    down, right = said[1:] != said[:-1], said[:, 1:] != said[:, :-1]
    along[1:] |= down
    along[:-1] |= down
    along[:, 1:] |= right
    along[:, :-1] |= right
    wrong = 1 - np.asarray(probabilities, dtype=np.float64).max(axis=0)
    return float(wrong[along].sum() / said.size)


def weighted_entropies(
    class_cells: NDArray[np.integer], class_entropy_nats: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Mean entropies in which a rare class counts more: two ``(patches, classes)`` arrays to ``(patches,)``, nats.

    A class weighs one over the root of its share of all cells, as in `balanced_worth`; the weights are scaled so
    that their mean over all cells is 1, and the worths of a scene have the scale of its mean entropies.
    """
    cells = np.asarray(class_cells, dtype=np.float64)
    share = cells.sum(axis=0) / max(1.0, cells.sum())
    weights = np.divide(1, np.sqrt(share), out=np.zeros_like(share), where=share > 0)
    weights /= max(float((weights * share).sum()), np.finfo(np.float64).tiny)
    worth: NDArray[np.float64] = (np.asarray(class_entropy_nats, dtype=np.float64) @ weights) / np.maximum(
        1, cells.sum(axis=1)
    )
    return worth


def order_by_worth(worth: NDArray[np.floating], keys: Sequence[str]) -> NDArray[np.intp]:
    """The patches from the highest worth to the lowest, as indices.

    Plain uncertainty sampling (Lewis & Gale 1994) where the worth is an entropy: a patch is worth a person's time
    where the model's own probabilities leave the most open. Level patches follow their keys, so the same proposals
    always give the same queue. Raises ValueError when a patch has no finite worth or no key.
    """
    values = np.asarray(worth, dtype=np.float64)
    if values.shape != (len(keys),):
        raise ValueError(f"there must be one worth a key, got {values.shape} for {len(keys)} keys")
    if not np.isfinite(values).all():
        raise ValueError("every worth must be a finite number")
    return np.lexsort((np.asarray(keys, dtype=str), -values))


def rank_by_diversity(
    worth: NDArray[np.floating],
    embeddings: NDArray[np.floating],
    count: int,
    labelled: NDArray[np.floating] | None = None,
) -> NDArray[np.intp]:
    """The first ``count`` patches, each uncertain and unlike both what is labelled and the ones before it.

    Greedy k-centre (Sener & Savarese 2018) with distances weighted by worth, a mean entropy say: each next patch
    has the largest product of its worth and its distance to the nearest that is labelled or chosen. Without any
    labelled ones the first is the one of the highest worth. ``embeddings`` is ``(patches, dimensions)`` of unit
    length, ``labelled`` likewise. The answer indexes the patches.
    """
    values = np.asarray(worth, dtype=np.float64)
    if not len(values) or count < 1:
        return np.empty(0, dtype=np.intp)
    nearest = np.full(len(values), np.inf)
    if labelled is not None and len(labelled):
        nearest = distance_to_nearest(embeddings, labelled)
        chosen = [int((values * nearest).argmax())]
    else:
        chosen = [int(values.argmax())]
    while len(chosen) < min(count, len(values)):
        nearest = np.minimum(nearest, np.linalg.norm(embeddings - embeddings[chosen[-1]], axis=1))
        product = values * nearest
        product[chosen] = -np.inf
        chosen.append(int(product.argmax()))
    return np.array(chosen, dtype=np.intp)


def distance_to_nearest(
    embeddings: NDArray[np.floating], others: NDArray[np.floating]
) -> NDArray[np.float64]:
    """How far every patch is from the nearest of the others; rows of unit length, so between 0 and 2."""
    closest = (np.asarray(embeddings, np.float32) @ np.asarray(others, np.float32).T).max(axis=1)
    distance: NDArray[np.float64] = np.sqrt(np.maximum(0, 2 - 2 * closest.astype(np.float64)))
    return distance


def novel_beyond(labelled: NDArray[np.floating], share: float = 0.95) -> float:
    """The distance beyond which a patch is unlike anything labelled, infinite for fewer than two labelled patches.

    So far apart from their nearest labelled neighbour are all but 1 − ``share`` of the labelled patches themselves.
    """
    if len(labelled) < 2:
        return float("inf")
    like = np.asarray(labelled, np.float32) @ np.asarray(labelled, np.float32).T
    np.fill_diagonal(like, -np.inf)
    nearest = np.sqrt(np.maximum(0, 2 - 2 * like.max(axis=1).astype(np.float64)))
    return float(np.quantile(nearest, share))


def chance_of(keys: Sequence[str], seed: int) -> NDArray[np.float64]:
    """A number in [0, 1) for every key, evenly spread and the same for the same key and seed.

    Patches whose number is below a share are a sample drawn with equal probability: it depends on no model and on
    no order, it grows when the share does, and anybody can draw it again.
    """
    digests = (hashlib.sha256(f"{seed} {key}".encode()).digest() for key in keys)
    return np.array([int.from_bytes(digest[:6], "big") / 2**48 for digest in digests], dtype=np.float64)


def interleave(
    chosen: NDArray[np.intp], drawn: NDArray[np.intp], share: float, *, done: int = 0, done_drawn: int = 0
) -> NDArray[np.intp]:
    """One order of both: as many of the ``drawn`` among the first patches as ``share`` asks for, wherever one stops.

    ``done`` patches were labelled already, ``done_drawn`` of them drawn ones, so that an order that is made anew
    again and again still keeps the share. Where one of the two is at its end, the other follows alone.
    """
    merged: list[int] = []
    taken = 0
    for place in range(len(chosen) + len(drawn)):
        is_due = done_drawn + taken + 1 <= share * (done + place + 1) + 1e-9
        left_of_chosen = place - taken < len(chosen)
        if taken < len(drawn) and (is_due or not left_of_chosen):
            merged.append(int(drawn[taken]))
            taken += 1
        else:
            merged.append(int(chosen[place - taken]))
    return np.array(merged, dtype=np.intp)


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


def half_by_chance(worth: NDArray[np.floating], drawable: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A worth by which one of two cells is drawn as ``worth`` has it and the other by chance among all drawable ones.

    A model that is sure and wrong, of a class whose word it has never read say, is found out by chance alone.
    """
    wanted = np.where(drawable, worth, 0).astype(np.float64)
    mixed: NDArray[np.float64] = drawable / max(1, drawable.sum()) + wanted / (wanted.sum() or 1.0)
    return mixed


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
