"""The lead's desk on a million patches: the slowest of a few reads of each filter, of a page deep in the list, of the
map from near and far, of progress and counts, before and after the tallies are added up, and of whole pages.

Before the figures it tells of each read which tables and indexes its plan scans. `--quick` takes 10,000 patches and
fewer reads. The last line is flat JSON; times are milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from annotator.api.desk_tiles import chosen_sql, most_counted  # noqa: E402
from annotator.domain.projects import ClassSpec, create_project  # noqa: E402
from annotator.domain.tallies import add_up_tallies  # noqa: E402
from annotator.imagery.patch_tiles import read_patch_tile  # noqa: E402
from annotator.models import Project  # noqa: E402
from annotator.queries.desk import Cursor, all_rows, count_up_to, desk_page  # noqa: E402
from annotator.queries.desk_filter import DeskFilter  # noqa: E402
from annotator.queries.pace import pace_of  # noqa: E402
from annotator.queries.progress import patch_counts  # noqa: E402

FILTERS: dict[str, dict[str, str]] = {
    "all": {},
    "submitted": {"state": "submitted"},
    "oldest_submitted": {"state": "submitted", "order": "age"},
    "annotator": {"annotator": "annotator3"},
    "annotator_submitted": {"annotator": "annotator3", "state": "submitted"},
    "reviewer": {"reviewer": "lead"},
    "common_class": {"label_class": "1"},
    "rare_class": {"label_class": "2"},
    "comment": {"words": "track"},
    "month_old": {"age_min": "29.9"},
}
ZOOM, SIDE_BITS = 17, 10
CORNER_X, CORNER_Y = 93600 >> SIDE_BITS << SIDE_BITS, 58000 >> SIDE_BITS << SIDE_BITS
# A square of 1,024 x 1,024 patches, of which three in ten were drawn: nine in ten of these are approved.
_PATCHES_SQL = """
WITH tile AS (
    SELECT n, %(x)s + (n & 1023) AS x, %(y)s + (n >> 10) AS y FROM generate_series(0, %(count)s - 1) AS n
), keyed AS (
    SELECT *, (SELECT string_agg((((x >> b) & 1) + 2 * ((y >> b) & 1))::text, '' ORDER BY b DESC)
               FROM generate_series(0, %(z)s - 1) AS b) AS quadkey FROM tile
)
INSERT INTO annotator_patch (project_id, quadkey, z, x, y, square, is_audit, state, changed_at)
SELECT %(project)s, quadkey, %(z)s, x, y, ST_TileEnvelope(%(z)s, x, y), false,
       CASE WHEN n %% 10 > 2 THEN 'unlabelled' WHEN n %% 100 = 1 THEN 'submitted'
            WHEN n %% 1000 = 2 THEN 'returned' ELSE 'approved' END,
       now() - (n %% 8640) * interval '5 minutes'
FROM keyed
"""
_WORK_SQL = """
INSERT INTO annotator_patchwork
    (patch_id, project_id, annotator_id, submitted_at, reviewer_id, decided_at, comment)
SELECT id, project_id, %(first)s + abs(hashint8(id)) %% 20, changed_at,
       CASE WHEN state = 'approved' THEN %(lead)s END,
       CASE WHEN state = 'approved' THEN changed_at END, CASE WHEN state = 'returned' THEN 'The track' ELSE '' END
