"""Claims per second through the code that the API calls, beside a plain `ORDER BY … LIMIT 1 FOR UPDATE`.

Both sides run on the same rows, with as many connections at once, in the same few processes: clients and PostgreSQL
share the processor. `endpoint_…` is the whole answer of `POST claims/`, with roles, patch document and JSON. Then,
on the same rows, what pages and counts cost, in ms, and PostgreSQL's plans of the statements behind them, which
come before the last line. `--quick` takes 20,000 patches and 8 connections instead of 1,000,000 and 32. The last
line is flat JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.contrib.gis.geos import MultiPolygon, Polygon  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework.test import APIRequestFactory, force_authenticate  # noqa: E402

from annotator.api.patches import ProjectClaims  # noqa: E402
from annotator.domain.claims import _mark_claimed, claim_next  # noqa: E402
from annotator.domain.projects import ClassSpec, create_project  # noqa: E402
from annotator.domain.tallies import add_up_tallies  # noqa: E402
from annotator.enums import PatchState, Role, SceneState  # noqa: E402
from annotator.models import Membership, PatchTally, Project, QueueEntry, Ranking, Scene  # noqa: E402
from annotator.queries.labelling_queue import queue_summary  # noqa: E402
from annotator.queries.progress import patch_counts, tallied  # noqa: E402
from annotator.queries.versions import promoted_version  # noqa: E402

_MAKE_PATCHES_SQL = """
WITH made AS (
    INSERT INTO annotator_patch (project_id, quadkey, z, x, y, square, state, changed_at, is_audit)
    SELECT %(project)s, lpad(n::text, 20, '0'), 17, n %% 131072, 1 + n / 131072, ST_MakeEnvelope(0, 0, 1, 1, 3857),
        'unlabelled', now(), false
    FROM generate_series(1, %(count)s) AS n RETURNING id)
INSERT INTO annotator_queueentry
    (patch_id, project_id, score, reason, worth, worth_rank, place, ranking_id, is_novel)
SELECT id, %(project)s, random(), 'entropy', .8, 1, 1, %(ranking)s, false FROM made
"""
# Of the patches that come first, so that whoever claims one is told of its proposal.
_MAKE_PROPOSALS_SQL = """
INSERT INTO annotator_proposal (patch_id, scene_id, model_version_id, legend_number, placement_number, mask_png,
    entropy_png, cells_per_side, entropy_max_nats, mean_entropy_nats, embedding, points, points_by_chance,
    class_cells, class_entropy_nats, unparsed_cells, made_at)
