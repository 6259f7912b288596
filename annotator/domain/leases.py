"""Who works on a job row: a heartbeat in the row, so that a message delivered twice does the work once."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from django.conf import settings
from django.db.models import Model, Q
from django.utils import timezone

RowT = TypeVar("RowT", bound=Model)


def is_lost() -> Q:
    """The condition of a row whose worker has given no sign of life for too long."""
    limit = timezone.now() - timedelta(seconds=settings.JOB_LOST_AFTER_SECONDS)
    return Q(heartbeat_at__isnull=True) | Q(heartbeat_at__lt=limit)


def take_lease(
    model: type[RowT], row_id: int, *, waiting: str, working: tuple[str, ...], becomes: str
) -> RowT | None:
    """Takes up the row if it waits, or if whoever works on it is lost; None where it is not to be had.

    One conditional update decides between workers that were sent the same row.
    """
    takeable = Q(state=waiting) | Q(state__in=working) & is_lost()
    rows = model._default_manager.filter(pk=row_id).filter(takeable)
    taken = rows.update(state=becomes, heartbeat_at=timezone.now())
    return model._default_manager.get(pk=row_id) if taken else None
