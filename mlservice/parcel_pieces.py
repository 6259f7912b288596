"""What one patch holds of each parcel, decided from the patch and a margin of its neighbours alone.

Nothing here depends on where a computation begins or how far it reaches: a piece is the same whether its patch is
drawn alone after an approval or with all others, which is what lets parcels be kept up to date patch by patch.

Every rule is one about single pixels that share a side:

- pixels of one farmed class that touch belong together;
- a boundary pixel goes to the nearest land by steps over the boundary, the field when a field and other land (a
  track, say) are equally near, the northern, western, eastern, southern field when two are; so half of a wide
  boundary beside a track is the track's. Beyond `REACH_PX` steps it is nobody's;
- a speck, which is a region below `mlservice.objects.SMALLEST_OBJECT_PX`, is given away as boundary is.

That a track keeps its half of the boundary is measured: docs/parcels.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from mlservice.contracts import PATCH_SIZE_PX, Legend
from mlservice.objects import SMALLEST_OBJECT_PX, parcel_values

REACH_PX = 12
"""How many steps over boundary a field reaches. A wider blob of boundary outlines nothing."""
MARGIN_PX = 32
"""How much of its neighbours a patch's pieces may depend on: the reach, a speck's length, and a pixel more."""
TOLERANCE_PX = 1.0
"""Corners that enclose less than its square with their neighbours are cut (Visvalingam and Whyatt 1993).
docs/parcels.md has what other tolerances do."""

assert MARGIN_PX > REACH_PX + SMALLEST_OBJECT_PX + 1

Mask = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Corners = NDArray[np.float64]
TilePlace = tuple[int, int]
"""``(x, y)`` of a patch among those of its zoom."""

_INNER = slice(MARGIN_PX, MARGIN_PX + PATCH_SIZE_PX)
_NOBODYS, _TO_GIVE, _OUTSIDE = -1, -2, -3
_SIDE_STEPS = ((-1, 0), (0, -1), (0, 1), (1, 0))
"""North, west, east, south as ``(row, col)``: the order in which equally near fields are served."""
_NORTH, _WEST, _EAST, _SOUTH = 1, 2, 3, 4


@dataclass(frozen=True)
class Piece:
    """What one patch holds of a parcel.

    ``outline`` is in pixels of the patch, ``(col, row)`` from its upper left corner. ``seams``, bool ``(4, 256)``,
    tells at which pixels of the northern, western, eastern, southern side the parcel goes on in the patch beyond.
    """

    value: int
    outline: shapely.Polygon
    seams: Flags
    pixel_count: int


@dataclass(frozen=True)
class PatchPieces:
    """The pieces of a patch, and ``labels``, int32 ``(256, 256)``: 1 where the first one lies, 0 where none does."""

    pieces: tuple[Piece, ...]
    labels: NDArray[np.int32]


def patch_pieces(
    masks: Mapping[TilePlace, Mask], place: TilePlace, legend: Legend, tolerance_px: float = TOLERANCE_PX
) -> PatchPieces:
    """The pieces of the patch at ``place``; of ``masks``, the eight around it are read as well where they are known.

    Raises KeyError where the patch's own mask is missing, BadLegend for an unsound legend.
    """
    land, came_from = _give_away(*_window(masks, place), legend)
    beside, below = _joined(land, came_from)
    labels = _inner_labels(land, beside, below)
    counts = np.bincount(labels.ravel())
    known_labels, first = np.unique(labels, return_index=True)
    values = land[_INNER, _INNER].ravel()[first]
    going_on = _labels_that_go_on(labels, beside, below)
    outlines = _outlines(labels, _seam_nodes(land, beside, below), tolerance_px)
    pieces = tuple(
        Piece(int(values[at]), outlines[label], going_on == label, int(counts[label]))
        for at, label in enumerate(known_labels.tolist())
        if label
    )
    return PatchPieces(pieces, labels)


def reshaped_labels(
    drawn: PatchPieces, masks: Mapping[TilePlace, Mask], place: TilePlace, proposed: Mask, legend: Legend
) -> frozenset[int]:
    """The labels of those pieces that have other land than they would if the patch's mask were the proposal's.

    A piece that was only trimmed, or cut in two, is among them, though all pixels that it still has are as they were
    proposed. Its outline alone does not tell: simplified lines depend on what else meets them.
    """
    if np.array_equal(masks[place], proposed):
        return frozenset()
    land, came_from = _give_away(*_window({**masks, place: proposed}, place), legend)
    before = _inner_labels(land, *_joined(land, came_from))
    sizes, sizes_before = np.bincount(drawn.labels.ravel()), np.bincount(before.ravel())
    pairs = drawn.labels.astype(np.int64) * len(sizes_before) + before
    found, counts = np.unique(pairs, return_counts=True)
    now, then = np.divmod(found, len(sizes_before))
    same = (now > 0) & (then > 0) & (counts == sizes[now]) & (counts == sizes_before[then])
    return frozenset(range(1, len(drawn.pieces) + 1)) - frozenset(now[same].tolist())


def _window(masks: Mapping[TilePlace, Mask], place: TilePlace) -> tuple[Mask, Flags]:
    """The patch with its margin, and where anything is known of it."""
    x, y = place
    width = 3 * PATCH_SIZE_PX
    mask, known = np.zeros((width, width), np.uint8), np.zeros((width, width), bool)
    mask[_at(0, 0)], known[_at(0, 0)] = masks[place], True
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            other = masks.get((x + dx, y + dy))
            if other is not None:
                mask[_at(dx, dy)], known[_at(dx, dy)] = other, True
    cut = slice(PATCH_SIZE_PX - MARGIN_PX, 2 * PATCH_SIZE_PX + MARGIN_PX)
    return mask[cut, cut], known[cut, cut]


def _at(dx: int, dy: int) -> tuple[slice, slice]:
    row, col = (dy + 1) * PATCH_SIZE_PX, (dx + 1) * PATCH_SIZE_PX
    return slice(row, row + PATCH_SIZE_PX), slice(col, col + PATCH_SIZE_PX)


def _give_away(mask: Mask, known: Flags, legend: Legend) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """The class of the parcel that has each pixel, negative where none has; and, for pixels that were given to it,
    from which side it came: 1 to 4, else 0."""
    land = np.full(mask.shape, _NOBODYS, np.int16)
    for value in parcel_values(legend):
        land[mask == value] = value
    is_boundary = mask == legend.boundary_value if legend.boundary_value is not None else np.zeros_like(known)
    land[is_boundary | _specks(land, known & ~is_boundary)] = _TO_GIVE
    land[~known] = _OUTSIDE
    came_from = np.zeros(mask.shape, np.uint8)
    for _ in range(REACH_PX):
        waiting = land == _TO_GIVE
        if not waiting.any():
            break
        before = np.pad(land, 1, constant_values=_OUTSIDE)
        for side, step in enumerate(_SIDE_STEPS, 1):
            there = _shifted(before, step)
            taken = waiting & (there >= 0)
            land[taken], came_from[taken] = there[taken], side
            waiting &= ~taken
        for step in _SIDE_STEPS:
            land[waiting & (_shifted(before, step) == _NOBODYS)] = _NOBODYS
    land[land == _TO_GIVE] = _NOBODYS
    return land, came_from


def _shifted(padded: NDArray[np.int16], step: tuple[int, int]) -> NDArray[np.int16]:
    """What lies one step off each pixel of an array that is padded by one."""
    (row, col), (rows, cols) = step, padded.shape
    return padded[1 + row : rows - 1 + row, 1 + col : cols - 1 + col]


def _specks(land: NDArray[np.int16], sure: Flags) -> Flags:
    """Regions too small to be mapped: of one farmed class, or of all that is not farmed."""
    found = np.zeros(land.shape, bool)
    for value in np.unique(land[sure]):
        regions, _ = ndimage.label(sure & (land == value))
        is_small = np.bincount(regions.ravel()) < SMALLEST_OBJECT_PX
        is_small[0] = False
        found |= is_small[regions]
    return found


def _joined(land: NDArray[np.int16], came_from: NDArray[np.uint8]) -> tuple[Flags, Flags]:
    """Whether each pixel is of one parcel with the next in its row, and with the next in its column, because both
    lie in the field itself or one was given to it by way of the other."""
    is_core = (land >= 0) & (came_from == 0)

    def joined(one: tuple[slice, slice], other: tuple[slice, slice], to_other: int, to_one: int) -> Flags:
        in_field = is_core[one] & is_core[other] & (land[one] == land[other])
        joins: Flags = in_field | (came_from[one] == to_other) | (came_from[other] == to_one)
        return joins

    everything, all_but_last, all_but_first = slice(None), slice(-1), slice(1, None)
    beside = joined((everything, all_but_last), (everything, all_but_first), _EAST, _WEST)
    below = joined((all_but_last, everything), (all_but_first, everything), _SOUTH, _NORTH)
    return beside, below


def _label(owned: Flags, beside: Flags, below: Flags) -> NDArray[np.int32]:
    """Labels of the pieces, numbered by their first pixels: a pixel takes every other place of a finer grid, and
    the places between hold what joins them."""
    rows, cols = owned.shape
    finer = np.zeros((2 * rows - 1, 2 * cols - 1), bool)
    finer[::2, ::2], finer[::2, 1::2], finer[1::2, ::2] = owned, beside, below
    labels: NDArray[np.int32] = ndimage.label(finer)[0][::2, ::2].astype(np.int32)
    return labels


def _inner_labels(land: NDArray[np.int16], beside: Flags, below: Flags) -> NDArray[np.int32]:
    """The labels of the patch's pieces, without its margin."""
    joined = slice(MARGIN_PX, MARGIN_PX + PATCH_SIZE_PX - 1)
    return _label(land[_INNER, _INNER] >= 0, beside[_INNER, joined], below[joined, _INNER])