SELECT patch_id, %(scene)s, %(version)s, 1, 1, %(png)s, %(png)s, 64, .7, .5, %(png)s, '', false, '[]', '[]', 0, now()
FROM annotator_queueentry WHERE project_id = %(project)s ORDER BY score DESC, patch_id LIMIT %(count)s
"""


@dataclass(frozen=True)
class Size:
    patches: int
    connections: int
    claims_per_connection: int
    plain_claims_per_connection: int
    processes: int


@dataclass(frozen=True)
class Share:
    """What one process does: its people, divided among so many connections."""

    project_id: int
    user_ids: tuple[int, ...]
    connections: int


FULL = Size(1_000_000, 32, 200, 20, 4)
QUICK = Size(20_000, 8, 60, 10, 2)
TIMES = 7
Done = list[tuple[float, int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    size = QUICK if parser.parse_args().quick else FULL
    call_command("migrate", verbosity=0)
    project = _make_project(size)
    people = _make_people(project, size.connections * size.claims_per_connection)
    context = get_context("spawn")
    with ProcessPoolExecutor(size.processes, mp_context=context) as pool:
        # The processes import Django before anything is measured.
        list(pool.map(_warm_up, [project.pk] * size.processes * 4))
        measure = partial(_measure, pool, project, size)
        few = people[: size.connections * size.plain_claims_per_connection]
        plain_seconds, plain = measure(few, _claim_plainly)
        _put_all_back(project)
        seconds, ours = measure(people, _claim_through_the_domain)
        _put_all_back(project)
        endpoint_seconds, endpoint = measure(people, _claim_through_the_endpoint)
    figures = {
        "patches": size.patches,
        "connections": size.connections,
        "processes": size.processes,
        "claims_per_second": round(len(ours) / seconds, 1),
        "p99_ms": _p99_ms(ours),
        "duplicates": len(ours) - len({patch_id for _, patch_id in ours}),
        "plain_claims_per_second": round(len(plain) / plain_seconds, 1),
        "plain_p99_ms": _p99_ms(plain),
        "ratio": round(len(ours) / seconds / (len(plain) / plain_seconds), 2),
        "endpoint_claims_per_second": round(len(endpoint) / endpoint_seconds, 1),
        "endpoint_p99_ms": _p99_ms(endpoint),
        "endpoint_duplicates": len(endpoint) - len({patch_id for _, patch_id in endpoint}),
        "load_average": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(figures | _reading(project)))


def _make_project(size: Size) -> Project:
    lead = User.objects.create(username="lead", is_staff=True, is_superuser=True)
    legend = (ClassSpec(0, "other", "#8c8c8c"), ClassSpec(1, "field", "#e69f00"))
    project = create_project(user=lead, name="Benchmark", legend=legend)
    scene = Scene.objects.create(
        project=project,
        name="October",
        state=SceneState.READY,
        cog_name="october.tif",
        footprint=MultiPolygon(Polygon.from_bbox((77, 19, 78, 20)), srid=4326),
        gsd_m=1.0,
        band_count=3,
        added_by=lead,
    )
    version = promoted_version(project.pk)
    ranking = Ranking.objects.create(
        project=project,
        strategy=project.strategy,
        seed=project.queue_seed,
        audit_share=project.audit_share,
        model_version=version,
        scene=scene,
        patch_count=size.patches,
        scored_count=size.patches,
        finished_at=timezone.now(),
    )
    claims = size.connections * size.claims_per_connection
    values = {"project": project.pk, "ranking": ranking.pk, "scene": scene.pk, "version": version.pk}
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_PATCHES_SQL, values | {"count": size.patches})
        cursor.execute(_MAKE_PROPOSALS_SQL, values | {"png": bytes(1500), "count": 2 * claims})
        cursor.execute("VACUUM ANALYZE")
    return project


def _make_people(project: Project, count: int) -> list[int]:
    people = User.objects.bulk_create(User(username=f"annotator{i}") for i in range(count))
    Membership.objects.bulk_create(
        Membership(project=project, user=person, role=Role.ANNOTATOR) for person in people
    )
    return [person.pk for person in people]


def _put_all_back(project: Project) -> None:
    QueueEntry.objects.filter(holder__isnull=False).update(holder=None, expires_at=None)
    project.patches.filter(state=PatchState.CLAIMED).update(state=PatchState.UNLABELLED)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE annotator_queueentry, annotator_patch")


def _warm_up(project_id: int) -> None:
    tallied([project_id])
    connection.close()


def _measure(
    pool: ProcessPoolExecutor,
    project: Project,
    size: Size,
    people: list[int],
    claim: Callable[[Project, User], int],
) -> tuple[float, Done]:
    """Wall seconds, and of each claim its seconds and the patch; every claim is of another person."""
    each = size.connections // size.processes
    shares = [Share(project.pk, tuple(people[n :: size.processes]), each) for n in range(size.processes)]
    started = time.perf_counter()
    results = [row for rows in pool.map(partial(_work, claim), shares) for row in rows]
    return time.perf_counter() - started, results


def _work(claim: Callable[[Project, User], int], share: Share) -> Done:
    project = Project.objects.get(pk=share.project_id)
    people = User.objects.in_bulk(share.user_ids)

    def of_one_connection(place: int) -> Done:
        done = []
        for user_id in share.user_ids[place :: share.connections]:
            started = time.perf_counter()
            patch_id = claim(project, people[user_id])
            done.append((time.perf_counter() - started, patch_id))
        connection.close()
        return done

    with ThreadPoolExecutor(share.connections) as threads:
        return [row for rows in threads.map(of_one_connection, range(share.connections)) for row in rows]


def _claim_through_the_domain(project: Project, user: User) -> int:
    patch = claim_next(project=project, user=user).patch
    assert patch is not None
    return patch.pk


def _claim_through_the_endpoint(project: Project, user: User) -> int:
    """The whole answer; who asks is told to it, as a session's middleware would."""
    request = APIRequestFactory().post(f"/api/v1/projects/{project.slug}/claims/", {}, format="json")
    force_authenticate(request, user)
    response = ProjectClaims.as_view()(request, slug=project.slug)
    patch = json.loads(response.render().content)["patch"]
    assert patch["proposal"] is not None
    assert patch["queue"]["ranking"]["is_stale"] is False
    return int(patch["id"])


