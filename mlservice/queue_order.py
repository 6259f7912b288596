"""The order in which patches are served: by worth, unlike one another, spread over the land, with a random share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlservice.acquisition import (
    chance_of,
    distance_to_nearest,
    interleave,
    novel_beyond,
    order_by_worth,
    rank_by_diversity,
    spread_order,
)

CANDIDATES = 2000
"""Of how many of the worthiest patches the embeddings are looked at."""
DIVERSE_COUNT = 300
"""How many patches greedy k-centre puts in front; the next ranking comes long before they are labelled."""


@dataclass(frozen=True)
class Waiting:
    """The patches that wait, and all that their order follows from.

    ``keys`` are quadkeys and ``xy``, ``(patches, 2)``, tile columns and rows. ``worth`` is NaN where nothing is known
    of a patch. ``embeddings``, ``(candidates, dimensions)`` of unit length, belong to the patches that the indices
    ``embedded`` name, ``labelled`` are those of patches that are labelled. ``done`` patches were labelled,
    ``done_drawn`` of them of the random sample.
    """

    keys: tuple[str, ...]
    xy: NDArray[np.int64]
    worth: NDArray[np.float64]
    embedded: NDArray[np.intp]
    embeddings: NDArray[np.float32]
    labelled: NDArray[np.float32]
    is_diverse: bool
    seed: int
    audit_share: float
    done: int = 0
    done_drawn: int = 0


@dataclass(frozen=True)
class QueueOrder:
    """``order`` indexes the patches, the first to be served first; the rest is of the patches' own order.

    ``is_drawn``: of the random sample. ``is_novel``: unlike anything labelled. ``worth_rank``: 1 for the highest
    worth, 0 where there is none. ``is_chosen``: put where it is by diversity.
    """

    order: NDArray[np.intp]
    is_drawn: NDArray[np.bool_]
    is_novel: NDArray[np.bool_]
    is_chosen: NDArray[np.bool_]
    worth_rank: NDArray[np.int64]


def is_audited(keys: tuple[str, ...], seed: int, share: float) -> NDArray[np.bool_]:
    """Which patches the random sample of a project holds: a ``share`` of all, each as likely as any other."""
    drawn: NDArray[np.bool_] = chance_of(keys, seed) < share
    return drawn


def candidates(worth: NDArray[np.float64], keys: tuple[str, ...]) -> NDArray[np.intp]:
    """The worthiest patches, as indices: those whose embeddings the order may look at."""
    scored = np.flatnonzero(np.isfinite(worth))
    return scored[order_by_worth(worth[scored], [keys[i] for i in scored])][:CANDIDATES]


def arrange(waiting: Waiting) -> QueueOrder:
    """Puts the patches in order. The same input always gives the same order.

    The worthiest come first, with ``is_diverse`` the first `DIVERSE_COUNT` of them by greedy k-centre; patches of
    which nothing is known follow, spread over the land; and the random sample is mixed in at its share.
    """
    keys, worth = waiting.keys, waiting.worth
    drawn = is_audited(keys, waiting.seed, waiting.audit_share)
    scored = np.flatnonzero(np.isfinite(worth))
    by_worth = scored[order_by_worth(worth[scored], [keys[i] for i in scored])]
    ranks = np.zeros(len(keys), dtype=np.int64)
    ranks[by_worth] = np.arange(1, len(by_worth) + 1)
    first = _diverse_first(waiting, drawn)
    chosen = np.zeros(len(keys), dtype=np.bool_)
    chosen[first] = True
    unknown = np.flatnonzero(~np.isfinite(worth) & ~drawn)
    spread = unknown[spread_order(waiting.xy[unknown], waiting.seed)]
    ahead = np.concatenate([first, by_worth[~drawn[by_worth] & ~chosen[by_worth]], spread])
    sample = np.flatnonzero(drawn)
    sample = sample[np.argsort(chance_of([keys[i] for i in sample], waiting.seed), kind="stable")]
    order = interleave(ahead, sample, waiting.audit_share, done=waiting.done, done_drawn=waiting.done_drawn)
    return QueueOrder(order, drawn, _novel(waiting), chosen, ranks)


def _diverse_first(waiting: Waiting, drawn: NDArray[np.bool_]) -> NDArray[np.intp]:
    open_ones = np.flatnonzero(~drawn[waiting.embedded])
    if not waiting.is_diverse or not len(open_ones):
        return np.empty(0, dtype=np.intp)
    places = waiting.embedded[open_ones]
    picked = rank_by_diversity(
        waiting.worth[places], waiting.embeddings[open_ones], DIVERSE_COUNT, waiting.labelled
    )
    return places[picked]


def _novel(waiting: Waiting) -> NDArray[np.bool_]:
    novel = np.zeros(len(waiting.keys), dtype=np.bool_)
    if len(waiting.labelled) and len(waiting.embedded):
        far = distance_to_nearest(waiting.embeddings, waiting.labelled) > novel_beyond(waiting.labelled)
        novel[waiting.embedded] = far
    return novel
