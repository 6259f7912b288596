"""Who works on a job row: a heartbeat in the row, so that a message delivered twice does the work once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Greatest
from django.utils import timezone

from annotator.models.job import MAX_TAKEOVERS, Leased

logger = logging.getLogger(__name__)
RowT = TypeVar("RowT", bound=Leased)
WORKERS_LOST = (
    f"{MAX_TAKEOVERS + 1} workers in a row were lost at the same place of it, for want of memory most likely, so it "
    "was given up."
)
GIVEN_UP = f"{WORKERS_LOST} Try again once the server has more memory, or ask for less at once."


def is_lost() -> Q:
    """The condition of a row whose worker has given no sign of life for too long."""
    limit = timezone.now() - timedelta(seconds=settings.JOB_LOST_AFTER_SECONDS)
    return Q(heartbeat_at__isnull=True) | Q(heartbeat_at__lt=limit)


def take_lease(
    model: type[RowT],
    row_id: int,
    *,
    waiting: str,
    working: tuple[str, ...],
    becomes: str,
    give_up: Callable[[RowT, str], None],
) -> RowT | None:
    """Takes up the row if it waits, or if whoever works on it is lost; None where it is not to be had.

    One conditional update decides between workers that were sent the same row, and counts those that were lost.
    What more than `MAX_TAKEOVERS` workers in a row would have to take up, without one of them having come further
    than those before, is given to ``give_up`` with a sentence instead: it kills whoever touches it.
    """
    takeable = Q(state=waiting) | Q(state__in=working) & is_lost()
    rows = model._default_manager.filter(pk=row_id).filter(takeable)
    progress = F(model.progress_field)
    taken = rows.update(
        state=becomes,
        heartbeat_at=timezone.now(),
        takeovers=Case(
            When(state=waiting, then=F("takeovers")),
            When(Q(**{f"{model.progress_field}__gt": F("furthest")}), then=Value(1)),
            default=F("takeovers") + 1,
        ),
        furthest=Greatest(F("furthest"), progress),
    )
    if not taken:
        return None
    row = model._default_manager.get(pk=row_id)
    if row.takeovers > MAX_TAKEOVERS:
        give_up(row, GIVEN_UP)
        return None
    return row


@contextmanager
def signs_of_life(rows: QuerySet[Any]) -> Iterator[None]:
    """Signs of life while files are opened, models loaded and images read, where nothing else tells any.

    ``rows`` is the job's row as long as it is this worker's. Whether it still is, is not for this to find out.
    """
    is_over = threading.Event()
    thread = threading.Thread(target=_beat, args=(rows, is_over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(2.0)


def _beat(rows: QuerySet[Any], is_over: threading.Event) -> None:
    """The thread's work; its database connection is its own."""
    while not is_over.wait(settings.JOB_LOST_AFTER_SECONDS / 4):
        try:
            rows.update(heartbeat_at=timezone.now())
        except (OperationalError, InterfaceError) as error:
            logger.warning("no sign of life can be written (%s)", error)
        finally:
            connection.close()
