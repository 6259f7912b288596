"""How long the page of quality takes with 100,000 corrections and 20,000 comparisons, and what reads its sums.

Requests go through the whole application. `--quick` takes a tenth of the rows. The last line is flat JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, reset_queries  # noqa: E402
from django.test import Client, override_settings  # noqa: E402

from annotator.domain.projects import ClassSpec, create_project  # noqa: E402
from annotator.models import Project  # noqa: E402
from annotator.queries.versions import promoted_version  # noqa: E402

REQUESTS = 15
_ROWS_SQL = """
WITH patches AS (
    INSERT INTO annotator_patch (project_id, quadkey, z, x, y, square, state, is_audit, changed_at)
    SELECT %(project)s, lpad(n::text, 20, '0'), 17, n, 1, ST_MakeEnvelope(0, 0, 1, 1, 3857), 'approved',
           n %% 10 = 0, now()
    FROM generate_series(1, %(count)s) AS n RETURNING id
), annotations AS (
    INSERT INTO annotator_annotation (patch_id) SELECT id FROM patches RETURNING id, patch_id
), revisions AS (
    INSERT INTO annotator_revision (annotation_id, number, author_id, mask_png, is_submitted, is_conflicting,
        is_import, seconds_spent, stroke_count, pixels_changed, idempotency_key, saved_at)
    SELECT id, 1, (%(users)s::bigint[])[1 + id %% 10], '\\x00', true, false, false, 60, 8, 900, '', now()
    FROM annotations RETURNING id, annotation_id, author_id
), corrections AS (
    INSERT INTO annotator_correction (annotation_id, project_id, patch_id, model_version_id, author_id, is_hidden,
        miou, seconds, strokes, pixels_changed, submitted_at)
    SELECT id, %(project)s, patch_id, %(version)s, (%(users)s::bigint[])[1 + id %% 10], id %% 20 = 0,
        0.6 + 0.4 * random(),
        60, 8, 900, now()
    FROM annotations
), readings AS (
    INSERT INTO annotator_reading (project_id, patch_id, reader_id, purpose, state, standing, begun_at)
    SELECT %(project)s, patch_id, (%(users)s::bigint[])[1 + (id + 1) %% 10], 'second', 'submitted', '{}', now()
    FROM annotations WHERE id %% 5 = 0 RETURNING id, patch_id, reader_id
)
INSERT INTO annotator_comparison (project_id, reading_id, purpose, other_id, first_author_id, second_author_id, miou,
    value_pairs, pixel_counts, boundary_first, boundary_first_near, boundary_second, boundary_second_near,
    compared_at)
SELECT %(project)s, readings.id, CASE WHEN readings.id %% 3 = 0 THEN 'gold' ELSE 'second' END, revisions.id,
    revisions.author_id, reader_id, 0.5 + 0.5 * random(), ARRAY[0, 1, 2, 256, 257, 258, 512, 513, 514],
    ARRAY[20000, 500, 300, 700, 30000, 900, 250, 800, 12086], 1400, 1200, 1350, 1150,
    now() - (readings.id %% 24) * interval '1 month'
FROM readings JOIN annotations USING (patch_id) JOIN revisions ON revisions.annotation_id = annotations.id
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    count = 10_000 if parser.parse_args().quick else 100_000
    call_command("migrate", verbosity=0)
    project = _fill(count)
    client = Client()
    client.force_login(project.created_by)
    page, report = f"/projects/{project.slug}/quality/", f"/api/v1/projects/{project.slug}/quality/"
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        times = {path: _seconds(client, path) for path in (page, report)}
        with override_settings(DEBUG=True):
            reset_queries()
            client.get(page)
            queries = len(connection.queries)
    print(
        json.dumps(
            {
                "corrections": count,
                "comparisons": count // 5,
                "page_ms": round(1000 * statistics.median(times[page]), 1),
                "page_slowest_ms": round(1000 * max(times[page]), 1),
                "json_ms": round(1000 * statistics.median(times[report]), 1),
                "queries": queries,
            }
        )
    )


def _fill(count: int) -> Project:
    users = [User.objects.create(username=f"annotator{i}") for i in range(10)]
    legend = (
        ClassSpec(0, "other", "#8c8c8c"),
        ClassSpec(1, "field", "#e69f00"),
        ClassSpec(2, "boundary", "#d55e00", is_boundary=True),
    )
    project = create_project(user=users[0], name="Benchmark", legend=legend)
    version = promoted_version(project.pk)
    assert version is not None, "a project has its base version"
    with connection.cursor() as cursor:
        facts = {"project": project.pk, "version": version.pk, "count": count, "users": [u.pk for u in users]}
        cursor.execute(_ROWS_SQL, facts)
        cursor.execute("ANALYZE")
    return project


def _seconds(client: Client, path: str) -> list[float]:
    client.get(path)
    taken = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        assert client.get(path).status_code == 200
        taken.append(time.perf_counter() - started)
    return taken


if __name__ == "__main__":
    main()