def _labels_that_go_on(labels: NDArray[np.int32], beside: Flags, below: Flags) -> NDArray[np.int32]:
    """The label at each pixel of the four sides where its parcel goes on beyond, else 0; int32 ``(4, 256)``."""
    start, end = MARGIN_PX, MARGIN_PX + PATCH_SIZE_PX
    inner = slice(start, end)
    at_side = np.stack([labels[0], labels[:, 0], labels[:, -1], labels[-1]])
    goes_on = np.stack(
        [below[start - 1, inner], beside[inner, start - 1], beside[inner, end - 1], below[end - 1, inner]]
    )
    return np.where(goes_on, at_side, np.int32(0))


def _seam_nodes(land: NDArray[np.int16], beside: Flags, below: Flags) -> Flags:
    """Where along the northern, western, eastern, southern side an outline may end, bool ``(4, 257)``: wherever
    two pixels are not joined on this side or beyond. Both patches of a seam come to the same."""
    start, end = MARGIN_PX, MARGIN_PX + PATCH_SIZE_PX
    between = slice(start, end - 1)
    owned = land >= 0
    one_row = beside | ~(owned[:, :-1] | owned[:, 1:])
    one_col = below | ~(owned[:-1] | owned[1:])
    nodes = np.ones((4, PATCH_SIZE_PX + 1), bool)
    for side, (same, across) in enumerate(
        [
            (one_row[start, between], one_row[start - 1, between]),
            (one_col[between, start], one_col[between, start - 1]),
            (one_col[between, end - 1], one_col[between, end]),
            (one_row[end - 1, between], one_row[end, between]),
        ]
    ):
        nodes[side, 1:-1] = ~(same & across)
    return nodes


