from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, F, Max, Prefetch, Q, QuerySet

from annotator.enums import SpotOutcome
from annotator.models import SpotCheck, SpotDraw

MOST_DRAWS = 30


def spot_draws(project_id: int) -> QuerySet[SpotDraw]:
    """The draws, the newest first, each with its checks by annotator, in three queries however many there are."""
    checks = SpotCheck.objects.select_related("annotator").order_by("annotator__username", "patch_id")
    rows = SpotDraw.objects.filter(project_id=project_id).select_related("drawn_by")
    return rows.prefetch_related(Prefetch("checks", checks))


def newest_draws(project_id: int, most: int) -> list[SpotDraw]:
    """The newest draws, each with how many ``patches`` it chose; one query."""
    rows = SpotDraw.objects.filter(project_id=project_id).select_related("drawn_by")
    return list(rows.annotate(patches=Count("checks"))[:most])


@dataclass(frozen=True)
class SpotTally:
    """What spot checks of one annotator's work found, of one day or of the week that begins on it; ``day`` is None
    for all days together.

    ``submitted`` is how many patches were drawn from; of the ``drawn`` ones the rest is each in one of the four.
    """

    day: date | None
    annotator: str
    submitted: int
    drawn: int
    passed: int
    returned: int
    fixed: int
    open: int

    @property
    def passed_share(self) -> float | None:
        """Of those that were looked at, 0 to 1; None before the first."""
        looked_at = self.drawn - self.open
        return self.passed / looked_at if looked_at else None

    @property
    def passed_percent(self) -> float | None:
        return None if self.passed_share is None else 100 * self.passed_share


def spot_tallies(project_id: int) -> list[SpotTally]:
    """By day and annotator, the newest day first; one query."""
    counts = {state.value: Count("pk", filter=Q(outcome=state)) for state in SpotOutcome}
    rows = (
        SpotCheck.objects.filter(draw__project_id=project_id)
        .values(day=F("draw__day"), name=F("annotator__username"))
        .annotate(submitted=Max("submitted_that_day"), drawn=Count("pk"), **counts)
        .order_by("-day", "name")
    )
    return [SpotTally(annotator=row.pop("name"), **row) for row in rows]


def by_annotator(tallies: Sequence[SpotTally]) -> list[SpotTally]:
    """All days of each annotator together, by name."""
    names = sorted({one.annotator for one in tallies})
    return [_together(None, name, [one for one in tallies if one.annotator == name]) for name in names]


def by_week(tallies: Iterable[SpotTally]) -> list[SpotTally]:
    """The days of each week together, by annotator; the newest week first. ``day`` is the week's Monday."""
    weeks: dict[tuple[date, str], list[SpotTally]] = defaultdict(list)
    for one in tallies:
        if one.day is not None:
            weeks[one.day - timedelta(days=one.day.weekday()), one.annotator].append(one)
    return [
        _together(monday, name, some)
        for (monday, name), some in sorted(
            weeks.items(), key=lambda item: (-item[0][0].toordinal(), item[0][1])
        )
    ]


def _together(day: date | None, name: str, some: Sequence[SpotTally]) -> SpotTally:
    return SpotTally(
        day=day,
        annotator=name,
        submitted=sum(one.submitted for one in some),
        drawn=sum(one.drawn for one in some),
        passed=sum(one.passed for one in some),
        returned=sum(one.returned for one in some),
        fixed=sum(one.fixed for one in some),
        open=sum(one.open for one in some),
    )
