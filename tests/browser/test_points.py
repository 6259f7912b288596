"""A project that asks for points: each is named with one key, and nothing else of the patch is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotator.models import Patch, Project
from tests.browser.editing import colours_on_screen, editor_with, mask_on_screen, saved_mask, screen_point
from tests.factories import CORNER_X, CORNER_Y, make_member, make_project, make_proposal, make_scene
from tests.rasters import write_raster

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
SignIn = Callable[[User], Page]
HALF_WORLD_M = 20_037_508.342789244
UNSURE, OTHER, FIELD, BOUNDARY = 255, 0, 1, 2
# Row and column in the grid of 64 x 64 cells, in the order of asking.
CELLS = ((10, 10), (0, 63), (20, 40), (63, 0), (33, 33), (50, 12))


def only(**named: int) -> np.ndarray:
    """A mask that is unsure but for the named cells, by their place in the order of asking: ``p1=FIELD``."""
    mask = np.full((256, 256), UNSURE, np.uint8)
    for place, value in named.items():
        row, col = CELLS[int(place[1:]) - 1]
        mask[row * 4 : row * 4 + 4, col * 4 : col * 4 + 4] = value
    return mask


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One patch of noise; nobody looks at it here."""
    project = make_project(patch_zoom=17)
    side_m = 2 * HALF_WORLD_M / 2**17
    west, north = CORNER_X * side_m - HALF_WORLD_M, HALF_WORLD_M - CORNER_Y * side_m
    place = Affine(side_m / 256, 0, west, 0, -side_m / 256, north)
    noise = np.random.default_rng(1).integers(60, 180, (3, 256, 256), np.uint8)
    make_scene(project, write_raster(tmp_path / "noise.tif", noise, crs="EPSG:3857", transform=place))
    Project.objects.filter(pk=project.pk).update(asks_for="points", points_per_patch=len(CELLS))
    return project


@pytest.fixture
def patch(project: Project) -> Patch:
    """With a proposal of nothing but field."""
    patch = project.patches.get()
    proposal = make_proposal(patch, value=FIELD)
    proposal.points = np.array([row * 64 + col for row, col in CELLS], "<u2").tobytes()
    proposal.save()
    return patch


@pytest.fixture
def asking(live_server: Any, sign_in: SignIn, project: Project, patch: Patch) -> Page:
    page = sign_in(make_member(project))
    page.goto(f"{live_server.url}/projects/{project.slug}/annotate/?patch={patch.pk}")
    editor_with(page, patch)
    return page


def says(page: Page, text: str) -> None:
    expect(page.locator("#point-text")).to_contain_text(text)


def test_points_are_named_by_the_keyboard_and_nothing_else_is_sent(asking: Page, patch: Patch) -> None:
    page = asking
    says(page, "Point 1 of 6: the model says “field”.")
    assert (mask_on_screen(page) == UNSURE).all(), "nothing is taken from the proposal unasked"
    page.keyboard.press("1")
    page.keyboard.press("0")
    says(page, "Point 3 of 6")
    page.keyboard.press("Enter")
    page.keyboard.press("2")
    page.keyboard.press("Backspace")
    says(page, "Point 4 of 6: it is named “boundary”")
    page.keyboard.press("1")
    page.keyboard.press("u")
    says(page, "Point 6 of 6")
    page.keyboard.press("ControlOrMeta+z")
    says(page, "Point 4 of 6: it is named “boundary”")
    page.keyboard.press("ControlOrMeta+Shift+z")
    page.keyboard.press("Enter")
    page.keyboard.press("u")
    page.keyboard.press("2")
    says(page, "Points named: 5 of 6; left out: 1.")
    page.keyboard.press("Enter")
    wanted = only(p1=FIELD, p2=OTHER, p3=FIELD, p4=FIELD, p6=BOUNDARY)
    assert np.array_equal(mask_on_screen(page), wanted)
    seen = colours_on_screen(page)
    assert (seen[wanted != UNSURE][:, 3] == 255).all(), "named cells are seen, those of the null class too"
    assert seen[wanted == UNSURE][:, 3].max() < 100, "land that nobody was asked about is faint"
    page.reload()
    editor_with(page, patch)
    page.wait_for_function("globalThis.milpaEditor?.document.isDirty()")
    assert np.array_equal(mask_on_screen(page), wanted), "the work is there after a reload"
    says(page, "Point 5 of 6")
    with page.expect_response(lambda answer: "/mask/" in answer.url and answer.request.method == "PUT"):
        page.keyboard.press("ControlOrMeta+Enter")
    assert np.array_equal(saved_mask(patch), wanted)
    patch.refresh_from_db()
    assert patch.state == "submitted"
    revision = patch.annotation.current
    assert revision.stroke_count >= 5
    assert revision.pixels_changed == 2 * 16, "against the proposal, and of the named cells alone"


def test_points_are_named_by_mouse_and_a_class_that_is_painted_goes_along(asking: Page, patch: Patch) -> None:
    page = asking
    says(page, "Point 1 of 6")
    page.mouse.click(*screen_point(page, CELLS[4][1] * 4 + 2, CELLS[4][0] * 4 + 2))
    says(page, "Point 5 of 6")
    page.locator('[data-operation="class-2"]').click()
    says(page, "Point 6 of 6")
    page.get_by_role("button", name="As the model says").click()
    says(page, "left out: 4")
    assert np.array_equal(mask_on_screen(page), only(p5=BOUNDARY, p6=FIELD))
    for operation in ("reset", "accept"):
        expect(page.locator(f'[data-operation="{operation}"]')).to_have_attribute("aria-disabled", "true")
    page.locator('[data-operation="brush"]').click()
    expect(page.locator("#points-bar")).to_be_hidden()
    x, y = screen_point(page, 128, 60)
    page.mouse.click(x, y)
    painted = mask_on_screen(page)
    assert painted[60, 128] == FIELD
    with page.expect_response(lambda answer: "/mask/" in answer.url and answer.request.method == "PUT"):
        page.locator('[data-operation="submit"]').click()
    assert np.array_equal(saved_mask(patch), painted)
    assert (painted != UNSURE).sum() < 300


def test_where_whole_patches_are_asked_for_there_are_no_points(
    live_server: Any, sign_in: SignIn, project: Project, patch: Patch
) -> None:
    Project.objects.filter(pk=project.pk).update(asks_for="patches")
    page = sign_in(make_member(project))
    page.goto(f"{live_server.url}/projects/{project.slug}/annotate/?patch={patch.pk}")
    editor_with(page, patch)
    assert (mask_on_screen(page) == FIELD).all()
    expect(page.locator("#points-bar")).to_be_hidden()
    expect(page.locator('[data-operation="points"]')).to_have_attribute("aria-disabled", "true")
