"""A training worker while its broker and its database go away and come back."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import psycopg.sql
import pytest
from django.db import connection

from annotator.domain.imports import import_label_raster
from annotator.domain.training import request_run
from annotator.enums import RunState
from annotator.models import TrainingRun
from scripts.broker import Redis
from tests.celery_workers import ROOT, Workers
from tests.factories import make_project, make_scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
CLASSES = {0: 0, 1: 1, 2: 2, 3: 0, 4: 0, 5: 0}
CONFIG = {"steps": 14, "checkpoint_every_steps": 14, "images_per_step": 1, "token_patches_per_image": 4}
AWAY_SECONDS = 6


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Redis]:
    """A Redis of the test's own, which keeps its queue over a restart."""
    redis = Redis(tmp_path / "redis", log=tmp_path / "redis.log")
    redis.start()
    yield redis
    redis.stop(hurry=True)


@pytest.fixture
def trainer(
    transactional_db: None, broker: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workers]:
    """A training worker on that broker."""
    monkeypatch.setenv("CELERY_BROKER_URL", broker.url)
    workers = Workers(tmp_path)
    try:
        workers.start("training")
        yield workers
    finally:
        workers.stop()


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.1)


def send_to(broker: Redis, run: TrainingRun) -> None:
    """Sends the run's task by that broker; the application's own is another."""
    celery = [sys.executable, "-m", "celery", "-A", "annotator", "-b", broker.url]
    call = ["call", "annotator.tasks.train", "--args", f"[{run.pk}]", "--queue", "training"]
    subprocess.run([*celery, *call], cwd=ROOT, check=True, capture_output=True)


def take_the_database_away(seconds: float) -> None:
    """Ends every connection to the test's database and lets none in for a while, as in a restart of the server."""
    name, address = connection.settings_dict["NAME"], connection.get_connection_params()
    connection.close()
    known = {key: address[key] for key in ("user", "password", "host", "port") if address.get(key)}
    with psycopg.connect(dbname="postgres", autocommit=True, **known) as server:
        quoted = psycopg.sql.Identifier(name)
        server.execute(psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(quoted))
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            time.sleep(seconds)
        finally:
            server.execute(psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(quoted))


def test_a_run_goes_on_while_redis_and_postgis_restart(
    trainer: Workers, broker: Redis, landscape_tif: tuple[Path, Path]
) -> None:
    project = make_project(patch_zoom=17)
    make_scene(project, landscape_tif[0])
    import_label_raster(project=project, user=project.created_by, path=landscape_tif[1], classes=CLASSES)
    run = request_run(project=project, user=project.created_by, config=CONFIG)

    def step() -> int:
        return TrainingRun.objects.get(pk=run.pk).step

    send_to(broker, run)
    wait_until(lambda: step() >= 1, "the first step")
    broker.child.stop()
    broker.start()
    before = step()
    wait_until(lambda: step() > before, "a step after the restart of Redis")
    take_the_database_away(AWAY_SECONDS)
    before = step()
    assert before < CONFIG["steps"], "the database was away in mid-run"
    wait_until(lambda: not TrainingRun.objects.get(pk=run.pk).is_active, "the end of the run")
    run.refresh_from_db()
    assert (run.state, run.step, len(run.losses)) == (RunState.SUCCEEDED, 14, 14), run.message
    assert "Resumed" not in run.log, "the worker lived through both"
    assert "the database is away" in (trainer.folder / "training.log").read_text()
