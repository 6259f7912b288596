"""A lead's morning in a real Chromium: what waits, what goes back, what is approved, what is looked at twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from annotator.domain.claims import claim_next
from annotator.imagery.grid import QUAD
from annotator.models import Patch, PatchWork, PinnedComment, Project, QueueEntry, Scene
from tests.browser.editing import snap
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


def on_map(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a place in Web Mercator lies on the screen, by one of the tiles that the map shows."""
    tile = page.locator("#map img.leaflet-tile-loaded").first
    numbers = re.search(r"/(\d+)/(\d+)/(\d+)(?:$|[.?])", tile.get_attribute("src") or "")
    assert numbers is not None
    z, column, row = map(int, numbers.groups())
    west, south, east, north = QUAD.xy_bounds(column, row, z)
    box = tile.bounding_box()
    assert box is not None
    return (
        box["x"] + (x - west) / (east - west) * box["width"],
        box["y"] + (north - y) / (north - south) * box["height"],
    )


def test_a_morning_at_the_desk(
    page: Page, live_server: Any, sign_in: Callable[[User], Page], project: Project, waiting: list[Patch]
) -> None:
    sign_in(project.created_by)
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


def test_review_by_keyboard_alone_and_what_the_annotator_sees(
    page: Page, live_server: Any, sign_in: Callable[[User], Page], project: Project, waiting: list[Patch]
) -> None:
    first, second, third = waiting[:3]
    sign_in(project.created_by)
    page.goto(f"{live_server.url}/projects/{project.slug}/review/{first.pk}/")
    expect(page.locator("body")).to_have_attribute("data-state", "ready")
    page.keyboard.press("s")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".review-views")).to_have_attribute("style", "--swipe: 45%;")
    page.keyboard.press("s")
    # A place 80 px to the east and 17 px to the north of the middle.
    page.keyboard.press("p")
    for key in ["ArrowRight"] * 10 + ["ArrowUp"] * 2 + ["Shift+ArrowUp"]:
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.keyboard.type("Two fields here, not one.")
    page.keyboard.press("Enter")
    expect(page.locator("#view-revision .pin-mark")).to_have_text("1")
    page.keyboard.press("r")
    page.wait_for_url(lambda url: not url.endswith(f"/{first.pk}/"))
    pin = PinnedComment.objects.get()
    assert (pin.x, pin.y, pin.text) == (208, 111, "Two fields here, not one.")
    # The list goes on with the next that waits, also after one that was passed over.
    expect(page).to_have_url(f"{live_server.url}/projects/{project.slug}/review/{second.pk}/")
    expect(page.locator("body")).to_have_attribute("data-state", "ready")
    page.keyboard.press("j")
    expect(page).to_have_url(f"{live_server.url}/projects/{project.slug}/review/{third.pk}/")
    expect(page.locator("body")).to_have_attribute("data-state", "ready")
    page.keyboard.press("k")
    expect(page).to_have_url(f"{live_server.url}/projects/{project.slug}/review/{second.pk}/")
    expect(page.locator("body")).to_have_attribute("data-state", "ready")
    # This one is drawn by the reviewer, from what was submitted.
    page.keyboard.press("f")
    editor = page.locator("#editor")
    expect(editor).to_have_attribute("data-patch-id", str(second.pk))
    expect(editor).to_have_attribute("data-state", "ready")
    drawn = np.array(page.evaluate("Array.from(globalThis.milpaEditor.document.mask())")).reshape(256, 256)
    assert np.array_equal(drawn, bands(1, 2))
    assert QueueEntry.objects.get(patch=second).holder == project.created_by
    page.goto(f"{live_server.url}/projects/{project.slug}/review/{third.pk}/")
    expect(page.locator("body")).to_have_attribute("data-state", "ready")
    # Approving gets another key, which the button shows and a further visit knows.
    page.keyboard.press("?")
    page.get_by_role("dialog").locator('[data-key-of="approve"]').click()
    page.keyboard.press("g")
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("has the key G now")
    page.keyboard.press("Escape")
    page.reload()
    expect(page.locator("body")).to_have_attribute("data-state", "ready")
    expect(page.locator('[data-operation="approve"]')).to_have_text("Approve G")
    page.keyboard.press("a")
    page.keyboard.press("g")
    page.wait_for_url(lambda url: not url.endswith(f"/{third.pk}/"))
    assert Patch.objects.get(pk=third.pk).state == "approved"

    sign_in(User.objects.get(username="amina"))
    page.goto(f"{live_server.url}/projects/{project.slug}/annotate/?patch={first.pk}")
    expect(editor).to_have_attribute("data-state", "ready")
    expect(page.locator("#pins")).to_contain_text("Two fields here, not one.")
    expect(page.locator("#editor-map .pin-mark")).to_have_text("1")
    page.get_by_label("Answer to comment 1").fill("It is one: a path only.")
    page.get_by_role("button", name="Answer", exact=True).click()
    page.get_by_role("button", name="Done", exact=True).click()
    expect(page.locator("#pins")).to_be_hidden()
    pin.refresh_from_db()
    assert (pin.answer, pin.resolved_by) == ("It is one: a path only.", User.objects.get(username="amina"))


def test_an_area_is_drawn_given_and_ended(
    page: Page, live_server: Any, sign_in: Callable[[User], Page], project: Project, scene: Scene
) -> None:
    amina = make_user("amina")
    make_member_of(project, amina)
    *_, within = project.patches.order_by("x", "y")
    QueueEntry.objects.exclude(patch=within).update(score=9)
    sign_in(project.created_by)
    page.goto(f"{live_server.url}/projects/{project.slug}/assignments/")
    page.get_by_role("button", name="Draw an area").click()
    west, south, east, north = within.square.extent
    margin_m = (east - west) / 4
    corners = [
        (west - margin_m, south - margin_m),
        (east + margin_m, south - margin_m),
        (east + margin_m, north + margin_m),
        (west - margin_m, north + margin_m),
    ]
    for corner in corners:
        page.mouse.click(*on_map(page, *corner))
    # A click on the first corner closes the area; none of the clicks has opened what a patch is.
    expect(page.locator(".leaflet-popup")).to_have_count(0)
    page.mouse.click(*on_map(page, *corners[0]))
    expect(page.locator("#draw-help")).to_have_text("The area is in the form.")
    page.get_by_label("amina").check()
    page.get_by_label("Name").fill("The river")
    page.get_by_role("button", name="Give them").click()
    expect(page.get_by_text("The river: 1 patch that waits is kept for them.")).to_be_visible()
    expect(page.get_by_role("row", name="The river")).to_contain_text("amina")
    expect(page.locator("#map .area-name")).to_have_text("The river: amina, 1 left")
    assert claim_next(project=project, user=amina).patch == within
    # By keyboard, a lead ticks tiles in the list.
    page.goto(f"{live_server.url}/projects/{project.slug}/progress/")
    page.locator("input[name=tiles]").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Tiles")).to_have_value(re.compile(r"^[0-3]+$"))
    page.get_by_role("button", name="End The river").click()
    expect(page.get_by_text("what is left of it is for everybody again")).to_be_visible()
    expect(page.locator("#map .area-name")).to_have_count(0)
    assert not QueueEntry.objects.exclude(assignment=None).exists()
