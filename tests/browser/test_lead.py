"""A lead's morning in a real Chromium: what waits, what goes back, what is approved, what is looked at twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from annotator.models import Patch, PatchWork, Project, Scene
from tests.browser.test_loop import snap
from tests.factories import make_proposal, make_scene, make_user, submit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


def bands(first: int, second: int) -> np.ndarray:
    """A mask of two classes, the second one as a stripe."""
    mask = np.full((256, 256), first, np.uint8)
    mask[:, 100:140] = second
    return mask


@pytest.fixture
def scene(project: Project, landscape_tif: tuple[Path, Path]) -> Scene:
    return make_scene(project, landscape_tif[0])


@pytest.fixture
def waiting(project: Project, scene: Scene) -> list[Patch]:
    """Four submitted patches of two annotators, one that nobody has drawn on, on a scene that one can see."""
    amina, kofi = make_user("amina"), make_user("kofi")
    for person in (amina, kofi):
        make_member_of(project, person)
    patches = list(project.patches.all()[:5])
    for number, patch in enumerate(patches):
        make_proposal(patch, scene=scene, mean_entropy_nats=0.1 + 0.2 * number)
    for patch, person in zip(patches, (amina, amina, kofi, kofi), strict=False):
        submit(patch, person, bands(1, 2))
    return patches


def make_member_of(project: Project, person: User) -> None:
    project.memberships.create(user=person, role="annotator")


def test_a_morning_at_the_desk(
    page: Page, live_server: Any, sign_in: Callable[[User], Page], project: Project, waiting: list[Patch]
) -> None:
    sign_in(project.created_by)
    page.set_default_timeout(30_000)
    page.goto(f"{live_server.url}/projects/{project.slug}/")
    page.get_by_role("link", name="Desk").click()
    page.get_by_label("State").select_option("submitted")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("heading", name="4 patches")).to_be_visible()
    expect(page.locator("#map .leaflet-tile-loaded").first).to_be_visible()
    rows = page.locator("input[name=patch]")
    expect(rows).to_have_count(4)
    rows.nth(0).check()
    expect(page.locator("#ticked")).to_have_text("1 ticked")
    snap(page, "desk")
    # Nothing goes back without a word; with one it does.
    page.get_by_role("button", name="Return", exact=True).click()
    expect(page.locator("#outcome")).to_contain_text("a return needs a comment")
    page.locator("input[name=patch]").nth(0).check()
    page.get_by_label("What the annotator reads").fill("The track between the fields is missing.")
    page.get_by_role("button", name="Return", exact=True).click()
    expect(page.locator("#outcome")).to_contain_text("1 patch returned.")
    # All that is left at once.
    page.get_by_label("All on this page").check()
    expect(page.locator("#ticked")).to_have_text("3 ticked")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#outcome")).to_contain_text("3 patches approved.")
    assert set(project.patches.values_list("state", flat=True)) == {"approved", "returned", "unlabelled"}
    PatchWork.objects.update(submitted_at=timezone.now() - timedelta(days=1))
    page.get_by_label("Patches per annotator").fill("1")
    page.get_by_role("button", name="Draw").click()
    expect(page.get_by_text("2 spot checks of")).to_be_visible()
    expect(page.locator("input[name=patch]")).to_have_count(2)
    page.get_by_role("button", name="List what the map shows").click()
    page.wait_for_url(lambda url: "bbox=" in url)
    expect(page.locator("input[name=patch]")).to_have_count(2)
    snap(page, "desk-spots")
