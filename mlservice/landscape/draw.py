"""One landscape from one seed: the places, then their colours, then the sensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlservice.contracts import Legend, LegendClass
from mlservice.landscape.layout import lay_out
from mlservice.landscape.paint import paint
from mlservice.landscape.region import REGIONS
from mlservice.landscape.sensor import observe

LANDSCAPE_LEGEND = Legend(
    (
        LegendClass(0, "other", "#999999", is_null=True),
        LegendClass(1, "field", "#E69F00"),
        LegendClass(2, "boundary", "#F0E442", is_boundary=True),
        LegendClass(3, "trees", "#009E73"),
        LegendClass(4, "water", "#0072B2"),
        LegendClass(5, "buildings", "#D55E00"),
    )
)
"""The classes of every landscape, in the colour-blind-safe colours of Okabe and Ito."""

SMALLEST_PX = 64
"""A side below this holds less than one field and the shadow of a tree."""


@dataclass(frozen=True)
class Landscape:
    """An image ``(row, col, 3)`` and the class of each of its pixels ``(row, col)``, both uint8."""

    image: NDArray[np.uint8]
    truth: NDArray[np.uint8]
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
    colours, truth = paint(light, layout, ranges, gsd_m)
    image = observe(camera, colours, ranges, gsd_m, sensor_gsd_m)
    return Landscape(image=image, truth=truth, gsd_m=gsd_m)
