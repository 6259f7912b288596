"""Journeys with the tools that look at the imagery, with the keyboard alone, and with what is burnt in."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotator.enums import PatchState
from annotator.models import Patch, Project, Revision
from tests.browser.editing import (
    editor_with,
    mask_on_screen,
    saved_mask,
    screen_point,
    stroke,
    wait_for_state,
)
from tests.factories import CORNER_X, CORNER_Y, make_member, make_project, make_proposal, make_scene
from tests.rasters import write_raster

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
SignIn = Callable[[User], Page]
ZOOM = 17
HALF_WORLD_M = 20_037_508.342789244
ROWS = np.arange(256) + 0.5
# Where the two fields of the imagery meet, in patch pixels by row.
SEAM = 128 + 20 * np.sin(ROWS / 30)


def two_fields(folder: Path, name: str, left: tuple[int, int, int], right: tuple[int, int, int]) -> Path:
    """Imagery of exactly one patch: two fields that meet at the seam, with some speckle."""
    is_left = ROWS[None, :] < SEAM[:, None]
    speckle = np.random.default_rng(5).integers(-5, 6, (256, 256))
    bands = [np.where(is_left, a, b) + speckle for a, b in zip(left, right, strict=True)]
    side_m = 2 * HALF_WORLD_M / 2**ZOOM
    west, north = CORNER_X * side_m - HALF_WORLD_M, HALF_WORLD_M - CORNER_Y * side_m
    place = Affine(side_m / 256, 0, west, 0, -side_m / 256, north)
    return write_raster(folder / name, np.array(bands, np.uint8), crs="EPSG:3857", transform=place)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One patch, seen on two dates."""
    project = make_project(patch_zoom=ZOOM)
    green, brown, straw = (70, 130, 60), (150, 110, 70), (200, 190, 120)
    make_scene(project, two_fields(tmp_path, "dry.tif", straw, brown), acquired_on=date(2022, 3, 1))
    make_scene(project, two_fields(tmp_path, "wet.tif", green, brown), acquired_on=date(2022, 10, 3))
    return project


@pytest.fixture
def patch(project: Project) -> Patch:
    patch = project.patches.get()
    make_proposal(patch, value=1, scene=project.scenes.get(acquired_on=date(2022, 10, 3)))
    return patch


@pytest.fixture
def editing(live_server: Any, sign_in: SignIn, project: Project, patch: Patch) -> Page:
    """The editor with the patch, its imagery read and analysed."""
    page = sign_in(make_member(project))
    page.goto(f"{live_server.url}/projects/{project.slug}/annotate/")
    editor_with(page, patch)
    smart = page.locator('[data-operation="smart"]')
    expect(smart).to_have_attribute("aria-disabled", "false")
    return page


def click(page: Page, x: float, y: float, **how: Any) -> None:
    page.mouse.click(*screen_point(page, x, y), **how)


def left_of_seam(margin_px: float) -> np.ndarray:
    return (np.arange(256) + 0.5)[None, :] < SEAM[:, None] - margin_px


def test_fields_are_split_filled_and_merged_along_the_imagery(editing: Page, patch: Patch) -> None:
    page = editing
    page.keyboard.press("t")
    click(page, SEAM[3] + 3, 2.5)
    click(page, SEAM[252] - 3, 253.5)
    page.keyboard.press("Enter")
    split = mask_on_screen(page)
    rows, columns = np.nonzero(split == 2)
    assert set(rows) == set(range(256)), "the boundary reaches from rim to rim"
    assert np.abs(columns + 0.5 - SEAM[rows]).max() < 6, "and follows the seam, which no click hit"
    expect(page.locator("#extent")).to_contain_text("field: 2 regions")

    page.keyboard.press("2")
    page.keyboard.press("k")
    expect(page.locator("#limits")).to_have_text("Locked: boundary.")
    page.keyboard.press("u")
    page.keyboard.press("w")
    click(page, 40, 128)
    filled = mask_on_screen(page)
    assert np.array_equal(filled == 2, split == 2), "a locked class is not overwritten"
    assert (filled[left_of_seam(8)] == 255).mean() > 0.97
    assert (filled[~left_of_seam(-8)] == 1).all()

    page.keyboard.press("2")
    page.keyboard.press("k")
    page.keyboard.press("m")
    click(page, 20, 128)
    click(page, 240, 128)
    assert (mask_on_screen(page) == 255).mean() > 0.99
    page.keyboard.press("Control+z")
    assert np.array_equal(mask_on_screen(page), filled)

    page.keyboard.press("g")
    page.keyboard.press("0")
    stroke(page, (210, 40), (210, 200))
    brushed = mask_on_screen(page)
    assert np.array_equal(brushed[left_of_seam(-8)], filled[left_of_seam(-8)])
    assert (brushed[40:200, 210] == 0).all()
    page.keyboard.press("s")
    expect(page.locator("#editor")).to_have_attribute("data-revision", "1")
    assert np.array_equal(saved_mask(patch), brushed)


