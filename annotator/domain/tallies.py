from __future__ import annotations

from django.db import connection, transaction

# Each is one statement: whoever counts meanwhile sees the rows before or the rows after, never both. Rows of projects
# that are gone are dropped.
_ADD_UP_PATCHES_SQL = """
WITH gone AS (DELETE FROM annotator_patchtally RETURNING project_id, tile, state, change),
summed AS (
    SELECT project_id, tile, state, sum(change) AS change FROM gone
    WHERE project_id IN (SELECT id FROM annotator_project)
    GROUP BY project_id, tile, state HAVING sum(change) <> 0)
INSERT INTO annotator_tilecount (project_id, level, quadkey, state, patches)
SELECT project_id, level, left(tile, level), state, sum(change)
FROM summed, generate_series(0, length(tile)) AS level
GROUP BY project_id, level, left(tile, level), state HAVING sum(change) <> 0
ON CONFLICT (project_id, level, quadkey, state)
DO UPDATE SET patches = annotator_tilecount.patches + excluded.patches
"""
_ADD_UP_CLASSES_SQL = """
WITH gone AS (DELETE FROM annotator_classtally RETURNING project_id, value, patches, area_dm2)
INSERT INTO annotator_classtally (project_id, value, patches, area_dm2)
SELECT project_id, value, sum(patches), sum(area_dm2) FROM gone
WHERE project_id IN (SELECT id FROM annotator_project)
GROUP BY project_id, value HAVING sum(patches) <> 0
"""
# Days pile up, so only those that have several rows are made one of.
_ADD_UP_DAYS_SQL = """
WITH several AS (
    SELECT project_id, day, annotator_id FROM annotator_daytally
    GROUP BY project_id, day, annotator_id
    HAVING count(*) > 1 OR project_id NOT IN (SELECT id FROM annotator_project)),
gone AS (
    DELETE FROM annotator_daytally AS tally USING several
    WHERE (tally.project_id, tally.day, tally.annotator_id)
        = (several.project_id, several.day, several.annotator_id)
    RETURNING tally.project_id, tally.day, tally.annotator_id, tally.patches)
INSERT INTO annotator_daytally (project_id, day, annotator_id, patches)
SELECT project_id, day, annotator_id, sum(patches) FROM gone
WHERE project_id IN (SELECT id FROM annotator_project)
GROUP BY project_id, day, annotator_id HAVING sum(patches) <> 0
"""


@transaction.atomic
def add_up_tallies() -> None:
    """Adds the tallies of states to the counts of all tiles above them; makes one row of each class's and day's."""
    with connection.cursor() as cursor:
        # Two sweeps at once would wait for each other's rows in orders of their own.
        cursor.execute(
            "LOCK TABLE annotator_patchtally, annotator_classtally, annotator_daytally "
            "IN SHARE UPDATE EXCLUSIVE MODE"
        )
        cursor.execute(_ADD_UP_PATCHES_SQL)
        cursor.execute(_ADD_UP_CLASSES_SQL)
        cursor.execute(_ADD_UP_DAYS_SQL)
