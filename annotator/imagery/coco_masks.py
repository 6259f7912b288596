"""Segmentations of COCO files of strangers: checked, so that decoding one takes no more than a mask does."""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from annotator.errors import BadLabels
from annotator.imagery.labels import SIZE_PX

PIXELS = SIZE_PX * SIZE_PX
MARGIN_PX = 1.0
"""So far a polygon may reach out of its image: tools round, and some count pixels from their centres."""
MAX_OUTLINE_PX = 1_000_000
"""How long all outlines of one object may be together; pycocotools keeps some 80 bytes for each pixel of it. The most
jagged mask there can be, a chessboard of single pixels, has a quarter of it."""


class Encoded(TypedDict):
    """A run-length mask of an image of a patch's size, as pycocotools takes it."""

    size: list[int]
    counts: bytes


def encoded(segmentation: Any) -> Encoded:
    """The object's mask, small. Raises BadLabels for what is no mask of an image of a patch's size."""
    try:
        if isinstance(segmentation, list):
            return _of_polygons(segmentation)
        if list(segmentation["size"]) != [SIZE_PX, SIZE_PX]:
            raise ValueError("a run-length mask of another size than its image")
        counts = segmentation["counts"]
        return _of_runs(counts) if isinstance(counts, list) else _of_text(counts)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise BadLabels(
            f"A segmentation of the COCO file cannot be decoded ({error}). Export it again."
        ) from error


def decoded(mask: Encoded) -> NDArray[np.bool_]:
    """``(256, 256)``, true where the object is."""
    return np.asarray(coco_mask.decode(mask), dtype=bool)


def _of_polygons(rings: list[Any]) -> Encoded:
    outline_px = 0.0
    for ring in rings:
        corners = np.asarray(ring, dtype=np.float64)
        if corners.ndim != 1 or len(corners) < 6 or len(corners) % 2:
            raise ValueError("a polygon that is no list of x and y of three corners or more")
        # Also false for what is no number.
        if not ((corners >= -MARGIN_PX) & (corners <= SIZE_PX + MARGIN_PX)).all():
            raise ValueError(f"a polygon that reaches out of its image of {SIZE_PX} px")
        steps = np.abs(np.diff(corners.reshape(-1, 2), axis=0, append=corners[None, :2]))
        outline_px += float(steps.max(axis=1).sum()) + len(steps)
    if outline_px > MAX_OUTLINE_PX:
        raise ValueError(f"outlines of {outline_px:,.0f} px for one object")
    merged: Encoded = coco_mask.merge(coco_mask.frPyObjects(rings, SIZE_PX, SIZE_PX))
    return merged


def _of_runs(runs: list[Any]) -> Encoded:
    if not all(type(run) is int and 0 <= run <= PIXELS for run in runs) or sum(runs) != PIXELS:
        raise ValueError("run lengths that do not fill the image")
    mask: Encoded = coco_mask.frPyObjects({"size": [SIZE_PX, SIZE_PX], "counts": runs}, SIZE_PX, SIZE_PX)
    return mask


def _of_text(text: str) -> Encoded:
    """Checked here, as pycocotools reads on behind the end of a text that breaks off."""
    packed = text.encode("ascii")
    runs = _runs_of(np.frombuffer(packed, dtype=np.uint8).astype(np.int64) - 48)
    if (runs < 0).any() or runs.sum() != PIXELS:
        raise ValueError("run lengths that do not fill the image")
    return {"size": [SIZE_PX, SIZE_PX], "counts": packed}


def _runs_of(digits: NDArray[np.int64]) -> NDArray[np.int64]:
    """The run lengths of COCO's compressed text: numbers of 5 bits a character, the lowest first, while the sixth
    says that there are more; from the fourth on each is told as its difference from the second before it."""
    if not len(digits) or ((digits < 0) | (digits > 63)).any():
        raise ValueError("a text that is no run lengths")
    goes_on = digits & 0x20 > 0
    ends = np.flatnonzero(~goes_on)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    # Four characters hold any difference of two run lengths, one more any that a program writes needlessly long.
    if goes_on[-1] or (ends - starts >= 5).any():
        raise ValueError("a text that breaks off, or with numbers beyond the image")
    places = np.arange(len(digits)) - np.repeat(starts, ends - starts + 1)
    told = np.add.reduceat((digits & 0x1F) << 5 * places, starts)
    told -= np.where(digits[ends] & 0x10 > 0, 1 << 5 * (ends - starts + 1), 0)
    told[1::2], told[2::2] = np.cumsum(told[1::2]), np.cumsum(told[2::2])
    return told