FROM annotator_patch WHERE state <> 'unlabelled'
"""
_CLASSES_SQL = """
INSERT INTO annotator_patchclass (patch_id, project_id, value, pixels)
SELECT id, project_id, value, 1000 FROM annotator_patch, (VALUES (0), (1), (2)) AS class (value)
WHERE state <> 'unlabelled' AND (value < 2 OR id %% 5000 = 3)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    is_quick = parser.parse_args().quick
    count, reads = (10_000, 1) if is_quick else (1_000_000, 5)
    call_command("migrate", verbosity=0)
    project = make_project(count)
    worst_ms = partial(worst_of, reads)
    times = {"counts_before_adding_up": worst_ms(lambda: patch_counts(project.pk, project.created_by))}
    started = time.perf_counter()
    add_up_tallies()
    adding_up_s = round(time.perf_counter() - started, 2)
    with connection.cursor() as cursor:
        cursor.execute(
            "VACUUM ANALYZE annotator_patchtally, annotator_tilecount, annotator_classtally, annotator_daytally"
        )
    times["counts"] = worst_ms(lambda: patch_counts(project.pk, project.created_by))
    times |= {name: worst_ms(lambda q=query: read(project, q)) for name, query in FILTERS.items()}
    deep = Cursor(project.patches.order_by("pk")[count * 9 // 10].pk)
    times["deep_page"] = worst_ms(lambda: desk_page(wanted(project, {}), deep, 50))
    for zoom in (11, 10, 9, 7):
        for name in ("all", "submitted", "annotator", "reviewer", "common_class"):
            label = f"tile_{zoom}" if name == "all" else f"tile_{zoom}_{name}"
            times[label] = worst_ms(lambda z=zoom, q=FILTERS[name]: tile(project, z, q))
    times |= page_times(project, worst_ms)
    times["pace"] = worst_ms(lambda: pace_of(project.pk, project.created_by))
    started = time.perf_counter()
    rows = sum(1 for _ in islice(all_rows(wanted(project, {})), 20_000))
    rate = rows / (time.perf_counter() - started)
    print_plans(project)
    print(
        json.dumps(
            {"patches": count, "csv_rows_per_second": round(rate), "adding_up_seconds": adding_up_s}
            | {f"{name}_ms": ms for name, ms in times.items()}
        )
    )


def make_project(count: int) -> Project:
    lead = User.objects.create(username="lead")
    first = User.objects.create(username="annotator0")
    for number in range(1, 20):
        User.objects.create(username=f"annotator{number}")
    legend = tuple(ClassSpec(value, f"class {value}", "#e69f00") for value in range(3))
    project = create_project(user=lead, name="Benchmark", legend=legend, patch_zoom=ZOOM)
    values = {"project": project.pk, "count": count, "z": ZOOM, "x": CORNER_X, "y": CORNER_Y}
    with connection.cursor() as cursor:
        cursor.execute(_PATCHES_SQL, values)
        cursor.execute(_WORK_SQL, {"first": first.pk, "lead": lead.pk})
        cursor.execute(_CLASSES_SQL, {})
        cursor.execute("VACUUM ANALYZE")
    return project


def wanted(project: Project, query: dict[str, str]) -> DeskFilter:
    form = DeskFilter(project, query)
    assert form.is_valid(), form.errors
    return form


def read(project: Project, query: dict[str, str]) -> None:
    """What the page asks: its rows, and how many there are."""
    form = wanted(project, query)
    assert desk_page(form, None, 50).rows, query
    count_up_to(form)


def tile(project: Project, zoom: int, query: dict[str, str]) -> None:
    up = ZOOM - zoom
    place = {"x": CORNER_X >> up, "y": CORNER_Y >> up, "z": zoom}
    form = wanted(project, query)
    assert read_patch_tile(
        project_id=project.pk,
        patch_zoom=ZOOM,
        user_id=0,
        told={},
        state=form.cleaned_data["state"],
        chosen="" if form.is_state_at_most else chosen_sql(form, (place["x"], place["y"], zoom)),
        most=most_counted(form),
        **place,
    )


def print_plans(project: Project) -> None:
    """What the plans of reads scan, so that whoever runs this sees that none looks at every patch."""
    reads = {f"list, {name}": partial(read, project, query) for name, query in FILTERS.items()}
    reads |= {f"tile 7, {name}": partial(tile, project, 7, query) for name, query in FILTERS.items()}
    reads["counts"] = partial(patch_counts, project.pk, project.created_by)
    reads["pace"] = partial(pace_of, project.pk, project.created_by)
    for name, one in reads.items():
        with CaptureQueriesContext(connection) as asked:
            one()
        scans: Counter[str] = Counter()
        with connection.cursor() as cursor:
            # Statements that are planned once are no reads of the desk, and have no plan without their values.
            for query in (one for one in asked if "$1" not in one["sql"]):
                cursor.execute("EXPLAIN (COSTS OFF) " + query["sql"])
                plan = "\n".join(row[0] for row in cursor.fetchall())
                scans.update(
                    re.findall(r"((?:Seq|Index|Index Only|Bitmap Heap) Scan (?:using|on) \w+)", plan)
                )
        print(f"{name}: {', '.join(sorted(scans))}")


def page_times(project: Project, worst_ms: Callable[[Callable[[], object]], float]) -> dict[str, float]:
    """Whole answers of the web application, templates and all; of the plot the first one of the process too."""
    client = Client()
    client.force_login(project.created_by)
    root, api = f"/projects/{project.slug}/", f"/api/v1/projects/{project.slug}/"
    submitted = project.patches.filter(state="submitted")[0].pk
    addresses = {
        "overview": root,
        "projects": "/",
        "desk": f"{root}desk/",
        "desk_annotator": f"{root}desk/?annotator=annotator3",
        "desk_class": f"{root}desk/?label_class=1",
        "progress": f"{root}progress/",
        "progress_smaller_tiles": f"{root}progress/?zoom=11",
        "pace": f"{root}pace/",
        "assignments": f"{root}assignments/",
        "review": f"{root}review/",
        "timeline": f"{root}patches/{submitted}/timeline/",
        "members": f"{root}members/",
        "project_api": api,
        "progress_api": f"{api}progress/",
    }

    def open_page(address: str, **headers: str) -> Any:
        answer = client.get(address, headers={"host": "localhost", **headers})
        assert answer.status_code in (200, 304), (address, answer.status_code)
        return answer

    times = {f"page_{name}": worst_ms(partial(open_page, address)) for name, address in addresses.items()}
    plot = f"{root}pace/plot.svg"
    started = time.perf_counter()
    etag = open_page(plot)["ETag"]
    times["plot_of_a_fresh_process"] = round((time.perf_counter() - started) * 1000, 1)
    times["plot"] = worst_ms(partial(open_page, plot))
    times["plot_unchanged"] = worst_ms(lambda: open_page(plot, **{"if-none-match": etag}))
    return times


def worst_of(times: int, read_once: Callable[[], object]) -> float:
    """The slowest of some reads in milliseconds, after one that warms up and does not count."""
    seconds = []
    for _ in range(times + 1):
        started = time.perf_counter()
        read_once()
        seconds.append(time.perf_counter() - started)
    return round(max(seconds[1:]) * 1000, 1)


if __name__ == "__main__":
    main()