def _outlines(
    labels: NDArray[np.int32], seam_nodes: Flags, tolerance_px: float
) -> dict[int, shapely.Polygon]:
    """The outline of each label, simplified if the tolerance is above 0. All that lies in the patch, what is no
    parcel too, is simplified as one coverage: lines keep their ends on the patch's sides and where three lands
    meet, and never cross."""
    found = list(rasterio.features.shapes(labels, connectivity=4))
    faces = np.array([shapely.geometry.shape(face) for face, _ in found])
    # A corner at every pixel: lines that are shared then have the same corners on both sides.
    faces = shapely.transform(shapely.segmentize(faces, 1), np.rint)
    if tolerance_px > 0:
        meet = _meeting_points(labels)
        faces = np.array([_with_rings(face, lambda ring: _through_middles(ring, meet)) for face in faces])
    faces = shapely.coverage_simplify(faces, tolerance_px, simplify_boundary=False)
    return {
        int(label): _with_rings(face, lambda ring: _without_idle_corners(ring, seam_nodes))
        for face, (_, label) in zip(faces, found, strict=True)
        if label
    }


def _with_rings(face: shapely.Polygon, change: Callable[[Corners], Corners]) -> shapely.Polygon:
    """The polygon of the changed rings; the corners of a ring come without the repeated last one."""
    shell, *holes = (change(shapely.get_coordinates(ring)[:-1]) for ring in (face.exterior, *face.interiors))
    return shapely.Polygon(shell, holes)


def _meeting_points(labels: NDArray[np.int32]) -> Flags:
    """At which corners of pixels more than two lands meet, bool ``(257, 257)``; on the patch's sides, at all."""
    meet = np.ones((PATCH_SIZE_PX + 1, PATCH_SIZE_PX + 1), bool)
    around = (labels[:-1, :-1], labels[:-1, 1:], labels[1:, 1:], labels[1:, :-1])
    lines = sum((around[at] != around[at - 1]).astype(np.int8) for at in range(4))
    meet[1:-1, 1:-1] = lines > 2
    return meet


def _through_middles(ring: Corners, meet: Flags) -> Corners:
    """The line through the middles of the pixels' sides, which favours neither of the lands that it parts, as the
    corners of stairs do; fixed at the points where lands meet."""
    after = np.roll(ring, -1, axis=0)
    is_at_side = ((ring == after) & ((ring == 0) | (ring == PATCH_SIZE_PX))).any(axis=1)
    kept = np.stack([meet[ring[:, 1].astype(int), ring[:, 0].astype(int)], ~is_at_side], axis=1)
    line: Corners = np.stack([ring, (ring + after) / 2], axis=1)[kept]
    return line


def _without_idle_corners(ring: Corners, seam_nodes: Flags) -> Corners:
    """Of the corners on the straight sides of the patch, only those at which something begins or ends."""
    before, after = np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0)
    is_idle = np.zeros(len(ring), bool)
    for side, (axis, at) in enumerate(((1, 0), (0, 0), (0, PATCH_SIZE_PX), (1, PATCH_SIZE_PX))):
        along = (before[:, axis] == at) & (ring[:, axis] == at) & (after[:, axis] == at)
        is_idle[along] = ~seam_nodes[side, ring[along, 1 - axis].astype(int)]
    return ring[~is_idle]
