"""Adapters as files, looked at without loading any model."""

from __future__ import annotations

import errno
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

WEIGHTS_FILE = "adapter_model.safetensors"


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns the library's own error, where it cannot write weights, into the OSError that any other file gives.

    What it cannot read is a MethodError before it comes here.
    """
    try:
        yield
    except SafetensorError as error:
        raise OSError(errno.EIO, str(error), str(folder)) from error


def largest_difference(one: Path, other: Path) -> float:
    """The largest absolute difference of any weight of two adapters' folders; 0 where they are bit for bit the same.

    Infinite where they do not have the same weights by name and shape, or where one is no number and the other is.
    Raises OSError for a folder without weights.
    """
    first, second = load_file(one / WEIGHTS_FILE), load_file(other / WEIGHTS_FILE)
    if {n: w.shape for n, w in first.items()} != {n: w.shape for n, w in second.items()}:
        return math.inf
    differences = [_difference(weight, second[name]) for name, weight in first.items()]
    return max(differences, default=0.0)


def has_only_numbers(folder: Path) -> bool:
    """Whether every weight of an adapter is a finite number. Raises OSError for a folder without weights."""
    return all(bool(weight.isfinite().all()) for weight in load_file(folder / WEIGHTS_FILE).values())


def _difference(one: torch.Tensor, other: torch.Tensor) -> float:
    if torch.equal(one, other):
        return 0.0
    difference = float((one.double() - other.double()).abs().max())
    return math.inf if math.isnan(difference) else difference
