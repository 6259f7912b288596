"""Parcels as maps, exports and other programs read them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.contrib.gis.geos import Polygon
from django.db.models import Min, Prefetch

from annotator.enums import ChoreKind, JobState
from annotator.models import Parcel, ParcelPiece, ParcelRebuild, ParcelUpdate
from annotator.queries.chores import given_up_chore

READ_AT_ONCE = 1000


def parcel_progress(project_id: int) -> tuple[int, int]:
    """How many parcels the project has, and how many of its patches wait for theirs to be drawn anew."""
    return Parcel.objects.filter(project_id=project_id).count(), patches_without_parcels(project_id)


def patches_without_parcels(project_id: int) -> int:
    """How many patches wait for their parcels to be drawn anew."""
    return ParcelUpdate.objects.filter(project_id=project_id).values("patch_id").distinct().count()


def newest_rebuild(project_id: int) -> ParcelRebuild | None:
    return ParcelRebuild.objects.filter(project_id=project_id).first()


def parcels_document(project_id: int) -> dict[str, Any]:
    """How many parcels there are, how many patches wait for theirs, and how the latest drawing of all of them is.

    ``state`` is None where nobody ever asked for that, and failed where drawing was given up, whoever asked for it.
    """
    count, waiting = parcel_progress(project_id)
    rebuild = newest_rebuild(project_id) or ParcelRebuild(state="")
    if given_up := given_up_chore(project_id, ChoreKind.PARCELS):
        rebuild.state, rebuild.message = JobState.FAILED, given_up.message
        rebuild.ended_at = given_up.ended_at
    return {
        "parcels": count,
        "patches_waiting": waiting,
        "state": rebuild.state or None,
        "is_active": rebuild.is_active,
        "done": rebuild.done,
        "total": rebuild.total,
        "message": rebuild.message,
        "requested_at": rebuild.requested_at,
        "ended_at": rebuild.ended_at,
    }


def parcels_in_place_order(project_id: int, box: Polygon | None) -> Iterator[tuple[str, list[Parcel]]]:
    """The parcels that meet the box (EPSG:3857), all without one, by the first quadkey of each: in an order that
    depends on nothing but the masks, some thousand read at a time.

    Each has its ``pieces`` in the order of their quadkeys, with patch, revision, author and model version.
    """
    facts = (
        ParcelPiece.objects.select_related("patch", "revision__author", "revision__proposal__model_version")
        .only(
            "parcel_id",
            "pixel_count",
            "kept_pixels",
            "is_reshaped",
            "patch__quadkey",
            "revision__saved_at",
            "revision__author__username",
            "revision__proposal__model_version__number",
        )
        .order_by("patch__quadkey", "pk")
    )
    rows = Parcel.objects.filter(project_id=project_id)
    if box is not None:
        rows = rows.filter(outline__intersects=box)
    ordered = rows.annotate(first=Min("pieces__patch__quadkey")).order_by("first")
    read = ordered.prefetch_related(Prefetch("pieces", queryset=facts)).iterator(chunk_size=READ_AT_ONCE)
    for first, parcels in groupby(read, key=lambda parcel: parcel.first):
        yield first, sorted(parcels, key=_from_the_north_west)


def _from_the_north_west(parcel: Parcel) -> tuple[float, float, bytes]:
    west, _, _, north = parcel.outline.extent
    return -north, west, bytes(parcel.outline.wkb)
