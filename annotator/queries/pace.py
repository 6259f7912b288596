"""How fast a project's patches are submitted, and when the last one will be."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone

from annotator.enums import PatchState
from annotator.models import PatchWork
from annotator.queries.gold import User
from annotator.queries.progress import patch_counts

DAYS_LOOKED_AT = 28
FEWEST_DAYS = 5
CONFIDENCE = 0.9
_RESAMPLES = 2000
_SEED = 20260101
_WAITING = (PatchState.UNLABELLED, PatchState.CLAIMED, PatchState.RETURNED)


@dataclass(frozen=True)
class Forecast:
    """When the last patch is submitted if it goes on like this, with an interval; None is beyond 100 years."""

    patches_per_day: float
    likely: date | None
    earliest: date | None
    latest: date | None


@dataclass(frozen=True)
class Pace:
    """Whole days (UTC), the oldest first, and the patches that each person submitted on each of them.

    A patch counts once, on the day of its last submission; labels that were imported are nobody's work. ``forecast``
    is None before there are days enough.
    """

    days: list[date]
    by_annotator: dict[str, list[int]]
    waiting: int
    forecast: Forecast | None

    @property
    def totals(self) -> list[int]:
        return [sum(counts) for counts in zip(*self.by_annotator.values(), strict=True)] or [0] * len(
            self.days
        )


def pace_of(project_id: int, user: User) -> Pace:
    """The last four whole weeks, or as many days as there are since the first submission among them."""
    today = timezone.now().astimezone(UTC).date()
    start = today - timedelta(days=DAYS_LOOKED_AT)
    rows = (
        PatchWork.objects.filter(
            project_id=project_id,
            is_import=False,
            submitted_at__gte=_midnight(start),
            submitted_at__lt=_midnight(today),
        )
        .order_by()
        .values_list(TruncDate("submitted_at", tzinfo=UTC), "annotator__username")
        .annotate(Count("pk"))
    )
    counts: dict[str, dict[date, int]] = defaultdict(dict)
    for day, name, count in rows:
        counts[name][day] = count
    first = min((day for days in counts.values() for day in days), default=today)
    days = [first + timedelta(days=n) for n in range((today - first).days)]
    by_annotator = {name: [counts[name].get(day, 0) for day in days] for name in sorted(counts)}
    states = patch_counts(project_id, user)
    waiting = sum(states[state] for state in _WAITING)
    totals = [sum(days) for days in zip(*by_annotator.values(), strict=True)]
    return Pace(days, by_annotator, waiting, forecast_of(totals, waiting, today))


def forecast_of(totals: list[int], waiting: int, today: date) -> Forecast | None:
    """From the mean of the days and, for the interval, the means of days drawn from them with replacement.

    Days off are days like others: what was drawn on them is 0. None below `FEWEST_DAYS` days, without work, or
    when nothing waits.
    """
    if len(totals) < FEWEST_DAYS or not sum(totals) or not waiting:
        return None
    days = np.asarray(totals, float)
    drawn = np.random.default_rng(_SEED).choice(days, (_RESAMPLES, len(days))).mean(axis=1)
    slow, fast = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    mean = float(days.mean())
    return Forecast(
        mean,
        _day_after(today, waiting, mean),
        _day_after(today, waiting, fast),
        _day_after(today, waiting, slow),
    )


def _day_after(today: date, waiting: int, per_day: float) -> date | None:
    days = math.ceil(waiting / per_day) if per_day > 0 else math.inf
    return today + timedelta(days=int(days)) if days <= 36_500 else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
