"""Claims per second through the code that the API calls, beside a plain `ORDER BY … LIMIT 1 FOR UPDATE`.

Both sides run in one process on the same rows, with as many connections at once. `--quick` takes 20,000 patches
and 8 connections instead of 1,000,000 and 32. The last line is flat JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from annotator.domain.claims import _mark_claimed, claim_next  # noqa: E402
from annotator.domain.projects import ClassSpec, create_project  # noqa: E402
from annotator.enums import PatchState  # noqa: E402
from annotator.models import Project, QueueEntry  # noqa: E402

_MAKE_PATCHES_SQL = """
WITH made AS (
    INSERT INTO annotator_patch (project_id, quadkey, z, x, y, square, state, changed_at)
    SELECT %(project)s, lpad(n::text, 20, '0'), 17, n, 1, ST_MakeEnvelope(0, 0, 1, 1, 3857), 'unlabelled', now()
    FROM generate_series(1, %(count)s) AS n RETURNING id)
INSERT INTO annotator_queueentry (patch_id, project_id, score, reason)
SELECT id, %(project)s, random(), 'entropy' FROM made
"""


@dataclass(frozen=True)
class Size:
    patches: int
    connections: int
    claims_per_connection: int


FULL = Size(1_000_000, 32, 200)
QUICK = Size(20_000, 8, 60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    size = QUICK if parser.parse_args().quick else FULL
    call_command("migrate", verbosity=0)
    project = _make_project(size)
    users = [
        User.objects.create(username=f"annotator{i}")
        for i in range(size.connections * size.claims_per_connection)
    ]
    plain_seconds, plain_latencies, _ = _measure(project, users, size, _claim_plainly)
    QueueEntry.objects.filter(holder__isnull=False).update(holder=None, expires_at=None)
    project.patches.filter(state=PatchState.CLAIMED).update(state=PatchState.UNLABELLED)
    seconds, latencies, served = _measure(project, users, size, _claim_through_the_domain)
    claims = len(latencies)
    print(
        json.dumps(
            {
                "patches": size.patches,
                "connections": size.connections,
                "claims_per_second": round(claims / seconds, 1),
                "p99_ms": _p99_ms(latencies),
                "duplicates": claims - len(set(served)),
                "plain_claims_per_second": round(len(plain_latencies) / plain_seconds, 1),
                "plain_p99_ms": _p99_ms(plain_latencies),
                "ratio": round(plain_seconds / seconds, 2),
            }
        )
    )


def _make_project(size: Size) -> Project:
    lead = User.objects.create(username="lead")
    legend = (ClassSpec(0, "other", "#8c8c8c"), ClassSpec(1, "field", "#e69f00"))
    project = create_project(user=lead, name="Benchmark", legend=legend)
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_PATCHES_SQL, {"project": project.pk, "count": size.patches})
        cursor.execute("ANALYZE")
    return project


def _measure(
    project: Project, users: list[User], size: Size, claim: Callable[[Project, User], int]
) -> tuple[float, list[float], list[int]]:
    """Wall seconds, each claim's seconds, and the patches served; every claim is of another person."""

    def work(place: int) -> list[tuple[float, int]]:
        done = []
        for user in users[place :: size.connections]:
            started = time.perf_counter()
            patch_id = claim(project, user)
            done.append((time.perf_counter() - started, patch_id))
        connection.close()
        return done

    started = time.perf_counter()
    with ThreadPoolExecutor(size.connections) as pool:
        results = [row for rows in pool.map(work, range(size.connections)) for row in rows]
    return time.perf_counter() - started, [row[0] for row in results], [row[1] for row in results]


def _claim_through_the_domain(project: Project, user: User) -> int:
    patch = claim_next(project=project, user=user).patch
    assert patch is not None
    return patch.pk


def _claim_plainly(project: Project, user: User) -> int:
    """What a queue does that waits for its turn on the first row; all else is the same."""
    while True:
        with transaction.atomic():
            entry = (
                QueueEntry.objects.select_for_update()
                .filter(project=project, holder=None)
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


def _p99_ms(seconds: list[float]) -> float:
    return round(sorted(seconds)[int(len(seconds) * 0.99)] * 1000, 1)


if __name__ == "__main__":
    main()
