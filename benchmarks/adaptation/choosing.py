"""What a person is asked to label: cells of a pool as bool ``(patches, 64, 64)``, true where a label is asked.

Plain strategies choose whole labelling units (patches, or quarters of them); the others choose **points**, single
cells all over the pool. A strategy is given what the model says of the pool now and what is labelled already, and
adds to it until the labelled share of all cells is reached.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.adaptation.places import Place
from benchmarks.adaptation.rounds import Said
from mlservice.acquisition import balanced_worth, cell_margin, draw_points, half_by_chance, rank_by_diversity
from mlservice.contracts import PATCH_SIZE_PX
from mlservice.token_grid import CELL_PX
from mlservice.uncertainty import cell_entropy

SIDE = PATCH_SIZE_PX // CELL_PX
Cells = NDArray[np.bool_]


@dataclass(frozen=True)
class Look:
    """What a choice may be made on: what the model says, or None at the start of plain random choice."""

    place: Place
    said: Said | None
    labelled: Cells

    @property
    def entropy_nats(self) -> NDArray[np.float32]:
        """``(patches, 64, 64)``."""
        assert self.said is not None
        return np.stack([cell_entropy(patch) for patch in self.said.probabilities])


Worth = Callable[[Look, np.random.Generator], NDArray[np.floating]]


def patches_at_random(place: Place, share: float, rng: np.random.Generator) -> Cells:
    """Whole labelling units of a place that has no labels yet, at random, at least one."""
    nothing = np.zeros((len(place.pool.images), SIDE, SIDE), dtype=bool)
    look = Look(place, None, nothing)
    return _with_units(look, share, rng.random(unit_shape(place)))


def unit_shape(place: Place) -> tuple[int, int, int]:
    """How many labelling units there are: patches, and rows and columns of units in each."""
    across = SIDE // place.unit_cells
    return len(place.pool.images), across, across


def add_patches(look: Look, share: float, rng: np.random.Generator, worth: Worth) -> Cells:
    """The labelled cells with more whole units, those of the highest worth first."""
    return _with_units(look, share, worth(look, rng))


def add_diverse_patches(look: Look, share: float, rng: np.random.Generator) -> Cells:
    """The labelled cells with more whole units, uncertain ones that are unlike one another."""
    assert look.said is not None
    shape = unit_shape(look.place)
    entropy = _unit_means(look.entropy_nats, shape)
    # A quarter of a patch is as like another as their patches are.
    embeddings = look.said.embeddings.repeat(shape[1] * shape[2], axis=0)
    done = _unit_means(look.labelled, shape).ravel() > 0
    open_units = np.flatnonzero(~done)
    order = rank_by_diversity(entropy.ravel()[open_units], embeddings[open_units], len(open_units))
    worth = np.zeros(done.shape)
    worth[open_units[order]] = np.arange(len(order), 0, -1)
    return _with_units(look, share, worth.reshape(shape))


def add_points(look: Look, share: float, rng: np.random.Generator, worth: Worth) -> Cells:
    """The labelled cells with more single cells, drawn in proportion to their worth."""
    count = round(share * look.labelled.size) - int(look.labelled.sum())
    return _with_points(look, draw_points(np.where(look.labelled, 0, worth(look, rng)), count, rng))


def equally(look: Look, rng: np.random.Generator) -> NDArray[np.floating]:
    """Every cell is worth the same."""
    return np.ones(look.labelled.shape)


def units_equally(look: Look, rng: np.random.Generator) -> NDArray[np.floating]:
    """Units in an order of chance."""
    return rng.random(unit_shape(look.place))


def units_by_entropy(look: Look, rng: np.random.Generator) -> NDArray[np.floating]:
    """A unit's mean entropy."""
    return _unit_means(look.entropy_nats, unit_shape(look.place))


def units_by_margin(look: Look, rng: np.random.Generator) -> NDArray[np.floating]:
    """A unit's mean margin."""
    assert look.said is not None
    margins = np.stack([cell_margin(patch) for patch in look.said.probabilities])
    return _unit_means(margins, unit_shape(look.place))


def by_balance(look: Look, rng: np.random.Generator) -> NDArray[np.floating]:
    """A cell's entropy, rare classes counting more."""
    assert look.said is not None
    said = look.said.probabilities.argmax(1)
    return balanced_worth(look.entropy_nats, said, look.said.probabilities.shape[1])


def half_by_balance(look: Look, rng: np.random.Generator) -> NDArray[np.floating]:
    """One cell in two as `by_balance` has it, one in two by chance."""
    return half_by_chance(by_balance(look, rng), ~look.labelled)


def _unit_means(cells: NDArray[np.generic], shape: tuple[int, int, int]) -> NDArray[np.float64]:
    patches, across, _ = shape
    size = SIDE // across
    blocks = cells.reshape(patches, across, size, across, size)
    means: NDArray[np.float64] = blocks.astype(np.float64).mean((2, 4))
    return means


def _with_units(look: Look, share: float, worth: NDArray[np.floating]) -> Cells:
    shape = unit_shape(look.place)
    done = _unit_means(look.labelled, shape) > 0
    wanted = max(1, round(share * done.size)) - int(done.sum())
    order = np.argsort(-np.where(done, -np.inf, worth).ravel(), kind="stable")
    units = done.ravel()
    units[order[:wanted]] = True
    factor = SIDE // shape[1]
    return units.reshape(shape).repeat(factor, axis=1).repeat(factor, axis=2)


def _with_points(look: Look, chosen: NDArray[np.intp]) -> Cells:
    cells = look.labelled.flatten()
    cells[chosen] = True
    return cells.reshape(look.labelled.shape)
