"""One landscape from one seed: the places, then their colours, then the sensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlservice.landscape.classes import COARSE_VALUE
from mlservice.landscape.layout import lay_out
from mlservice.landscape.paint import paint
from mlservice.landscape.region import REGIONS
from mlservice.landscape.sensor import observe

SMALLEST_PX = 64
"""A side below this holds less than one field and the shadow of a tree."""


@dataclass(frozen=True)
class Landscape:
    """An image ``(row, col, 3)`` and the class of each of its pixels ``(row, col)``, all uint8.

    ``truth`` has the values of `LANDSCAPE_LEGEND`, ``detail`` those of `DETAILED_LEGEND`.
    """

    image: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    detail: NDArray[np.uint8]
    gsd_m: float


def draw_landscape(
    seed: int,
    size_px: tuple[int, int] | int,
    *,
    gsd_m: float = 1.0,
    sensor_gsd_m: float | None = None,
    region: str = "a",
) -> Landscape:
    """Draw the landscape of a seed: the same arguments always give the same landscape.

    ``size_px`` is (rows, cols), or one side of a square. ``gsd_m`` is the ground width of a pixel of the
    drawn grid. A coarser ``sensor_gsd_m`` blurs the image as if it were shown from such a sensor's pixels,
    and leaves the truth sharp. Fields are 12 to 80 px wide, mostly, whatever the GSD, since a patch's zoom
    follows the size of the fields; crowns, roofs and crop rows keep their size in metres. Region "a" is
    for training; "b" has other colours, textures, field sizes and haze, to measure transfer.
    A scene has lined canals or none, and towns or none: they decide what its flooded basins and its cleared
    soil are (`CONTEXT_DECIDED`), and are in sight in nearly every 256 px window but not beside them.
    """
    sensor_gsd_m = gsd_m if sensor_gsd_m is None else sensor_gsd_m
    if sensor_gsd_m < gsd_m:
        raise ValueError(f"sensor_gsd_m must be at least gsd_m ({gsd_m}), got {sensor_gsd_m}")
    shape = (size_px, size_px) if isinstance(size_px, int) else size_px
    if min(shape) < SMALLEST_PX:
        raise ValueError(f"size_px must be at least {SMALLEST_PX}, got {size_px}")
    ranges = REGIONS[region]
    ground, light, camera = np.random.default_rng([seed, ranges.code]).spawn(3)
    layout = lay_out(ground, shape, ranges, gsd_m, sensor_px=sensor_gsd_m / gsd_m)
    colours, detail = paint(light, layout, ranges, gsd_m)
    image = observe(camera, colours, ranges, gsd_m, sensor_gsd_m, reference=layout.cues.elsewhere)
    return Landscape(image=image, truth=COARSE_VALUE[detail], detail=detail, gsd_m=gsd_m)
