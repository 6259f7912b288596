"""Sums over comparisons and corrections: a few queries, however many rows there are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

from django.db import connection
from django.db.models import Avg, Count, F, StdDev, Sum
from django.db.models.functions import TruncMonth

from annotator.enums import DoubleState, ReadingPurpose
from annotator.models import Comparison, Correction, DoubleAnnotation


@dataclass
class AgreementSums:
    """Comparisons added up. ``pairs`` are pixels by both class values, boundaries are pixels of both masks."""

    patches: int = 0
    miou_sum: float = 0.0
    first: int = 0
    first_near: int = 0
    second: int = 0
    second_near: int = 0
    pairs: dict[tuple[int, int], int] = field(default_factory=dict)

    @property
    def miou(self) -> float:
        """The mean over patches."""
        return self.miou_sum / self.patches

    @property
    def boundary_f1(self) -> float | None:
        """None where neither mask has a boundary."""
        if not self.first and not self.second:
            return None
        if not self.first_near or not self.second_near:
            return 0.0
        recall, precision = self.first_near / self.first, self.second_near / self.second
        return 2 * precision * recall / (precision + recall)


_SUMS = {
    "patches": Count("pk"),
    "miou_sum": Sum("miou"),
    "first": Sum("boundary_first"),
    "first_near": Sum("boundary_first_near"),
    "second": Sum("boundary_second"),
    "second_near": Sum("boundary_second_near"),
}
_PAIRS_SQL = """
SELECT purpose, date_trunc('month', compared_at AT TIME ZONE 'UTC')::date, pair, sum(pixels)::bigint
FROM annotator_comparison, unnest(value_pairs, pixel_counts) AS counted (pair, pixels)
WHERE project_id = %s
GROUP BY 1, 2, 3
"""
# A second reading says as much of the first annotator as of the second, and alpha asks for no order of the two.
_PAIRS_BY_PERSON_SQL = """
SELECT person.username, purpose, pair, sum(pixels)::bigint
FROM (
    SELECT second_author_id AS author_id, purpose, value_pairs, pixel_counts FROM annotator_comparison
    WHERE project_id = %(project)s
    UNION ALL
    SELECT first_author_id, purpose, value_pairs, pixel_counts FROM annotator_comparison
    WHERE project_id = %(project)s AND purpose = %(second)s) AS compared
JOIN auth_user AS person ON person.id = author_id, unnest(value_pairs, pixel_counts) AS counted (pair, pixels)
GROUP BY 1, 2, 3
"""


def agreement_by_month(project_id: int) -> dict[tuple[ReadingPurpose, date], AgreementSums]:
    """What was compared in each month, the oldest first; two queries."""
    rows = (
        Comparison.objects.filter(project_id=project_id)
        .annotate(month=TruncMonth("compared_at"))
        .values("purpose", "month")
        .annotate(**_SUMS)
        .order_by("month", "purpose")
    )
    found = {
        (ReadingPurpose(row.pop("purpose")), row.pop("month").date()): AgreementSums(**row) for row in rows
    }
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS_SQL, [project_id])
        for purpose, month, pair, pixels in cursor.fetchall():
            found[ReadingPurpose(purpose), month].pairs[divmod(pair, 256)] = pixels
    return found


def total(sums: list[AgreementSums]) -> AgreementSums:
    """All of them together."""
    whole = AgreementSums()
    for one in sums:
        for name in _SUMS:
            setattr(whole, name, getattr(whole, name) + getattr(one, name))
        for pair, pixels in one.pairs.items():
            whole.pairs[pair] = whole.pairs.get(pair, 0) + pixels
    return whole


def agreement_by_person(project_id: int) -> dict[str, dict[ReadingPurpose, AgreementSums]]:
    """By user name, each person beside others and against gold; three queries."""
    rows = Comparison.objects.filter(project_id=project_id)
    found: dict[str, dict[ReadingPurpose, AgreementSums]] = defaultdict(dict)
    seconds = rows.filter(purpose=ReadingPurpose.SECOND)
    # A second reading says as much of the first annotator as of the second.
    for side, some in (("second", rows), ("first", seconds)):
        named = some.values("purpose", name=F(f"{side}_author__username"))
        for row in named.annotate(**_SUMS).order_by("name"):
            purpose, name = ReadingPurpose(row.pop("purpose")), row.pop("name")
            known = found[name].get(purpose)
            sums = AgreementSums(**row)
            found[name][purpose] = total([known, sums]) if known else sums
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS_BY_PERSON_SQL, {"project": project_id, "second": ReadingPurpose.SECOND})
        for name, purpose_value, pair, pixels in cursor.fetchall():
            found[name][ReadingPurpose(purpose_value)].pairs[divmod(pair, 256)] = pixels
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class CorrectionCost:
    """What people changed of the proposals of one model version.

    ``miou`` is that of final masks with their proposals, the mean over the ``measured`` patches whose masks were
    compared, with its standard deviation; seconds, strokes and pixels are means over all ``patches``.
    """

    version: int
    is_hidden: bool
    is_audit: bool
    patches: int
    measured: int
    miou: float | None
    miou_deviation: float | None
    seconds: float
    strokes: float
    pixels_changed: float


def correction_costs(project_id: int) -> list[CorrectionCost]:
    """By model version, shown and hidden proposals apart, and patches that chance chose apart; one query.

    A patch counts once: second masks and answers to gold patches lie on patches that are counted already, so they are
    no further observations of a version.
    """
    rows = (
        Correction.objects.filter(project_id=project_id, annotation__patch__isnull=False)
        .values("is_hidden", version=F("model_version__number"), is_audit=F("patch__is_audit"))
        .annotate(
            patches=Count("pk"),
            measured=Count("miou"),
            mean_miou=Avg("miou"),
            miou_deviation=StdDev("miou", sample=True),
            mean_seconds=Avg("seconds"),
            mean_strokes=Avg("strokes"),
            mean_pixels_changed=Avg("pixels_changed"),
        )
        .order_by("version", "is_hidden", "is_audit")
    )
    return [
        CorrectionCost(**{name.removeprefix("mean_"): value for name, value in row.items()}) for row in rows
    ]


def double_counts(project_id: int) -> dict[DoubleState, int]:
    """How many patches that two people draw are in each state, zeros included."""
    rows = DoubleAnnotation.objects.filter(project_id=project_id).values_list("state").annotate(Count("pk"))
    counted = dict(rows)
    return {state: counted.get(state, 0) for state in DoubleState}
