"""Pieces become parcels: which belong together, which parcel each group is, and what is known of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

import numpy as np
import shapely
from django.contrib.gis.geos import GEOSGeometry, Polygon
from django.utils import timezone

from annotator import inference
from annotator.domain.parcel_pieces import PIECE_FACTS, Redrawn, keys_of
from annotator.enums import ParcelOrigin
from annotator.models import Parcel, ParcelPiece

Group = list[ParcelPiece]


def join_changed(project_id: int, redrawn: Redrawn, *, zoom: int) -> None:
    """Saves the pieces and brings the parcels that they touch up to date; all others are left as they are.

    A parcel keeps its id where most of its land stays one parcel; of several that could, the largest share wins.
    """
    changed = redrawn.new + redrawn.altered
    if not changed and not redrawn.gone:
        return
    touched = {piece.parcel_id for piece in redrawn.altered + redrawn.gone}
    touched |= _parcels_beside(project_id, changed, redrawn.gone, zoom)
    gone = {piece.pk for piece in redrawn.gone}
    altered = {piece.pk: piece for piece in redrawn.altered}
    rows = ParcelPiece.objects.filter(parcel__in=touched).exclude(pk__in=gone)
    rows = rows.select_related("patch", "revision").defer("revision__mask_png")
    kept = [altered.get(row.pk, row) for row in rows.order_by("patch__quadkey", "pk")]
    groups = _joined(kept + redrawn.new)
    before = {pk: frozenset(members) for pk, members in _members(kept).items()}
    lost = {piece.parcel_id for piece in redrawn.gone}
    heirs = _heirs(groups, redrawn)
    parcels = Parcel.objects.in_bulk(touched)
    renewed: list[tuple[Group, Parcel]] = []
    for at, group in enumerate(groups):
        parcel = parcels.pop(heirs[at], None) if at in heirs else None
        is_same = (
            parcel is not None
            and parcel.pk not in lost
            and before.get(parcel.pk) == frozenset(piece.pk for piece in group)
            and altered.keys().isdisjoint(piece.pk for piece in group)
        )
        if not is_same:
            renewed.append((group, parcel or Parcel(project_id=project_id)))
    _save(renewed, redrawn, zoom)
    # Nothing of these is left: their pieces are gone or belong to an heir.
    Parcel.objects.filter(pk__in=parcels.keys()).delete()


def _parcels_beside(
    project_id: int, changed: Sequence[ParcelPiece], gone: Sequence[ParcelPiece], zoom: int
) -> set[int]:
    """The parcels of stored pieces to which changed ones are joined over a seam."""
    if not changed:
        return set()
    places = {(piece.patch.x, piece.patch.y) for piece in changed}
    beside = {(x + dx, y + dy) for x, y in places for dx, dy in ((0, -1), (-1, 0), (1, 0), (0, 1))}
    # New pieces have no key yet, and so are known by None.
    known: set[int | None] = {piece.pk for piece in [*changed, *gone]}
    rows = ParcelPiece.objects.filter(
        patch__project_id=project_id, patch__quadkey__in=keys_of(beside, zoom)
    ).exclude(pk__in=[pk for pk in known if pk is not None])
    stored = list(rows.select_related("patch").defer("outline_wkb"))
    found: set[int] = set()
    for group in _joined([*changed, *stored]):
        if not known.isdisjoint(piece.pk for piece in group):
            found |= {piece.parcel_id for piece in group if piece.parcel_id}
    return found


def _joined(pieces: Sequence[ParcelPiece]) -> list[Group]:
    seams = [np.unpackbits(np.frombuffer(bytes(p.seams), np.uint8)).reshape(4, -1) > 0 for p in pieces]
    groups = inference.join_pieces([(piece.patch.x, piece.patch.y) for piece in pieces], seams)
    return [[pieces[at] for at in group] for group in groups]


def _members(pieces: Collection[ParcelPiece]) -> dict[int, set[int]]:
    members: dict[int, set[int]] = defaultdict(set)
    for piece in pieces:
        members[piece.parcel_id].add(piece.pk)
    return members


def _heirs(groups: Sequence[Group], redrawn: Redrawn) -> dict[int, int]:
    """By group, the id of the parcel that it goes on being."""
    shared: dict[tuple[int, int], float] = defaultdict(float)
    group_of_new: dict[int, int] = {}
    for at, group in enumerate(groups):
        for piece in group:
            if piece.parcel_id:
                shared[piece.parcel_id, at] += piece.pixel_count
            else:
                group_of_new[id(piece)] = at
    for old, new, area_px in _overlaps(redrawn):
        shared[old.parcel_id, group_of_new[id(new)]] += area_px
    heirs: dict[int, int] = {}
    taken: set[int] = set()
    for (parcel_id, at), _ in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        if at not in heirs and parcel_id not in taken:
            heirs[at] = parcel_id
            taken.add(parcel_id)
    return heirs


def _overlaps(redrawn: Redrawn) -> list[tuple[ParcelPiece, ParcelPiece, float]]:
    """How many pixels of each piece that is gone lie in each new one of its patch, where any do."""
    new_of: dict[int, list[ParcelPiece]] = defaultdict(list)
    for piece in redrawn.new:
        new_of[piece.patch_id].append(piece)
    found = []
    for old in redrawn.gone:
        outline = shapely.from_wkb(bytes(old.outline_wkb))
        others = new_of[old.patch_id]
        outlines = shapely.from_wkb([bytes(piece.outline_wkb) for piece in others])
        areas = shapely.area(shapely.intersection(outlines, outline))
        found += [(old, new, float(area)) for new, area in zip(others, areas, strict=True) if area > 0]
    return found


def _save(renewed: Sequence[tuple[Group, Parcel]], redrawn: Redrawn, zoom: int) -> None:
    for group, parcel in renewed:
        _describe(parcel, group, zoom)
    fields = ["value", "outline", "area_m2", "origin", "kept_share", "confidence", "changed_at"]
    known = [parcel for _, parcel in renewed if parcel.pk is not None]
    Parcel.objects.bulk_create(parcel for _, parcel in renewed if parcel.pk is None)
    Parcel.objects.bulk_update(known, fields, batch_size=500)
    moved = []
    for group, parcel in renewed:
        for piece in group:
            if piece.pk is not None and piece.parcel_id != parcel.pk:
                moved.append(piece)
            piece.parcel = parcel
    ParcelPiece.objects.bulk_update(moved, ["parcel"], batch_size=500)
    ParcelPiece.objects.bulk_update(redrawn.altered, PIECE_FACTS, batch_size=500)
    ParcelPiece.objects.bulk_create(redrawn.new, batch_size=500)
    ParcelPiece.objects.filter(pk__in=[piece.pk for piece in redrawn.gone]).delete()


def _describe(parcel: Parcel, group: Group, zoom: int) -> None:
    """What the pieces make of the parcel."""
    outline = inference.join_outlines(
        [(piece.patch.x, piece.patch.y) for piece in group],
        [shapely.from_wkb(bytes(piece.outline_wkb)) for piece in group],
        zoom,
    )
    proposed = [piece for piece in group if piece.kept_pixels is not None]
    kept_pixels = sum(piece.kept_pixels or 0 for piece in proposed)
    parcel.value = group[0].value
    parcel.outline = _stored(outline)
    parcel.area_m2 = inference.parcel_area_m2(outline)
    parcel.kept_share = kept_pixels / sum(p.pixel_count for p in group) if proposed else None
    parcel.confidence = sum(p.certainty_sum for p in proposed) / kept_pixels if kept_pixels else None
    parcel.origin = _origin(group, parcel.kept_share)
    parcel.changed_at = timezone.now()


def _stored(outline: shapely.Polygon) -> Polygon:
    stored = GEOSGeometry(memoryview(outline.wkb), srid=3857)
    assert isinstance(stored, Polygon), "the pieces of a parcel touch"
    return stored


def _origin(group: Group, kept_share: float | None) -> ParcelOrigin:
    if kept_share is not None:
        is_as_proposed = kept_share == 1 and not any(piece.is_corrected for piece in group)
        return ParcelOrigin.ACCEPTED if is_as_proposed else ParcelOrigin.CORRECTED
    if all(piece.revision.is_import for piece in group):
        return ParcelOrigin.IMPORTED
    return ParcelOrigin.DRAWN
