"""Parcels as maps, exports and other programs read them."""

from __future__ import annotations

from annotator.models import Parcel, ParcelUpdate


def parcel_progress(project_id: int) -> tuple[int, int]:
    """How many parcels the project has, and how many of its patches wait for theirs to be drawn anew."""
    waiting = ParcelUpdate.objects.filter(project_id=project_id).values("patch_id").distinct().count()
    return Parcel.objects.filter(project_id=project_id).count(), waiting
