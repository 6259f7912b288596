"""How fast a project's patches are submitted, and when the last one will be."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, timedelta

import numpy as np
import numpy.typing as npt
from django.db.models import Sum
from django.utils import timezone

from annotator.enums import PatchState
from annotator.models import DayTally
from annotator.queries.gold import User
from annotator.queries.progress import patch_counts

DAYS_LOOKED_AT = 28
FEWEST_DAYS = 5
CONFIDENCE = 0.9
_FUTURES = 2000
_MOST_DAYS = 36_500
_SEED = 20260101
Days = npt.NDArray[np.float64]
_WAITING = (PatchState.UNLABELLED, PatchState.CLAIMED, PatchState.RETURNED)


@dataclass(frozen=True)
class Forecast:
    """When the last patch is submitted if it goes on like this; None is beyond 100 years.

    ``likely`` is as often too early as too late; `CONFIDENCE` of the finishes lie from ``earliest`` to ``latest``.
    ``patches_per_day`` is the mean of the ``days`` that it rests on, the newest.
    """

    patches_per_day: float
    days: int
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
        DayTally.objects.filter(project_id=project_id, day__gte=start, day__lt=today)
        .order_by()
        .values_list("day", "annotator__username")
        .annotate(count=Sum("patches"))
        .filter(count__gt=0)
    )
    counts: dict[str, dict[date, int]] = defaultdict(dict)
    for day, name, count in rows:
        counts[name][day] = int(count)
    first = min((day for days in counts.values() for day in days), default=today)
    days = [first + timedelta(days=n) for n in range((today - first).days)]
    by_annotator = {name: [counts[name].get(day, 0) for day in days] for name in sorted(counts)}
    states = patch_counts(project_id, user)
    waiting = sum(states[state] for state in _WAITING)
    totals = [sum(days) for days in zip(*by_annotator.values(), strict=True)]
    return Pace(days, by_annotator, waiting, forecast_of(totals, waiting, today))


def forecast_of(totals: list[int], waiting: int, today: date) -> Forecast | None:
    """The quantiles of when the rest is done, in futures that are drawn from the days so far.

    Where there are two whole weeks the newest whole weeks are the units, else single days; work comes back by
    weekdays, and days of a week are alike. For each of 2,000 futures a pace is drawn and then units with
    replacement until the rest is done. The pace is the units' mean times ``exp(t · s / (m √n))``: Student's t with
    n - 1 degrees of freedom for the mean m of n units with deviation s, on the logarithm as no pace is negative (the
    delta method; Casella and Berger, Statistical Inference, 2002, 5.5.4). So the interval holds both that the pace is
    known from a few units only and that the days to come differ. Days off are days like others: what was drawn on
    them is 0. None below `FEWEST_DAYS` days, without work, or when nothing waits.
    """
    if len(totals) < FEWEST_DAYS or not sum(totals) or not waiting:
        return None
    weeks = len(totals) // 7
    # The weekday of tomorrow comes first.
    units = (
        np.roll(np.array(totals[-7 * weeks :], float).reshape(weeks, 7), -1, axis=1)
        if weeks >= 2
        else np.array(totals, float)[:, None]
    )
    if not units.any():
        return Forecast(0.0, units.size, None, None, None)
    random = np.random.default_rng(_SEED)
    days = _days_until(waiting / _drawn_paces(units, random), units, random)
    early, likely, late = np.quantile(
        days, [(1 - CONFIDENCE) / 2, 0.5, (1 + CONFIDENCE) / 2], method="inverted_cdf"
    )
    return Forecast(
        float(units.mean()), units.size, *(_day_after(today, count) for count in (likely, early, late))
    )


def _drawn_paces(units: Days, random: np.random.Generator) -> Days:
    """``(futures,)``, as multiples of the mean of the units."""
    sums = units.sum(axis=1)
    error = sums.std(ddof=1) / sums.mean() / math.sqrt(len(sums))
    paces: Days = np.exp(np.clip(random.standard_t(len(sums) - 1, _FUTURES) * error, -50, 50))
    return paces


def _days_until(rests: Days, units: Days, random: np.random.Generator) -> Days:
    """``(futures,)``: the day on which units ``(n, days)``, drawn with replacement, sum up to so many patches.

    Infinite beyond a hundred years.
    """
    sums, length = units.sum(axis=1), units.shape[1]
    found = np.full(len(rests), np.inf)
    # Not even the largest unit again and again would do it in a hundred years.
    waits = np.flatnonzero(rests <= sums.max() * _MOST_DAYS / length)
    rests, passed = rests[waits], np.zeros(len(waits))
    # So many units surely leave something, so they are drawn at once.
    while (surely := np.ceil(rests / sums.max()) - 1).any():
        rests = rests - random.multinomial(surely.astype(int), np.full(len(sums), 1 / len(sums))) @ sums
        passed += surely
    while len(waits):
        done = units[random.integers(len(units), size=len(waits))].cumsum(axis=1)
        ended = done[:, -1] >= rests
        within = (done[ended] < rests[ended, None]).sum(axis=1)
        found[waits[ended]] = passed[ended] * length + within + 1
        waits, rests, passed = waits[~ended], (rests - done[:, -1])[~ended], passed[~ended] + 1
    return np.where(found <= _MOST_DAYS, found, np.inf)


def _day_after(today: date, days: float) -> date | None:
    return today + timedelta(days=int(days)) if math.isfinite(days) else None
