from __future__ import annotations

from django.db import connection, transaction

# One statement: whoever counts meanwhile sees the rows before or the row after, never both.
_ADD_UP_SQL = """
WITH gone AS (DELETE FROM annotator_patchtally RETURNING project_id, state, change)
INSERT INTO annotator_patchtally (project_id, state, change)
SELECT project_id, state, sum(change) FROM gone GROUP BY project_id, state HAVING sum(change) <> 0
"""


@transaction.atomic
def add_up_tallies() -> None:
    """Makes one row of each project's tallies of a state, so that counting stays quick."""
    with connection.cursor() as cursor:
        # Two sweeps at once would wait for each other's rows in orders of their own.
        cursor.execute("LOCK TABLE annotator_patchtally IN SHARE UPDATE EXCLUSIVE MODE")
        cursor.execute(_ADD_UP_SQL)
