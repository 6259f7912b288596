"""Land that the starter does not know: a pool to label and patches held out, both with their whole truth."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling

from mlservice.contracts import PATCH_SIZE_PX, Legend
from mlservice.landscape import COARSE_VALUE, DETAILED_LEGEND, LANDSCAPE_LEGEND, draw_landscape
from mlservice.starter.bank import HELD_OUT_SEED
from mlservice.starter.scenes import under_legend

POOL_SEED = HELD_OUT_SEED + 20_000_000
MEASURED_SEED = HELD_OUT_SEED + 30_000_000
POOL_PATCHES, HELD_OUT_PATCHES = 48, 16
OWN_WORDS = ("monte", "parcela", "lindero", "arboleda", "agua", "caserío")
DENMARK_PIXEL_M = 2.25
"""Ground width of a shown pixel: 10 m imagery is shown finer, to draw boundaries."""
DENMARK_HELD_OUT_COLS = 2
STRETCH_PERCENTILES = (2, 98)


@dataclass(frozen=True)
class Land:
    """``images`` uint8 ``(patches, 256, 256, 3)`` and ``masks`` uint8 ``(patches, 256, 256)`` of class values."""

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]

    def first(self, count: int) -> Land:
        return Land(self.images[:count], self.masks[:count])


@dataclass(frozen=True)
class Place:
    """``unit_cells`` is the side of what one label of the plain way covers: a patch, or a quarter of one where
    there is little land."""

    name: str
    legend: Legend
    pool: Land
    held_out: Land
    unit_cells: int


def drawn_place(region: str, pool: int, held_out: int) -> Place:
    """Drawn landscapes of a region at 1 m, nine classes."""
    return Place(
        region,
        DETAILED_LEGEND,
        _drawn(region, pool, POOL_SEED),
        _drawn(region, held_out, MEASURED_SEED),
        unit_cells=64,
    )


def in_own_words(place: Place) -> Place:
    """A drawn place whose legend has six classes under words that the starter has never read.

    So its answers begin as those of a project whose people use the words of their own language.
    """
    classes = zip(LANDSCAPE_LEGEND.classes, OWN_WORDS, strict=True)
    legend = Legend(tuple(replace(c, name=word) for c, word in classes))
    pool, held_out = (Land(land.images, COARSE_VALUE[land.masks]) for land in (place.pool, place.held_out))
    return replace(place, legend=legend, pool=pool, held_out=held_out)


def denmark(data: Path) -> Place:
    """The Danish scene with its declared parcels: western columns held out, a gap, the rest to label."""
    folder = data / "denmark-lpis-s2"
    with rasterio.open(folder / "image.tif") as scene, rasterio.open(folder / "label_field3.tif") as labels:
        factor = abs(scene.transform.a) / DENMARK_PIXEL_M
        shape = round(scene.height * factor), round(scene.width * factor)
        bands = scene.read((3, 2, 1), out_shape=(3, *shape), resampling=Resampling.bilinear).astype(
            np.float64
        )
        truth = labels.read(1, out_shape=shape, resampling=Resampling.nearest).astype(np.uint8)
    low, high = np.percentile(bands, STRETCH_PERCENTILES, axis=(1, 2))[..., None, None]
    image = np.clip((bands - low) / (high - low) * 255, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    west = DENMARK_HELD_OUT_COLS * PATCH_SIZE_PX
    # What is left over when the scene is cut into patches is the gap between what is learned from and measured.
    east = shape[1] - (shape[1] - west) // PATCH_SIZE_PX * PATCH_SIZE_PX
    classes = {"other", "field", "boundary"}
    legend = Legend(tuple(c for c in LANDSCAPE_LEGEND.classes if c.name in classes))
    return Place(
        "denmark",
        legend,
        Land(_cut(image[:, east:]), _cut(truth[:, east:])),
        Land(_cut(image[:, :west]), _cut(truth[:, :west])),
        unit_cells=32,
    )


def _drawn(region: str, count: int, first_seed: int) -> Land:
    scenes = [draw_landscape(first_seed + i, PATCH_SIZE_PX, gsd_m=1.0, region=region) for i in range(count)]
    return Land(
        np.stack([scene.image for scene in scenes]),
        np.stack([under_legend(scene.detail, DETAILED_LEGEND) for scene in scenes]),
    )


def _cut(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Whole patches of a plane ``(rows, cols, …)``, row by row."""
    size = PATCH_SIZE_PX
    rows, cols = plane.shape[0] // size, plane.shape[1] // size
    return np.stack(
        [
            plane[r * size : (r + 1) * size, c * size : (c + 1) * size]
            for r in range(rows)
            for c in range(cols)
        ]
    )


def chosen_places(
    only: str | None = None, *, pool: int = POOL_PATCHES, quick: bool = False
) -> tuple[Place, ...]:
    """Region "b" with so many patches to label, "b", and the Danish scene, "denmark", where `MILPA_DATA` has it.

    Small ones for a quick look; one of them where it is named. Exits with a sentence where that is not there.
    """
    places = []
    if only in (None, "b"):
        places.append(drawn_place("b", *((6, 2) if quick else (pool, HELD_OUT_PATCHES))))
    data = Path(os.environ.get("MILPA_DATA", ""))
    if only in (None, "denmark") and (data / "denmark-lpis-s2").is_dir():
        scene = denmark(data)
        small = replace(scene, pool=scene.pool.first(6), held_out=scene.held_out.first(2))
        places.append(small if quick else scene)
    if not places:
        raise SystemExit(f"There is no place “{only}”: b, or denmark where MILPA_DATA has its scene.")
    return tuple(places)
