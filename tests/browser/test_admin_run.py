"""The page of a training run in a real Chromium: it keeps itself fresh, and does without scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from annotator.domain.training import request_run
from annotator.enums import RunState
from annotator.models import TrainingRun
from tests.campaigns import Campaign, admin_url, make_campaign
from tests.factories import PASSWORD, approve, make_patch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
VALIDATIONS = [{"step": 0, "loss": 1.2, "miou": 0.4}, {"step": 20, "loss": 0.8, "miou": 0.47}]


@pytest.fixture
def campaign() -> Campaign:
    campaign = make_campaign()
    for column in range(1000, 1016, 4):
        approve(make_patch(campaign.project, column), campaign.people["lead"])
    return campaign


@pytest.fixture
def run(campaign: Campaign) -> TrainingRun:
    run = request_run(project=campaign.project, user=campaign.people["ml_staff"])
    progress(run, state=RunState.TRAINING, step=2, losses=[1.5, 1.25], log="10:00:00 begun\n")
    return run


def progress(run: TrainingRun, **fields: object) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now(), **fields)


def test_the_page_follows_the_run_without_losing_the_reader_s_place(
    page: Page, live_server: Any, sign_in: Callable[[User], Page], campaign: Campaign, run: TrainingRun
) -> None:
    sign_in(campaign.people["ml_staff"])
    page.goto(live_server.url + admin_url("trainingrun_change", run.pk))
    log = page.get_by_role("log")
    log.focus()
    page.evaluate("globalThis.stayed = true")
    losses = [1.5, 1.25, *[1.0] * 18]
    progress(run, step=20, losses=losses, validations=VALIDATIONS, log="10:00:00 begun\n10:01:00 went on\n")
    expect(page.get_by_text("20 of 120 steps")).to_be_visible()
    expect(page.get_by_role("img", name="after 20 of 120 steps")).to_be_visible()
    expect(page.get_by_role("img", name="Validation mIoU 0.470")).to_be_visible()
    expect(log).to_contain_text("went on")
    expect(log).to_be_focused()
    page.get_by_text("Validations as numbers").click()
    expect(page.get_by_role("rowheader", name="20 (best)")).to_be_visible()
    assert page.evaluate("globalThis.stayed"), "the page was not loaded anew while the run works"
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_text("Cancelled after 20 of 120 steps.")).to_be_visible()


def test_the_page_shows_the_end_by_itself(
    page: Page, live_server: Any, sign_in: Callable[[User], Page], campaign: Campaign, run: TrainingRun
) -> None:
    sign_in(campaign.people["ml_staff"])
    page.goto(live_server.url + admin_url("trainingrun_change", run.pk))
    progress(run, state=RunState.FAILED, message="The scene is gone. Add it again.")
    expect(page.get_by_text("The scene is gone. Add it again.")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel the run")).to_have_count(0)


def test_without_scripts_the_page_is_whole_and_offers_to_load_again(
    browser: Browser, live_server: Any, campaign: Campaign, run: TrainingRun
) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(f"{live_server.url}/login/")
    page.get_by_label("Username").fill(campaign.people["ml_staff"].username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto(live_server.url + admin_url("trainingrun_change", run.pk))
    expect(page.get_by_role("img", name="after 2 of 120 steps")).to_be_visible()
    progress(run, step=3, losses=[1.5, 1.25, 1.0])
    page.get_by_role("link", name="load it again").click()
    expect(page.get_by_role("img", name="after 3 of 120 steps")).to_be_visible()
    context.close()
