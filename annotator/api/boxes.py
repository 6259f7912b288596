"""Boxes in queries: `bbox=west,south,east,north`, in degrees."""

from __future__ import annotations

import math

from rest_framework.exceptions import ValidationError

from annotator.queries.features import Bounds


def bounds_in(text: str | None) -> Bounds | None:
    """The box that a query names, cut to what Web Mercator holds; None without one. Raises ValidationError."""
    if text is None:
        return None
    wrong = ValidationError(
        {"bbox": ["Write west,south,east,north in degrees, the smaller ones first, as in 9.1,56.2,9.3,56.4."]}
    )
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise wrong from error
    if len(numbers) == 6:
        # Heights are given as well, and nothing here has one.
        del numbers[5], numbers[2]
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise wrong
    west, south, east, north = numbers
    if west > east or south > north or abs(south) > 90 or abs(north) > 90:
        raise wrong
    # Web Mercator ends there.
    limits = (-180.0, -85.0511, 180.0, 85.0511)
    west, south = (max(low, one) for low, one in zip(limits[:2], (west, south), strict=True))
    east, north = (min(high, one) for high, one in zip(limits[2:], (east, north), strict=True))
    return min(west, east), min(south, north), east, north
