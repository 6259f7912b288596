"""Mixing colours: display red, green, blue in 0..1."""

from __future__ import annotations

import numpy as np

from mlservice.landscape.noise import Float
from mlservice.landscape.region import Rgb


def vary(rng: np.random.Generator, colour: Rgb | Float, spread: float) -> Float:
    """A colour near the given one: its brightness differs by ``spread``, its hue by half of that."""
    varied = np.asarray(colour) + rng.normal(0, spread) + rng.normal(0, spread / 2, 3)
    return np.clip(varied, 0.03, 0.97).astype(np.float32)


def blend(colours: Float, cover: Float, paint_colour: Float) -> None:
    """Lay a colour, or one a pixel, over the scene where ``cover`` is above 0."""
    at = cover > 0
    share = cover[at][:, None]
    over = paint_colour[at] if paint_colour.ndim == 3 else paint_colour
    colours[at] += share * (over - colours[at])
