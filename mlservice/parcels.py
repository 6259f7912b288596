"""From masks to parcels: polygons without gaps or overlaps, merged across the seams of patches.

`mlservice.parcel_pieces` says what each patch holds of each parcel; here pieces become parcels. Outlines of parcels
are in Web Mercator metres (EPSG:3857), where the sides of pixels are axes and neighbours share their corners to the
last bit; areas are those of the WGS 84 ellipsoid.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
import shapely.affinity
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mlservice.contracts import PATCH_SIZE_PX, Legend
from mlservice.parcel_pieces import TOLERANCE_PX, Flags, Mask, TilePlace, patch_pieces

_HALF_WORLD_M = math.pi * 6_378_137
_ELLIPSOID = pyproj.Geod(ellps="WGS84")
_TO_LONLAT = pyproj.Transformer.from_crs(3857, 4326, always_xy=True)
_NORTH, _WEST, _EAST, _SOUTH = range(4)


@dataclass(frozen=True)
class DrawnParcel:
    """A parcel of masks: its class, its outline in EPSG:3857, its area, and the patches that it lies in."""

    value: int
    outline: shapely.Polygon
    area_m2: float
    pixel_count: int
    places: tuple[TilePlace, ...]


@dataclass(frozen=True)
class Certainty:
    """What of a piece a person left as it was proposed, and how certain the model was of that.

    ``kept_pixels`` have the proposal's class. ``certainty_sum`` adds up 1 − H / ln(classes) over them, with H the
    token entropy of the cell: 1 a pixel where the model had no doubt, 0 where all classes were as likely.
    """

    kept_pixels: int
    certainty_sum: float


def draw_parcels(
    masks: Mapping[TilePlace, Mask], legend: Legend, zoom: int, tolerance_px: float = TOLERANCE_PX
) -> list[DrawnParcel]:
    """All parcels of the masks, which are those of the patches at ``(x, y)`` of one zoom; land without a mask
    belongs to no parcel. They come in the order of their northernmost, then westernmost patches.

    Raises BadLegend for an unsound legend.
    """
    places = sorted(masks, key=lambda place: (place[1], place[0]))
    found = [
        (place, piece)
        for place in places
        for piece in patch_pieces(masks, place, legend, tolerance_px).pieces
    ]
    groups = join_pieces([place for place, _ in found], [piece.seams for _, piece in found])
    parcels = []
    for group in groups:
        members = [found[at] for at in group]
        outline = join_outlines([p for p, _ in members], [piece.outline for _, piece in members], zoom)
        parcels.append(
            DrawnParcel(
                value=members[0][1].value,
                outline=outline,
                area_m2=area_m2(outline),
                pixel_count=sum(piece.pixel_count for _, piece in members),
                places=tuple(dict.fromkeys(place for place, _ in members)),
            )
        )
    return parcels


def join_pieces(places: Sequence[TilePlace], seams: Sequence[Flags]) -> list[list[int]]:
    """Which pieces are one parcel: groups of indices, in order. Pieces join where both go on over a pixel of the
    seam between their patches; ``seams`` are those of `mlservice.parcel_pieces.Piece`."""
    holders: dict[tuple[int, int, int], NDArray[np.int64]] = {}
    for at, ((x, y), of_piece) in enumerate(zip(places, seams, strict=True)):
        for side in np.flatnonzero(of_piece.any(axis=1)).tolist():
            of_side = holders.setdefault((x, y, side), np.full(PATCH_SIZE_PX, -1))
            of_side[of_piece[side]] = at
    pairs = [np.empty((2, 0), np.int64)]
    for (x, y, side), here in holders.items():
        beyond = {_EAST: (x + 1, y, _WEST), _SOUTH: (x, y + 1, _NORTH)}.get(side)
        there = holders.get(beyond) if beyond else None
        if there is not None:
            pairs.append(np.unique(np.stack([here, there])[:, (here >= 0) & (there >= 0)], axis=1))
    ones, others = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(len(ones), bool), (ones, others)), shape=(len(places), len(places)))
    _, names = connected_components(graph, directed=False)
    groups: dict[int, list[int]] = {}
    for at, name in enumerate(names.tolist()):
        groups.setdefault(name, []).append(at)
    return list(groups.values())


def join_outlines(
    places: Sequence[TilePlace], outlines: Sequence[shapely.Polygon], zoom: int
) -> shapely.Polygon:
    """One outline in EPSG:3857 from those of a parcel's pieces, each in pixels of its patch."""
    placed = [
        shapely.affinity.translate(outline, x * PATCH_SIZE_PX, y * PATCH_SIZE_PX)
        for (x, y), outline in zip(places, outlines, strict=True)
    ]
    joined = shapely.coverage_union_all(placed) if len(placed) > 1 else placed[0]
    if joined.geom_type == "MultiPolygon" and len(joined.geoms) == 1:
        joined = joined.geoms[0]
    pixel_m = 2 * _HALF_WORLD_M / (PATCH_SIZE_PX * 2.0**zoom)
    outline: shapely.Polygon = shapely.transform(
        joined, lambda pixels: pixels * (pixel_m, -pixel_m) + (-_HALF_WORLD_M, _HALF_WORLD_M)
    )
    return outline.normalize()


def area_m2(outline: shapely.Polygon) -> float:
    """The area on the WGS 84 ellipsoid of an outline in EPSG:3857 (Karney 2013, "Algorithms for geodesics")."""
    lonlat = shapely.transform(outline, lambda corners: np.column_stack(_TO_LONLAT.transform(*corners.T)))
    return abs(_ELLIPSOID.geometry_area_perimeter(lonlat)[0])


def piece_certainties(
    labels: NDArray[np.int32], mask: Mask, proposed: Mask, certainty: NDArray[np.float64]
) -> dict[int, Certainty]:
    """By label of `mlservice.parcel_pieces.PatchPieces`, what a person kept of the proposal.

    ``certainty`` is 1 − H / ln(classes) of each cell; its sides divide the patch's.
    """
    cell_px = PATCH_SIZE_PX // certainty.shape[0]
    by_pixel = certainty.repeat(cell_px, axis=0).repeat(cell_px, axis=1)
    kept = np.where(mask == proposed, labels, 0).ravel()
    counts = np.bincount(kept, minlength=int(labels.max()) + 1)
    sums = np.bincount(kept, weights=by_pixel.ravel(), minlength=counts.size)
    return {label: Certainty(int(counts[label]), float(sums[label])) for label in range(1, counts.size)}
