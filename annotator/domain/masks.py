"""Masks and entropy maps as bytes: what the browser sends, what the database keeps."""

from __future__ import annotations

import io
import zlib

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from PIL import Image

from annotator.errors import BadMask

SIZE_PX = 256
UNSURE = 255
_PIXELS = SIZE_PX * SIZE_PX

Mask = NDArray[np.uint8]


def png_of(values: NDArray[np.uint8]) -> bytes:
    """An 8-bit greyscale PNG of a uint8 ``(row, col)`` array."""
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def values_of(png: bytes | memoryview) -> NDArray[np.uint8]:
    """The uint8 ``(row, col)`` array of a PNG that `png_of` made."""
    return np.asarray(Image.open(io.BytesIO(bytes(png))), dtype=np.uint8)


def mask_from_body(body: bytes, content_type: str, content_encoding: str) -> Mask:
    """The mask in a request's body: 65,536 raw bytes, gzipped or not, or a greyscale PNG.

    Raises BadMask, with the remedy, when it is neither.
    """
    if content_encoding == "gzip":
        body = _gunzip(body)
    if content_type == "image/png":
        return _from_png(body)
    if len(body) != _PIXELS:
        raise BadMask(
            f"A mask is {SIZE_PX} x {SIZE_PX} = {_PIXELS} bytes, one class value a pixel; {len(body)} bytes came."
        )
    return np.frombuffer(body, np.uint8).reshape(SIZE_PX, SIZE_PX)


def _gunzip(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        # One byte more than a mask has is enough to see that it is too long, whatever it would unpack to.
        return unpacker.decompress(body, _PIXELS * 4)
    except zlib.error as error:
        raise BadMask("The mask says that it is gzipped but cannot be unpacked. Send it again.") from error


def _from_png(body: bytes) -> Mask:
    try:
        image = Image.open(io.BytesIO(body), formats=["PNG"])
        if image.size != (SIZE_PX, SIZE_PX) or image.mode not in {"L", "P"}:
            raise BadMask(
                f"A mask PNG has {SIZE_PX} x {SIZE_PX} px and one 8-bit band of class values; "
                f"this one has {image.size[0]} x {image.size[1]} px and mode {image.mode}."
            )
        return np.array(image, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadMask("The mask is no readable PNG. Send it again, or send 65,536 raw bytes.") from error


def check_classes(mask: Mask, values: frozenset[int]) -> None:
    """Raises BadMask when a pixel has a value that is neither in the legend nor 255 (unsure)."""
    unknown = sorted(set(np.unique(mask).tolist()) - values - {UNSURE})
    if unknown:
        raise BadMask(
            _(
                "The mask has pixels of value %(values)s, which the legend does not have. "
                "Reload the page: the legend may have changed."
            )
            % {"values": ", ".join(map(str, unknown))},
            unknown_values=unknown,
        )
