"""A real Chromium, the real web application, and real Celery workers on the test's own database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from playwright.sync_api import Page

from tests.factories import PASSWORD

# Playwright's synchronous interface keeps an event loop in the thread that also asks the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

ROOT = Path(__file__).resolve().parent.parent.parent
QUEUES = ("default", "inference", "training")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium, which must not try to reach anything but the test's own server."""
    return {
        **browser_type_launch_args,
        "executable_path": os.environ.get("MILPA_CHROMIUM") or "/usr/bin/chromium",
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    }


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1280, "height": 860}, "locale": "en-GB"}


@pytest.fixture
def sign_in(page: Page, live_server: Any) -> Callable[[User], Page]:
    """Signs a person in through the login page; whoever was signed in before is forgotten."""

    def as_user(user: User) -> Page:
        page.context.clear_cookies()
        page.goto(f"{live_server.url}/login/")
        page.get_by_label("Username").fill(user.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{live_server.url}/")
        return page

    return as_user


@pytest.fixture
def workers(transactional_db: None, tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A Celery worker for each queue, with the beat in the first, on the test's database and media folder."""
    log = tmp_path / "workers.log"
    environment = {
        **os.environ,
        "DATABASE_URL": _database_url(),
        "MILPA_MEDIA": str(settings.MEDIA_ROOT),
        "MILPA_SCENE_FOLDERS": ",".join(map(str, settings.SCENE_FOLDERS)),
        "JOB_LOST_AFTER_SECONDS": "20",
    }
    with log.open("ab") as output:
        started = [
            subprocess.Popen(
                [*_worker_command(queue), *(_beat(tmp_path) if queue == "default" else [])],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            for queue in QUEUES
        ]
        try:
            _wait_until_ready(log, len(started))
            yield started
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(timeout=30)


def _worker_command(queue: str) -> list[str]:
    celery = [sys.executable, "-m", "celery", "-A", "annotator", "worker", "--loglevel", "INFO"]
    return [*celery, "-P", "prefork", "-c", "1", "-Q", queue, "-n", f"{queue}-{os.getpid()}@%h", "--purge"]


def _beat(folder: Path) -> list[str]:
    return ["-B", "-s", str(folder / "beat-schedule")]


def _database_url() -> str:
    """The address of the database that the test uses, which is not the one in the environment."""
    values = connection.settings_dict
    password = f":{quote(values['PASSWORD'])}" if values["PASSWORD"] else ""
    host = quote(str(values["HOST"]), safe="/")
    port = f"&port={values['PORT']}" if values["PORT"] else ""
    return f"postgis://{quote(values['USER'])}{password}@/{values['NAME']}?host={host}{port}"


def _wait_until_ready(log: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while log.read_text().count(" ready.") < count:
        if time.monotonic() > deadline:
            pytest.fail(f"the Celery workers did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.2)
