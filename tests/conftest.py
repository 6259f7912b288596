"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from annotator.celery import app
from tests.celery_workers import QUEUES, Workers


def pytest_configure() -> None:
    if not os.environ.get("DATABASE_URL"):
        pytest.exit(
            "Tests need PostGIS and Redis: run `make test`, or `make test ARGS='tests/unit -k grid'` for some "
            "of them; it starts throw-away ones.",
            returncode=2,
        )
    if process := os.environ.get("PYTEST_XDIST_WORKER"):
        _use_own_broker(int(process.removeprefix("gw")))


def _use_own_broker(number: int) -> None:
    """Of processes that test side by side, each has its own database by Django, and its own of Redis by this."""
    address = f"{django_settings.CELERY_BROKER_URL}?virtual_host={number}"
    os.environ["CELERY_BROKER_URL"] = app.conf.broker_url = address


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:  # type: ignore[no-untyped-def]
    """Every test has its own media folder, so that none meets the files of another."""
    settings.MEDIA_ROOT = tmp_path / "media"
    real = [django_settings.MILPA_DATA] if django_settings.MILPA_DATA else []
    settings.SCENE_FOLDERS = [tmp_path_factory.getbasetemp(), *real]


@pytest.fixture(scope="session")
def milpa_data() -> Path:
    """The folder of real imagery; the test is skipped where there is none."""
    if django_settings.MILPA_DATA is None:
        pytest.skip("MILPA_DATA is not set, so there is no real imagery to test on")
    return django_settings.MILPA_DATA


@pytest.fixture(scope="session")
def landscape_tif(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A drawn scene of 640 x 640 px and its truth, both georeferenced."""
    from mlservice.landscape import write_landscape_scene

    folder = tmp_path_factory.mktemp("landscape")
    write_landscape_scene(folder / "scene.tif", folder / "truth.tif", seed=11, size_px=640)
    return folder / "scene.tif", folder / "truth.tif"


@pytest.fixture
def workers(transactional_db: None, own_media: None, tmp_path: Path) -> Iterator[Workers]:
    """A Celery worker for each queue."""
    started = Workers(tmp_path)
    try:
        started.start(*QUEUES)
        yield started
    finally:
        started.stop()
