"""Parcels for an export: those that are stored, held still while they are read, with where each comes from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.db import transaction
from pyproj import Transformer

from annotator.domain.events import record_event
from annotator.domain.export_contents import author_name, box_of, settle_contents
from annotator.domain.locks import lock_project
from annotator.domain.parcels import draw_batch, parcels_held
from annotator.domain.sides import block_of
from annotator.enums import ACTIVE_JOB_STATES, ExportKind, JobState
from annotator.errors import AlreadyActive, NotReady
from annotator.exports.contents import line_bytes
from annotator.models import Export, Parcel, ParcelUpdate
from annotator.queries.parcels import newest_rebuild, parcels_in_place_order, patches_without_parcels

OnWait = Callable[[str], None]


def write_stored_parcels(export: Export, on_wait: OnWait, path: Path) -> None:
    """A line for each parcel, in an order and with ids that depend on nothing but the masks.

    Where patches wait for their parcels, those are drawn first, and ``on_wait`` is told how many are left. Masks that
    were approved since the export was asked for are in it then: its row is given the revisions that the parcels are
    of. Raises NothingToExport where none is left, NotReady where parcels were
    not all drawn, AlreadyActive where another export makes the same.
    """
    with parcels_held(export.project_id):
        _settle_again(export, _settled_when_drawn(export, on_wait))
        bbox = export.parameters["bbox"]
        names = {one["value"]: one["name"] for one in export.basis["legend"]}
        to_lonlat = partial(_to_lonlat, Transformer.from_crs(3857, 4326, always_xy=True))
        with path.open("wb") as file:
            for first, parcels in parcels_in_place_order(export.project_id, box_of(bbox) if bbox else None):
                for number, parcel in enumerate(parcels, 1):
                    outline = shapely.transform(shapely.from_wkb(bytes(parcel.outline.wkb)), to_lonlat)
                    row = {
                        "id": f"{first}-{number}",
                        "class_name": names[parcel.value],
                        **_provenance(parcel, export),
                        "outline": shapely.to_wkb(shapely.orient_polygons(outline), hex=True, byte_order=1),
                    }
                    file.write(line_bytes(row))


def _to_lonlat(transformer: Transformer, corners: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.column_stack(transformer.transform(*corners.T))


def _settled_when_drawn(export: Export, on_wait: OnWait) -> Export:
    """The export as it would be asked for now, at a moment when no patch waits for its parcels.

    An approval leaves its row in the transaction that approves: where there is no row after the masks were read,
    the parcels, which nobody else draws, are those of the masks.
    """
    project_id = export.project_id
    while True:
        _check_whole(project_id)
        while draw_batch(project_id):
            on_wait(f"Patches whose parcels are drawn first: {patches_without_parcels(project_id):,}.")
        fresh = settle_contents(export.project, ExportKind(export.kind), export.parameters)
        if not ParcelUpdate.objects.filter(project_id=project_id).exists():
            return fresh


def _check_whole(project_id: int) -> None:
    newest = newest_rebuild(project_id)
    if newest is not None and newest.state in (JobState.CANCELLED, JobState.FAILED):
        how = "cancelled" if newest.state == JobState.CANCELLED else "given up"
        raise NotReady(
            f"Drawing all parcels anew was {how} after {newest.done:,} of {newest.total:,} patches, so that some "
            "may not be those of the masks and the legend. Draw them anew, then export again."
        )


@transaction.atomic
def _settle_again(export: Export, fresh: Export) -> None:
    if fresh.fingerprint == export.fingerprint:
        return
    lock_project(export.project_id)
    others = Export.objects.filter(project_id=export.project_id, state__in=ACTIVE_JOB_STATES)
    if other := others.filter(fingerprint=fresh.fingerprint).first():
        raise AlreadyActive(
            f"Masks were approved since it was asked for, and export {other.pk} makes the same. Take that one."
        )
    fields = ("revisions", "basis", "total", "fingerprint")
    for name in fields:
        setattr(export, name, getattr(fresh, name))
    export.save(update_fields=fields)
    record_event(export, "settled again", actor=None, patches=export.total, fingerprint=export.fingerprint)


def _provenance(parcel: Parcel, export: Export) -> dict[str, Any]:
    pieces = list(parcel.pieces.all())
    revisions = [piece.revision for piece in pieces]
    versions = {revision.proposal.model_version.number for revision in revisions if revision.proposal}
    corrected = [piece.revision for piece in pieces if piece.is_corrected]
    sides = {export.basis["sides"][block_of(piece.patch.quadkey)] for piece in pieces}
    newest = max(revision.saved_at for revision in revisions).astimezone(UTC)
    return {
        "class_value": parcel.value,
        "area_m2": round(parcel.area_m2, 2),
        "origin": parcel.origin,
        "authors": ", ".join(sorted({author_name(one.author, export) for one in revisions})),
        "model_versions": ", ".join(map(str, sorted(versions))),
        "corrected_by": ", ".join(sorted({author_name(one.author, export) for one in corrected})),
        "kept_share": None if parcel.kept_share is None else round(parcel.kept_share, 4),
        "confidence": None if parcel.confidence is None else round(parcel.confidence, 4),
        "sides": ", ".join(sorted(sides)),
        "revisions": ", ".join(map(str, sorted({revision.pk for revision in revisions}))),
        "saved_at": newest.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