def _claim_plainly(project: Project, user: User) -> int:
    """What a queue does that waits for its turn on the first row; all else is the same."""
    while True:
        with transaction.atomic():
            entry = (
                QueueEntry.objects.select_for_update()
                .filter(project=project, holder=None, assignment=None)
                .order_by("-score", "patch_id")
                .first()
            )
            # The row that was waited for went to somebody else: ask again.
            if entry is None:
                continue
            entry.holder = user
            entry.expires_at = timezone.now()
            entry.save(update_fields=["holder", "expires_at"])
            return _mark_claimed(entry.patch_id, user).pk


def _reading(project: Project) -> dict[str, float | int]:
    """What the pages of a project in the midst of its claims cost, in ms, and the rows that are counted."""
    client = Client()
    client.force_login(project.created_by)
    page = f"/projects/{project.slug}/"
    rows = PatchTally.objects.count()
    reads: dict[str, Callable[[], object]] = {
        "patch_counts_ms": lambda: patch_counts(project.pk, project.created_by),
        "queue_summary_ms": lambda: queue_summary(project.pk),
        "overview_page_ms": lambda: _ok(client, page),
        "projects_page_ms": lambda: _ok(client, "/"),
        "admin_projects_ms": lambda: _ok(client, "/admin/annotator/project/"),
        "project_api_ms": lambda: _ok(client, f"/api/v1{page}"),
        "queue_api_ms": lambda: _ok(client, f"/api/v1{page}queue/"),
    }
    before = _median_ms(reads["patch_counts_ms"])
    add_up_tallies()
    figures = {name: _median_ms(read) for name, read in reads.items()}
    _show_plans(project)
    return {"tally_rows": rows, "patch_counts_before_adding_up_ms": before, **figures}


def _ok(client: Client, address: str) -> None:
    response = client.get(address, headers={"host": "localhost"})
    assert response.status_code == 200, (address, response.status_code)


def _median_ms(read: Callable[[], object]) -> float:
    read()
    taken = []
    for _ in range(TIMES):
        started = time.perf_counter()
        read()
        taken.append((time.perf_counter() - started) * 1000)
    return round(statistics.median(taken), 1)


def _show_plans(project: Project) -> None:
    statements = {
        "counts by state": (
            "SELECT state, sum(patches) FROM (SELECT state, patches FROM annotator_tilecount "
            "WHERE project_id = %s AND level = 0 UNION ALL SELECT state, change FROM annotator_patchtally "
            "WHERE project_id = %s) AS counted GROUP BY state",
            [project.pk, project.pk],
        ),
        "claims held, and when the next comes free": (
            "SELECT count(*), min(expires_at) FROM annotator_queueentry "
            "WHERE project_id = %s AND holder_id IS NOT NULL",
            [project.pk],
        ),
        "the best free patch": (
            "SELECT patch_id FROM annotator_queueentry WHERE project_id = %s AND holder_id IS NULL "
            "AND assignment_id IS NULL AND reserved_for_id IS NULL "
            "ORDER BY score DESC, patch_id FOR UPDATE SKIP LOCKED LIMIT 1",
            [project.pk],
        ),
        "the first places": (
            "SELECT patch_id FROM annotator_queueentry WHERE project_id = %s AND holder_id IS NULL "
            "AND assignment_id IS NULL ORDER BY score DESC, patch_id LIMIT 20",
            [project.pk],
        ),
    }
    with connection.cursor() as cursor:
        for name, (sql, values) in statements.items():
            cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {sql}", values)
            print(f"-- {name}", *(row[0] for row in cursor.fetchall()), sep="\n")


def _p99_ms(done: Done) -> float:
    return round(sorted(seconds for seconds, _ in done)[int(len(done) * 0.99)] * 1000, 1)


if __name__ == "__main__":
    main()
