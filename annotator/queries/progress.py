"""How far the work of a project is: counts that are kept, so that no patch is looked at however many there are."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.db.models import OuterRef, Subquery, Sum
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce

from annotator.enums import PatchState
from annotator.models import PatchTally, TileCount
from annotator.queries.gold import User, disguises

# What was added up, and what was not yet, in one statement: a sweep between two would be counted twice or not at all.
_COUNTS_SQL = """
SELECT project_id, state, sum(patches) FROM (
    SELECT project_id, state, patches FROM annotator_tilecount
    WHERE project_id = ANY(%(projects)s) AND level = 0
    UNION ALL
    SELECT project_id, state, change FROM annotator_patchtally WHERE project_id = ANY(%(projects)s)
) AS counted GROUP BY project_id, state
"""


def patch_counts(project_id: int, user: User) -> dict[str, int]:
    """How many patches are in each state to the person, zeros included."""
    return patch_counts_of([project_id], user)[project_id]


def patch_counts_of(project_ids: Iterable[int], user: User) -> dict[int, dict[str, int]]:
    """Likewise of several projects, in as many queries."""
    counts = tallied(project_ids)
    for one in disguises(list(counts), user):
        counts[one.project_id][one.state] -= 1
        counts[one.project_id][one.seen] += 1
    return counts


def tallied(project_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """How many patches are in each state, by project."""
    counts = {project_id: dict.fromkeys(PatchState.values, 0) for project_id in project_ids}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS_SQL, {"projects": list(counts)})
        for project_id, state, count in cursor.fetchall():
            counts[project_id][state] = int(count)
    return counts


def counted_patches(**narrowed: str) -> CombinedExpression:
    """An annotation of projects: how many patches they have, or how many of a ``state``."""
    added_up = TileCount.objects.filter(project=OuterRef("pk"), level=0, **narrowed)
    tallies = PatchTally.objects.filter(project=OuterRef("pk"), **narrowed)
    sums = (
        rows.order_by().values("project").annotate(count=Sum(field)).values("count")
        for rows, field in ((added_up, "patches"), (tallies, "change"))
    )
    first, second = (Coalesce(Subquery(one), 0) for one in sums)
    return first + second
