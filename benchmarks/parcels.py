"""How true the parcels of masks are, beside the plain way: connected pixels of a field, each simplified by itself.

Both start from the same masks: that of the Danish registry's outlines (`label_field3.tif`, where MILPA_DATA is set),
and those of drawn landscapes, of which the true fields are known. Objects are matched one to one by their IoU on a
grid four times as fine as the mask; `f1` is the mean of F1 over the thresholds 0.50 to 0.95. The last line is flat
JSON: `object_f1` and `object_f1_ratio` (ours by the plain way's) are those of the registry, or of the landscapes
where there is none; `gaps` and `overlaps` count pairs of our parcels that share a part of a line or of an area
without being neighbours corner by corner, over all data. `--quick` draws fewer landscapes.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import rasterio
import rasterio.features
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from mlservice.contracts import PATCH_SIZE_PX, Legend, LegendClass
from mlservice.landscape import LANDSCAPE_LEGEND, draw_landscape
from mlservice.landscape.classes import BOUNDARY, FIELD
from mlservice.landscape.layout import lay_out
from mlservice.landscape.region import REGIONS
from mlservice.objects import SMALLEST_OBJECT_PX, ObjectCounts, count_matches, parcel_values
from mlservice.parcel_pieces import TOLERANCE_PX
from mlservice.parcels import draw_parcels

FINER = 4
ZOOM = 12
HALF_WORLD_M = np.pi * 6_378_137
PIXEL_M = 2 * HALF_WORLD_M / (PATCH_SIZE_PX * 2**ZOOM)
LANDSCAPE_PX = 512
REGISTRY_LEGEND = Legend(
    (
        LegendClass(0, "other", "#888888", is_null=True),
        LegendClass(1, "field", "#ee9900"),
        LegendClass(2, "boundary", "#dd5500", is_boundary=True),
    )
)

Mask = NDArray[np.uint8]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Truth:
    """A mask, its legend, and the true objects' ids on the finer grid."""

    mask: Mask
    legend: Legend
    ids: Ids


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    landscapes = 2 if parser.parse_args().quick else 12
    facts: dict[str, float] = {"tolerance_px": TOLERANCE_PX, "landscapes": landscapes}
    sets = {"landscape": [landscape(seed) for seed in range(900, 900 + landscapes)]}
    if data := os.environ.get("MILPA_DATA"):
        sets["registry"] = [registry(Path(data) / "denmark-lpis-s2")]
    gaps = overlaps = patches = 0
    seconds = 0.0
    for name, truths in sets.items():
        ours = plain = ObjectCounts()
        for truth in truths:
            began = time.process_time()
            drawn = our_parcels(truth)
            seconds += time.process_time() - began
            patches += len(patches_of(truth.mask))
            gaps += count_gaps(drawn)
            overlaps += count_overlaps(drawn)
            ours += count_matches(truth.ids, burned(drawn, truth.mask.shape))
            plain += count_matches(truth.ids, burned(plain_parcels(truth), truth.mask.shape))
        facts |= {
            f"f1_{name}": round(ours.mean_f1 or 0, 4),
            f"f1_{name}_plain": round(plain.mean_f1 or 0, 4),
            f"f1_50_{name}": round(ours.f1 or 0, 4),
            f"f1_50_{name}_plain": round(plain.f1 or 0, 4),
            f"parcels_{name}": ours.said,
            f"true_{name}": ours.true,
        }
    main_set = "registry" if "registry" in sets else "landscape"
    f1, f1_plain = facts[f"f1_{main_set}"], facts[f"f1_{main_set}_plain"]
    facts |= {"gaps": gaps, "overlaps": overlaps, "cpu_ms_per_patch": round(1000 * seconds / patches, 1)}
    facts |= {"object_f1": f1, "object_f1_ratio": round(f1 / f1_plain, 3)}
    print(json.dumps(facts))


def our_parcels(truth: Truth) -> list[shapely.Polygon]:
    """Our outlines in pixels of the mask."""
    corner = np.array([-HALF_WORLD_M, HALF_WORLD_M])
    return [
        shapely.transform(parcel.outline, lambda metres: (metres - corner) / np.array([PIXEL_M, -PIXEL_M]))
        for parcel in draw_parcels(patches_of(truth.mask), truth.legend, ZOOM)
    ]


