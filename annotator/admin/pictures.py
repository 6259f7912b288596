"""Masks as pictures: in the legend's colours, and what became right or wrong from one answer to another."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from annotator.domain.masks import UNSURE, Mask
from annotator.models import LabelClass

UNSURE_COLOR = "#ffffff"

RIGHT, GAINED, LOST, WRONG, UNJUDGED, STRIPE = range(6)
"""Of a pixel: right before and after, became right, became wrong, wrong before and after, of no known truth; and
the stripes that mark what was lost in the picture."""
CHANGE_COLORS = {
    RIGHT: "#eeeeee",
    GAINED: "#0072b2",
    LOST: "#e69f00",
    WRONG: "#8a8a8a",
    UNJUDGED: "#ffffff",
    STRIPE: "#4d1f00",
}
# Two dark pixels of every seven along a row, shifted from row to row.
_STRIPE_EVERY_PX, _STRIPE_PX = 7, 2


@dataclass(frozen=True)
class Changes:
    """Pixels by what became of them; ``codes`` is uint8 ``(row, col)``. Unsure truth is not judged."""

    codes: NDArray[np.uint8]

    def share(self, code: int) -> float:
        """Of the pixels that are judged; 0 where none is."""
        judged = int((self.codes != UNJUDGED).sum())
        return int((self.codes == code).sum()) / judged if judged else 0.0


def changes(approved: Mask, before: Mask, after: Mask) -> Changes:
    """What became of each pixel from one answer to the other, judged by the approved mask."""
    was_right, is_right = before == approved, after == approved
    codes = np.select(
        [approved == UNSURE, was_right & is_right, is_right, was_right],
        [UNJUDGED, RIGHT, GAINED, LOST],
        WRONG,
    )
    return Changes(codes.astype(np.uint8))


def changes_png(found: Changes) -> bytes:
    """Blue where it became right, striped orange where it became wrong: told apart without colour too."""
    rows, cols = np.indices(found.codes.shape)
    striped = (rows + cols) % _STRIPE_EVERY_PX < _STRIPE_PX
    codes = np.where((found.codes == LOST) & striped, STRIPE, found.codes).astype(np.uint8)
    return _png(codes, [CHANGE_COLORS[code] for code in sorted(CHANGE_COLORS)])


def mask_png(mask: Mask, legend: Sequence[LabelClass]) -> bytes:
    """The mask in the legend's colours; pixels that are unsure are white."""
    colors = [UNSURE_COLOR] * 256
    for label_class in legend:
        colors[label_class.value] = label_class.color
    return _png(mask, colors)


def class_shares(mask: Mask, legend: Sequence[LabelClass]) -> str:
    """What the mask shows, in words: "field 62 %, other 30 %, boundary 8 %", the largest share first."""
    counts = np.bincount(mask.ravel(), minlength=256)
    names = {c.value: c.name for c in legend} | {UNSURE: "not said"}
    named = sorted(((int(counts[value]), name) for value, name in names.items()), reverse=True)
    return ", ".join(f"{name} {100 * count / mask.size:.0f} %" for count, name in named if count)


def _png(values: NDArray[np.uint8], colors: Sequence[str]) -> bytes:
    image = Image.fromarray(values)
    image.putpalette(bytes.fromhex("".join(color.removeprefix("#") for color in colors)))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
