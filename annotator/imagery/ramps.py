"""Colours of single values, ever darker or ever lighter along a ramp, so that the order is seen without colour."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from annotator.enums import Ramp

Color = tuple[int, int, int]

_STEPS = 1000
_COLORS: dict[Ramp, tuple[Color, ...]] = {
    Ramp.GREY: ((0, 0, 0), (255, 255, 255)),
    Ramp.VEGETATION: ((236, 224, 196), (214, 180, 110), (128, 166, 62), (16, 74, 34)),
    Ramp.WATER: ((244, 236, 214), (150, 196, 206), (40, 110, 168), (10, 36, 92)),
    Ramp.HEAT: ((14, 8, 40), (110, 24, 96), (206, 68, 54), (248, 168, 60), (252, 250, 190)),
    # Lightest in the middle, for what can be more or less than usual.
    Ramp.DIVERGING: ((33, 82, 155), (140, 180, 220), (245, 245, 240), (232, 160, 110), (168, 62, 20)),
}
# From water over bare soil to dense crops.
NDVI_RANGE = (-0.3, 0.85)
_NDVI_STOPS = (-0.3, 0.05, 0.2, 0.45, 0.85)
_NDVI_COLORS = ((52, 84, 140), *_COLORS[Ramp.VEGETATION])


@lru_cache
def ramp_colors(ramp: Ramp) -> np.ndarray:
    """Colours (steps + 1, 3), uint8, from the low to the high end."""
    colors = _COLORS[ramp]
    return _between(np.linspace(0, 1, len(colors)).tolist(), colors)


@lru_cache
def ndvi_colors() -> np.ndarray:
    """Likewise, from the low to the high end of `NDVI_RANGE`."""
    return _between(_NDVI_STOPS, _NDVI_COLORS)


def colored(values: np.ndarray, ends: tuple[float, float], colors: np.ndarray) -> np.ndarray:
    """Values (rows, cols) as colours (rows, cols, 3) of a ramp: its first at the low, its last at the high end."""
    low, high = ends
    steps = (values - np.float32(low)) * np.float32((len(colors) - 1) / (high - low))
    steps = np.nan_to_num(np.clip(steps.round(), 0, len(colors) - 1))
    shown: np.ndarray = colors[steps.astype(np.int16)]
    return shown


def _between(stops: Sequence[float], colors: Sequence[Color]) -> np.ndarray:
    steps = np.linspace(stops[0], stops[-1], _STEPS + 1)
    channels = np.array(colors, np.float32).T
    return np.stack([np.interp(steps, stops, c) for c in channels], axis=-1).round().astype(np.uint8)
