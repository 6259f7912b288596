"""How many parcels are found: objects of two masks matched by their overlap, as counts that add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mlservice.contracts import UNSURE, Legend
from mlservice.legend import class_words

Mask = NDArray[np.uint8]

SMALLEST_OBJECT_PX = 16
"""Objects of fewer pixels count in neither mask: a cell has as many, and nothing finer is said."""
IOU_PERCENTS = tuple(range(50, 100, 5))
"""The thresholds 0.50, 0.55, …, 0.95 of COCO (Lin et al. 2014), in whole percents so that none is rounded."""
UNFARMED_WORDS = frozenset({"trees", "water", "buildings", "road", "bare", "grass", "mangrove", "shrubs"})
"""Known class words of land that is no parcel."""


def parcel_values(legend: Legend) -> tuple[int, ...]:
    """The classes whose connected pixels are parcels: all but null, boundary and `UNFARMED_WORDS`.

    A class with a name that no model knows counts as a parcel, since legends name crops. Where nothing is left,
    all classes but null and boundary count. Raises BadLegend for an unsound legend.
    """
    words = zip(legend.classes, class_words(legend), strict=True)
    named = [(c.value, word) for c, word in words if not c.is_null and not c.is_boundary]
    farmed = tuple(value for value, word in named if word not in UNFARMED_WORDS)
    return farmed or tuple(value for value, _ in named)


@dataclass(frozen=True)
class ObjectCounts:
    """Objects of the two masks, and how many are matched at each of `IOU_PERCENTS`. They add up."""

    said: int = 0
    true: int = 0
    matched: tuple[int, ...] = (0,) * len(IOU_PERCENTS)

    def __add__(self, other: ObjectCounts) -> ObjectCounts:
        matched = tuple(a + b for a, b in zip(self.matched, other.matched, strict=True))
        return ObjectCounts(self.said + other.said, self.true + other.true, matched)

    @property
    def precision(self) -> float | None:
        """The share of said objects that match a true one at an IoU of 0.5; None where none is said."""
        return self.matched[0] / self.said if self.said else None

    @property
    def recall(self) -> float | None:
        """The share of true objects that match a said one at an IoU of 0.5; None where there is none."""
        return self.matched[0] / self.true if self.true else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall at an IoU of 0.5; None where neither mask has an object."""
        return self._f1_by_threshold()[0] if self.said or self.true else None

    @property
    def mean_f1(self) -> float | None:
        """The mean of F1 over all thresholds; None where neither mask has an object."""
        return float(np.mean(self._f1_by_threshold())) if self.said or self.true else None

    def _f1_by_threshold(self) -> list[float]:
        return [2 * count / (self.said + self.true) for count in self.matched]


def count_objects(truth: Mask, said: Mask, values: tuple[int, ...]) -> ObjectCounts:
    """Match the objects of two masks one to one by their IoU.

    An object is a set of pixels of one of ``values`` that are connected by their sides; objects match whatever
    their class, so that a wrong crop in the right outline is found. Pixels where the truth is unsure count
    for no object's size or overlap, and an object of fewer than `SMALLEST_OBJECT_PX` others is left out.
    """
    sure = truth != UNSURE
    true_ids, true_sizes = _objects(truth, values, sure)
    said_ids, said_sizes = _objects(said, values, sure)
    return _count(true_ids, true_sizes, said_ids, said_sizes)


def count_matches(true_ids: NDArray[np.int64], said_ids: NDArray[np.int64]) -> ObjectCounts:
    """Match objects that are told apart already, such as parcels: two arrays of one shape of ids from 1 on without
    a gap, 0 where none is. Raises ValueError for an id that no pixel has."""
    sizes = [np.bincount(ids.ravel(), minlength=1)[1:].astype(np.int64) for ids in (true_ids, said_ids)]
    if any((of_one == 0).any() for of_one in sizes):
        raise ValueError("every object must have a pixel: leave no id out")
    return _count(true_ids, sizes[0], said_ids, sizes[1])


def _count(
    true_ids: NDArray[np.int64],
    true_sizes: NDArray[np.int64],
    said_ids: NDArray[np.int64],
    said_sizes: NDArray[np.int64],
) -> ObjectCounts:
    both = (true_ids > 0) & (said_ids > 0)
    pairs, shared = np.unique(true_ids[both] * (said_sizes.size + 1) + said_ids[both], return_counts=True)
    of_true, of_said = np.divmod(pairs, said_sizes.size + 1)
    united = true_sizes[of_true - 1] + said_sizes[of_said - 1] - shared
    matched = []
    for percent in IOU_PERCENTS:
        enough = 100 * shared >= percent * united
        matched.append(_one_to_one(of_true[enough], of_said[enough]))
    return ObjectCounts(said_sizes.size, true_sizes.size, tuple(matched))


def _objects(
    mask: Mask, values: tuple[int, ...], sure: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids from 1 on at the sure pixels of the objects that are large enough, and the size of each."""
    ids = np.zeros(mask.shape, np.int64)
    last = 0
    for value in values:
        labelled, found = ndimage.label(mask == value)
        ids += np.where(labelled > 0, labelled + last, 0)
        last += found
    ids[~sure] = 0
    sizes = np.bincount(ids.ravel(), minlength=last + 1)
    kept = sizes >= SMALLEST_OBJECT_PX
    kept[0] = False
    new_id = np.where(kept, kept.cumsum(), 0)
    return new_id[ids], sizes[kept].astype(np.int64)


def _one_to_one(of_true: NDArray[np.int64], of_said: NDArray[np.int64]) -> int:
    """How many pairs of an IoU of at least one half are left when no object may be matched twice.

    Above one half no object is in two pairs (Kirillov et al. 2019, "Panoptic Segmentation"). At one half
    exactly, it is when the other mask has it in two halves, which are then in no other pair: either will do.
    """
    _, first = np.unique(of_true, return_index=True)
    return int(np.unique(of_said[first]).size)