def test_the_keyboard_alone_draws_to_the_pixel(editing: Page, patch: Patch) -> None:
    page = editing
    page.mouse.move(5, 5)
    page.keyboard.press("2")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("[")
    for _ in range(8):
        page.keyboard.press("[")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expected = np.ones((256, 256), np.uint8)
    expected[98, 128:139] = 2
    expected[99, 138] = 2
    assert np.array_equal(mask_on_screen(page), expected)
    expect(page.locator("#pointed")).to_have_text("Under the pointer: field")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.locator("#editor")).to_have_attribute("data-revision", "1")
    assert np.array_equal(saved_mask(patch), expected)
    assert Revision.objects.get().stroke_count == 1


def test_lasso_polygon_from_elsewhere_and_earlier_revision(editing: Page, patch: Patch) -> None:
    page = editing
    editor = page.locator("#editor")
    page.keyboard.press("l")
    page.keyboard.press("o")  # without the outline
    page.keyboard.press("0")
    stroke(page, (40, 40), (120, 40), (120, 120), (40, 120), (40, 45))
    drawn = mask_on_screen(page)
    assert (drawn[45:115, 45:115] == 0).all()
    assert (drawn[125:] == 1).all()
    page.keyboard.press("s")
    expect(editor).to_have_attribute("data-revision", "1")

    page.keyboard.press("2")
    page.evaluate(
        """text => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text/plain", text);
          document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
        }""",
        json.dumps(square_of(patch, 150, 30, 200, 90)),
    )
    burnt = drawn.copy()
    burnt[30:90, 150:200] = 2
    assert np.array_equal(mask_on_screen(page), burnt)
    expect(page.locator(".toasts")).to_contain_text("changed 3,000 pixels to “boundary”")
    page.keyboard.press("Insert")
    dialog = page.get_by_role("dialog")
    dialog.locator("textarea").fill('{"type": "Point", "coordinates": [77, 19]}')
    dialog.get_by_role("button", name="Burn it in").click()
    expect(page.locator(".toasts")).to_contain_text("The GeoJSON holds no polygon")
    page.keyboard.press("s")
    expect(editor).to_have_attribute("data-revision", "2")
    assert np.array_equal(saved_mask(patch), burnt)

    page.keyboard.press("y")
    expect(page.locator(".toasts")).to_contain_text("This is revision 1")
    assert np.array_equal(mask_on_screen(page), drawn)
    page.keyboard.press("q")
    expect(page.locator(".toasts")).to_contain_text("clear it first")
    page.keyboard.press("Delete")
    page.keyboard.press("q")
    expect(editor).to_have_attribute("data-state", "idle")
    wait_for_state(page, patch, PatchState.SUBMITTED)
    assert (saved_mask(patch) == 0).all()


def test_the_editor_says_where_to_look_and_how_it_shows_it(editing: Page, patch: Patch) -> None:
    page = editing
    before = mask_on_screen(page)
    page.keyboard.press("j")
    expect(page.locator(".toasts")).to_contain_text("the model was 39 % unsure here. It proposed “field”")
    expect(page.locator(".marks-spot")).to_be_visible()
    page.keyboard.press("c")
    for style in ("pattern", "outline", "fill"):
        page.keyboard.press("z")
        assert page.evaluate("JSON.parse(localStorage.getItem('milpa.tools')).style") == style
    expect(page.locator('[data-share="1"]')).to_have_text("100 %")
    # The ellipsoid between those meridians and parallels, integrated numerically: 8.1852 ha.
    expect(page.locator("#extent")).to_contain_text("field: 1 region, 8.19 ha")
    for expected in ("Left: 2022-10-03 · wet. Right: 2022-03-01 · dry.", "in turn", None):
        page.keyboard.press("/")
        if expected:
            expect(page.locator("#comparison")).to_contain_text(expected)
        else:
            expect(page.locator("#comparison")).to_be_hidden()
    page.keyboard.press("}")
    expect(page.locator("#brightness-text")).to_have_text("110 %")
    assert np.array_equal(mask_on_screen(page), before), "looking changes nothing"


def square_of(patch: Patch, x0: int, y0: int, x1: int, y1: int) -> dict[str, Any]:
    """A rectangle of patch pixels as GeoJSON in longitude and latitude."""
    side = 256 * 2**patch.z

    def position(x: int, y: int) -> list[float]:
        column, row = 256 * patch.x + x, 256 * patch.y + y
        return [
            column / side * 360 - 180,
            float(np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * row / side))))),
        ]

    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    return {"type": "Polygon", "coordinates": [[position(x, y) for x, y in corners]]}
