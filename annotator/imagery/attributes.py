"""Attributes of features that may tell their class: those with few values, kept as one byte a feature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

SHOWN_VALUES = 200
MAX_VALUE_CHARS = 200
"""A longer text is a description, no class."""
MAX_ATTRIBUTES = 300


@dataclass(frozen=True)
class Attribute:
    """``counts``: how often each value is met, in the order of the values, which is that of their codes. ``codes``:
    the code of each feature."""

    counts: Mapping[str, int]
    codes: NDArray[np.uint8]


def attribute_of(batches: Iterable[pa.Array], rows: NDArray[np.int64]) -> Attribute | None:
    """A column, as it comes piece after piece, for the ``rows`` that are kept of it; None where it is no class: it
    has a value of its own for each feature, or long texts, or no plain values. Reading ends as soon as that shows.
    """
    order: dict[str, int] = {}
    pieces = []
    for batch in batches:
        codes = _codes_of(batch, order)
        if codes is None:
            return None
        pieces.append(codes)
    codes = np.concatenate(pieces)[rows] if pieces else np.empty(0, np.uint8)
    found = np.bincount(codes, minlength=len(order))
    values = sorted(value for value, code in order.items() if found[code])
    renumbered = np.zeros(SHOWN_VALUES + 1, np.uint8)
    renumbered[[order[value] for value in values]] = np.arange(len(values))
    return Attribute({value: int(found[order[value]]) for value in values}, renumbered[codes])


def is_plain(kind: pa.DataType) -> bool:
    """Whether values of that type can be told as a short text."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    types = pa.types
    return any(
        is_one(kind)
        for is_one in (
            types.is_string,
            types.is_large_string,
            types.is_boolean,
            types.is_integer,
            types.is_floating,
            types.is_decimal,
            types.is_date,
            types.is_timestamp,
        )
    )


def _codes_of(batch: pa.Array, order: dict[str, int]) -> NDArray[np.uint8] | None:
    """The codes of a piece; values that were not met before get the next ones in ``order``."""
    if not is_plain(batch.type):
        return None
    # A value that a million features share is one value here, never a million.
    encoded = batch if pa.types.is_dictionary(batch.type) else batch.dictionary_encode()
    distinct = encoded.dictionary
    indices = encoded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
    used = np.unique(indices)
    if len(used) > SHOWN_VALUES + 1 or _longest(distinct) > 4 * MAX_VALUE_CHARS:
        return None
    codes = np.zeros(len(distinct) + 1, np.uint8)
    for index in used.tolist():
        text = "" if index == len(distinct) else _text(distinct[index].as_py())
        if len(text) > MAX_VALUE_CHARS or (text not in order and len(order) == SHOWN_VALUES):
            return None
        codes[index] = order.setdefault(text, len(order))
    return codes[indices]


def _longest(distinct: pa.Array) -> int:
    """The bytes of the longest text; 0 where the values are no texts."""
    if not (pa.types.is_string(distinct.type) or pa.types.is_large_string(distinct.type)):
        return 0
    return int(compute.max(compute.binary_length(distinct)).as_py() or 0)


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
