from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, F, Max, Prefetch, Q, QuerySet

from annotator.enums import SpotOutcome
from annotator.models import SpotCheck, SpotDraw

MOST_DRAWS = 30


def spot_draws(project_id: int) -> QuerySet[SpotDraw]:
    """The draws, the newest first, each with its checks by annotator, in three queries however many there are."""
    checks = SpotCheck.objects.select_related("annotator").order_by("annotator__username", "patch_id")
    rows = SpotDraw.objects.filter(project_id=project_id).select_related("drawn_by")
    return rows.prefetch_related(Prefetch("checks", checks))


@dataclass(frozen=True)
class SpotTally:
    """What spot checks of one annotator's work found, of one day or, with ``day`` None, of all days.

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
    def passed_percent(self) -> float | None:
        """Of those that were looked at; None before the first."""
        looked_at = self.drawn - self.open
        return 100 * self.passed / looked_at if looked_at else None


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
    return [_together(name, [one for one in tallies if one.annotator == name]) for name in names]


def _together(name: str, some: Sequence[SpotTally]) -> SpotTally:
    return SpotTally(
        day=None,
        annotator=name,
        submitted=sum(one.submitted for one in some),
        drawn=sum(one.drawn for one in some),
        passed=sum(one.passed for one in some),
        returned=sum(one.returned for one in some),
        fixed=sum(one.fixed for one in some),
        open=sum(one.open for one in some),
    )
