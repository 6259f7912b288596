"""Areas that are kept for people, and how much of each is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet

from annotator.models import Assignment, Project

MOST_COUNTED = 10_000
"""What is left of an area is counted up to here."""

# Claims are few, and what nobody holds lies side by side in an index of its own, read no further than is told.
_LEFT_SQL = """
SELECT id, (
    SELECT count(*) FROM (
        SELECT FROM annotator_queueentry
        WHERE assignment_id = area.id AND holder_id IS NULL LIMIT %(most)s) AS free),
    (SELECT count(*) FROM annotator_queueentry
     WHERE project_id = %(project)s AND holder_id IS NOT NULL AND assignment_id = area.id)
FROM unnest(%(ids)s::bigint[]) AS area (id)
"""


@dataclass(frozen=True)
class AssignmentProgress:
    """Of an area that is kept for people: patches that wait, returned ones among them, and those that are claimed.

    ``waiting`` stops at `MOST_COUNTED`.
    """

    assignment: Assignment
    waiting: int
    claimed: int

    @property
    def left(self) -> int:
        return self.waiting + self.claimed

    @property
    def is_count_whole(self) -> bool:
        return self.waiting < MOST_COUNTED

    @property
    def given(self) -> int:
        """At least what is left: patches of later scenes join, and returned ones come back."""
        return max(self.assignment.patch_count, self.left)


def open_assignments(project: Project) -> QuerySet[Assignment]:
    """Those that nobody has ended, the newest first."""
    rows = project.assignments.filter(ended_at__isnull=True).select_related("made_by")
    return rows.prefetch_related("people")


def assignment_progress(project: Project, assignments: Sequence[Assignment]) -> list[AssignmentProgress]:
    """How much is left of each, in one query more however many they are."""
    values = {"project": project.pk, "ids": [one.pk for one in assignments], "most": MOST_COUNTED}
    with connection.cursor() as cursor:
        cursor.execute(_LEFT_SQL, values)
        left = {pk: (waiting, claimed) for pk, waiting, claimed in cursor.fetchall()}
    return [AssignmentProgress(one, *left[one.pk]) for one in assignments]
