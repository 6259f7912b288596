"""A real Chromium against the real web application."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect

from annotator.models import Patch, Project
from tests.factories import PASSWORD, make_member, make_patch, make_project, make_proposal
from tests.waiting import wait_until_the_database_rests

# Playwright's synchronous interface keeps an event loop in the thread that also asks the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
# A busy machine is no failure: what is right ends the waiting at once.
PATIENCE_MS = 45_000
expect.set_options(timeout=PATIENCE_MS)


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
    """Without the service worker, which would answer before a test's own routes do; test_offline.py allows it."""
    return {
        **browser_context_args,
        "viewport": {"width": 1280, "height": 860},
        "locale": "en-GB",
        "service_workers": "block",
    }


@pytest.fixture(autouse=True)
def rest_before_emptying(transactional_db: None) -> Iterator[None]:
    """The live server may still answer pages that are closed by now."""
    yield
    wait_until_the_database_rests()


@pytest.fixture
def sign_in(page: Page, live_server: Any) -> Iterator[Callable[[User], Page]]:
    """Signs a person in through the login page; whoever was signed in before is forgotten."""

    page.context.set_default_timeout(PATIENCE_MS)

    def as_user(user: User) -> Page:
        page.context.clear_cookies()
        page.goto(f"{live_server.url}/login/")
        page.get_by_label("Username").fill(user.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{live_server.url}/")
        return page

    yield as_user
    # A page that is left gives its claim ahead back; the tables are emptied after that, not meanwhile.
    page.context.set_offline(False)
    for opened in page.context.pages:
        with contextlib.suppress(PlaywrightError):
            opened.goto("about:blank")
            opened.wait_for_timeout(300)


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def annotator(project: Project) -> User:
    return make_member(project)


@pytest.fixture
def patch(project: Project) -> Patch:
    """The first of the queue, with a proposal of fields only."""
    patch = make_patch(project, score=5.0)
    make_proposal(patch, value=1)
    return patch


@pytest.fixture
def open_editor(
    live_server: Any, sign_in: Callable[[User], Page], project: Project
) -> Callable[[User], Page]:
    """Opens the project's editor for a person."""

    def as_user(user: User) -> Page:
        page = sign_in(user)
        page.goto(f"{live_server.url}/projects/{project.slug}/annotate/")
        return page

    return as_user