def patches_of(mask: Mask) -> dict[tuple[int, int], Mask]:
    rows, cols = mask.shape
    padded = np.pad(mask, ((0, -rows % PATCH_SIZE_PX), (0, -cols % PATCH_SIZE_PX)))
    starts = [range(0, side, PATCH_SIZE_PX) for side in padded.shape]
    return {
        (x // PATCH_SIZE_PX, y // PATCH_SIZE_PX): padded[y : y + PATCH_SIZE_PX, x : x + PATCH_SIZE_PX]
        for y in starts[0]
        for x in starts[1]
    }


def plain_parcels(truth: Truth) -> list[shapely.Polygon]:
    """Connected pixels of each class, each simplified by itself (Douglas and Peucker 1973), without specks."""
    outlines = []
    for value in parcel_values(truth.legend):
        regions, _ = ndimage.label(truth.mask == value)
        for face, _ in rasterio.features.shapes(regions.astype("int32"), mask=regions > 0, connectivity=4):
            outline = shapely.geometry.shape(face)
            if outline.area >= SMALLEST_OBJECT_PX:
                outlines.append(outline.simplify(TOLERANCE_PX))
    return outlines


def count_overlaps(outlines: Sequence[shapely.Polygon]) -> int:
    """Pairs that share an area."""
    one, other = neighbours(outlines)
    shared = shapely.area(shapely.intersection(one, other))
    return int((shared > 1e-6).sum())


def count_gaps(outlines: Sequence[shapely.Polygon]) -> int:
    """Holes between parcels that are smaller than any that a mask could have, and lines that do not fit corner by
    corner."""
    together = shapely.union_all(outlines)
    parts = shapely.get_parts(together)
    holes = [shapely.Polygon(ring) for part in parts for ring in part.interiors]
    slivers = int((shapely.area(holes) < 0.5).sum()) if holes else 0
    return slivers + int((~shapely.is_empty(shapely.coverage_invalid_edges(outlines))).sum())


def neighbours(outlines: Sequence[shapely.Polygon]) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    every = np.array(outlines)
    one, other = shapely.STRtree(every).query(every, predicate="intersects")
    is_once = one < other
    return every[one[is_once]], every[other[is_once]]


def burned(outlines: Sequence[shapely.Polygon], shape: tuple[int, ...]) -> Ids:
    """The outlines' ids on the finer grid, without a gap in the numbers."""
    ids = rasterio.features.rasterize(
        ((outline, number) for number, outline in enumerate(outlines, 1)),
        (shape[0] * FINER, shape[1] * FINER),
        transform=rasterio.Affine.scale(1 / FINER),
        dtype="int32",
    )
    return numbered(ids)


def numbered(ids: NDArray[np.integer]) -> Ids:
    known, places = np.unique(ids, return_inverse=True)
    numbers: Ids = places.reshape(ids.shape).astype(np.int64) + (known[0] != 0)
    return numbers


def registry(folder: Path) -> Truth:
    with rasterio.open(folder / "label_field3.tif") as source:
        mask, to_pixels = source.read(1), ~source.transform
        to_crs = pyproj.Transformer.from_crs(4326, source.crs, always_xy=True)
    outlines = [
        shapely.transform(
            shapely.geometry.shape(parcel["geometry"]),
            lambda lonlat: np.column_stack(to_pixels * to_crs.transform(*lonlat.T)),
        )
        for parcel in json.loads((folder / "parcels.geojson").read_text())["features"]
    ]
    return Truth(mask, REGISTRY_LEGEND, burned(outlines, mask.shape))


def landscape(seed: int) -> Truth:
    """A drawn landscape; its true fields reach to the middle of the lines between them, as they were laid out."""
    region, shape = REGIONS["a"], (LANDSCAPE_PX, LANDSCAPE_PX)
    mask = draw_landscape(seed, shape).truth
    ground = np.random.default_rng([seed, region.code]).spawn(3)[0]
    layout = lay_out(ground, shape, region, 1.0, sensor_px=1.0)
    fields = np.where(np.isin(mask, (FIELD, BOUNDARY)), layout.field + 1, 0)
    ids = np.zeros(shape, np.int64)
    for number in np.unique(fields[fields > 0]):
        box = ndimage.find_objects((fields == number).astype(int))[0]
        parts, _ = ndimage.label(fields[box] == number)
        is_large = np.bincount(parts.ravel()) >= SMALLEST_OBJECT_PX
        is_large[0] = False
        ids[box] = np.where(is_large[parts], parts + ids.max(), ids[box])
    return Truth(mask, LANDSCAPE_LEGEND, numbered(ids.repeat(FINER, 0).repeat(FINER, 1)))


if __name__ == "__main__":
    main()
