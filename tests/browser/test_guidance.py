"""Journeys with what helps to decide: neighbours, parcels, steps that survive a reload, masks of other days."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_patch
from annotator.enums import PatchState, Role
from annotator.models import Patch, Project
from tests.browser.editing import (
    bytes_of,
    editor_with,
    mask_on_screen,
    saved_mask,
    screen_point,
    stroke,
    wait_for,
    wait_for_state,
)
from tests.factories import (
    CORNER_X,
    CORNER_Y,
    approve,
    make_member,
    make_patch,
    make_project,
    make_proposal,
    make_scene,
    mask_of,
    submit,
)
from tests.rasters import write_raster

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
SignIn = Callable[[User], Page]
ZOOM = 17
HALF_WORLD_M = 20_037_508.342789244


@pytest.fixture
def patch(project: Project) -> Patch:
    patch = make_patch(project, 3, 3, score=5.0)
    make_proposal(patch, value=1)
    return patch


@pytest.fixture
def open_editor(live_server: Any, sign_in: SignIn, project: Project, patch: Patch) -> Callable[[User], Page]:
    def as_user(user: User) -> Page:
        page = sign_in(user)
        page.goto(f"{live_server.url}/projects/{project.slug}/annotate/?patch={patch.pk}")
        editor_with(page, patch)
        return page

    return as_user


def with_band(value: int, rows: slice) -> np.ndarray:
    """A mask of the null class with one band of another."""
    mask = mask_of(0)
    mask[rows] = value
    return mask


def test_approved_neighbours_lie_around_the_patch_and_seams_are_told(
    project: Project, patch: Patch, open_editor: Callable[[User], Page]
) -> None:
    approve(make_patch(project, 4, 3), project.created_by, with_band(1, slice(100, 140)))
    submit(make_patch(project, 2, 3), make_member(project), mask_of(1))
    page = open_editor(make_member(project))
    faint = page.locator(".neighbour-canvas")
    expect(faint).to_have_count(1)
    own, beside = page.locator(".mask-canvas").bounding_box(), faint.bounding_box()
    assert own is not None
    assert beside is not None
    assert (beside["x"], beside["y"]) == pytest.approx((own["x"] + own["width"], own["y"]), abs=1)
    alpha = bytes_of(
        page,
        "document.querySelector('.neighbour-canvas').getContext('2d').getImageData(0, 0, 256, 256).data",
    ).reshape(256, 256, 4)[..., 3]
    assert np.array_equal(alpha > 0, with_band(1, slice(100, 140)) == 1)
    expect(page.locator("#seams")).to_have_text("Seams that do not fit yet: east 216 px.")
    page.keyboard.press("l")
    page.keyboard.press("o")
    page.keyboard.press("0")
    for top, bottom in ((-9, 100), (140, 265)):
        stroke(page, (200, top), (262, top), (262, bottom), (200, bottom), (200, top + 3))
    expect(page.locator("#seams")).to_have_text("Every seam with an approved neighbour fits.")
    expect(page.locator("#parcel-summary")).to_contain_text("1 parcel, ")
    opacity = "document.querySelector('.neighbour-canvas').style.opacity"
    assert float(page.evaluate(opacity)) == pytest.approx(0.55 * 0.55)
    page.keyboard.press("Shift+N")
    assert page.evaluate(opacity) == "0"
    drawn = mask_on_screen(page)
    page.keyboard.press("s")
    expect(page.locator("#editor")).to_have_attribute("data-revision", "1")
    assert np.array_equal(saved_mask(patch), drawn)


def test_parcels_are_listed_live_and_lead_to_their_place(
    patch: Patch, open_editor: Callable[[User], Page], project: Project
) -> None:
    page = open_editor(make_member(project))
    summary, rows = page.locator("#parcel-summary"), page.locator(".parcel-rows li")
    # The ellipsoid between those meridians and parallels, integrated numerically: 8.1 ha this far north.
    expect(summary).to_have_text(re.compile(r"^1 parcel, 8\.1\d ha$"))
    page.keyboard.press("t")
    for x, y in ((64, 0.5), (64, 255.5)):
        page.mouse.click(*screen_point(page, x, y))
    page.keyboard.press("Enter")
    expect(summary).to_have_text(re.compile(r"^2 parcels, 8\.1\d ha$"))
    page.locator("#parcels summary").click()
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("goes on beyond the patch")
    rows.nth(1).get_by_role("button").click()
    expect(page.locator(".marks-spot")).to_be_visible()
    split = mask_on_screen(page)
    x, y = screen_point(page, 32, 128)
    box = page.locator("#editor-map").bounding_box()
    assert box is not None
    assert abs(x - box["x"] - box["width"] / 2) < 20
    assert abs(y - box["y"] - box["height"] / 2) < 20
    page.keyboard.press("Control+z")
    expect(summary).to_have_text(re.compile(r"^1 parcel"))
    page.keyboard.press("Control+y")
    assert np.array_equal(mask_on_screen(page), split)


def wait_until_steps_are_kept(page: Page, count: int, index: int) -> None:
    heads = """async () => {
        const opening = indexedDB.open("milpa-steps");
        const database = await new Promise((done) => (opening.onsuccess = () => done(opening.result)));
        const asking = database.transaction("heads").objectStore("heads").getAll();
        const heads = await new Promise((done) => (asking.onsuccess = () => done(asking.result)));
        database.close();
        return heads.map(({ count, index }) => [count, index]);
    }"""
    wait_for(page, "the steps in the browser's store", lambda: [count, index] in page.evaluate(heads))


def test_undo_and_redo_go_on_after_a_reload_over_saved_and_unsaved_strokes(
    patch: Patch, open_editor: Callable[[User], Page], project: Project
) -> None:
    page = open_editor(make_member(project))
    editor = page.locator("#editor")
    masks = [mask_on_screen(page)]
    page.keyboard.press("2")
    for n in range(5):
        stroke(page, (30, 30 + 40 * n), (220, 40 + 40 * n))
        masks.append(mask_on_screen(page))
        if n == 2:
            page.keyboard.press("s")
            expect(editor).to_have_attribute("data-revision", "1")
    page.keyboard.press("Control+z")
    assert np.array_equal(mask_on_screen(page), masks[4])
    wait_until_steps_are_kept(page, count=5, index=4)
    for _ in range(2):
        page.reload()
        editor_with(page, patch)
        expect(editor).to_have_attribute("data-dirty", "true")
        undo = page.locator('[data-operation="undo"]')
        expect(undo).to_have_attribute("aria-disabled", "false")
        expect(page.locator('[data-operation="redo"]')).to_have_attribute("aria-disabled", "false")
        assert np.array_equal(mask_on_screen(page), masks[4])
    page.keyboard.press("Control+y")
    assert np.array_equal(mask_on_screen(page), masks[5])
    for n in (4, 3, 2, 1, 0):
        page.keyboard.press("Control+z")
        assert np.array_equal(mask_on_screen(page), masks[n]), n
        expect(editor).to_have_attribute("data-dirty", str(n != 3).lower())
    expect(undo).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Control+y")
    page.keyboard.press("s")
    expect(editor).to_have_attribute("data-revision", "2")
    assert np.array_equal(saved_mask(patch), masks[1])
    page.reload()
    editor_with(page, patch)
    expect(editor).to_have_attribute("data-dirty", "false")
    page.keyboard.press("Control+y")
    assert np.array_equal(mask_on_screen(page), masks[2]), "what was undone before the save is still there"


def test_a_revision_or_another_date_is_compared_and_taken_up(
    project: Project, patch: Patch, open_editor: Callable[[User], Page]
) -> None:
    ann = make_member(project)
    dry = make_scene(project, acquired_on=date(2022, 3, 1))
    make_proposal(patch, scene=dry, value=2)
    claim_patch(patch=patch, user=ann)
    first, second = with_band(1, slice(0, 50)), with_band(1, slice(0, 80))
    for number, mask in enumerate((first, second)):
        save_mask(patch=Patch.objects.get(pk=patch.pk), user=ann, mask=mask, base_number=number, submit=False)
    page = open_editor(ann)
    page.keyboard.press("Shift+Y")
    dialog = page.get_by_role("dialog")
    masks = dialog.get_by_label("Mask", exact=True)
    expect(masks.locator("option")).to_have_count(5)
    masks.select_option(index=2)
    expect(dialog.locator("figcaption").last).to_have_text("7,680 pixels differ")
    expect(dialog.locator(".mask-changes")).to_contain_text("field became other")
    pink = bytes_of(
        page,
        "document.querySelector('[data-mask=difference]').getContext('2d').getImageData(0, 0, 256, 256).data",
    ).reshape(256, 256, 4)
    assert np.array_equal(pink[..., 1] == 0, first != second)
    dialog.get_by_role("button", name="Take this mask").click()
    expect(page.locator(".toasts")).to_contain_text("Taken up: Revision 1")
    assert np.array_equal(mask_on_screen(page), first)
    page.keyboard.press("Control+z")
    assert np.array_equal(mask_on_screen(page), second)
    page.keyboard.press("Shift+Y")
    masks.select_option(label="Proposal for 2022-03-01 by model version 1")
    dialog.get_by_role("button", name="Take this mask").click()
    expect(page.locator(".toasts")).to_contain_text("Taken up: Proposal for 2022-03-01")
    assert np.array_equal(mask_on_screen(page), mask_of(2))
    page.keyboard.press("s")
    expect(page.locator("#editor")).to_have_attribute("data-revision", "3")
    assert np.array_equal(saved_mask(patch), mask_of(2))


def test_bad_imagery_is_an_answer_that_the_reviewer_reads(
    live_server: Any, sign_in: SignIn, project: Project, patch: Patch, open_editor: Callable[[User], Page]
) -> None:
    page = open_editor(make_member(project))
    stroke(page, (30, 30), (90, 90))
    page.keyboard.press("Shift+Q")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Something else").check()
    dialog.get_by_role("button", name="Submit as bad imagery").click()
    expect(page.locator(".toasts")).to_contain_text("Say in the comment")
    dialog.get_by_label("Comment").fill("Smoke of burning stubble.")
    dialog.get_by_role("button", name="Submit as bad imagery").click()
    expect(page.locator("#editor")).to_have_attribute("data-state", "idle")
    wait_for_state(page, patch, PatchState.SUBMITTED)
    assert (saved_mask(patch) == 255).all()
    assert patch.annotation.current.seconds_spent >= 0
    sign_in(make_member(project, Role.LEAD))
    page.goto(f"{live_server.url}/projects/{project.slug}/review/{patch.pk}/")
    expect(page.locator("#imagery-report")).to_have_text("Something else: Smoke of burning stubble.")


def four_bands(folder: Path, name: str) -> Path:
    """Imagery of exactly one patch in blue, green, red and near infrared: crops on the left, soil on the right."""
    side_m = 2 * HALF_WORLD_M / 2**ZOOM
    west, north = CORNER_X * side_m - HALF_WORLD_M, HALF_WORLD_M - CORNER_Y * side_m
    place = Affine(side_m / 256, 0, west, 0, -side_m / 256, north)
    speckle = np.random.default_rng(5).integers(-40, 41, (256, 256))
    is_crops = np.arange(256)[None, :] < 128
    bands = [
        np.where(is_crops, a, b) + speckle for a, b in ((300, 1100), (600, 1500), (400, 2000), (4000, 2400))
    ]
    names = ["B02 blue", "B03 green", "B04 red", "B08 nir"]
    return write_raster(
        folder / name, np.array(bands, np.uint16), crs="EPSG:3857", transform=place, names=names
    )


def test_band_combinations_are_chosen_and_compared(live_server: Any, sign_in: SignIn, tmp_path: Path) -> None:
    project = make_project(patch_zoom=ZOOM)
    make_scene(project, four_bands(tmp_path, "wet.tif"), acquired_on=date(2022, 10, 3))
    patch = project.patches.get()
    page = sign_in(make_member(project))
    page.goto(f"{live_server.url}/projects/{project.slug}/annotate/")
    editor_with(page, patch)
    before = mask_on_screen(page)
    with page.expect_response(re.compile("composite=infrared")) as infrared:
        page.keyboard.press("Shift+D")
    assert infrared.value.ok
    expect(page.locator("#composite")).to_have_value("infrared")
    with page.expect_response(re.compile("composite=ndvi")) as ndvi:
        page.locator("#composite").select_option("ndvi")
    assert ndvi.value.ok
    page.keyboard.press("/")
    expect(page.locator("#comparison-text")).to_contain_text(
        "Left: 2022-10-03 · wet · NDVI. Right: 2022-10-03 · wet."
    )
    page.locator("#compared").select_option(label="2022-10-03 · wet · False colour (near infrared)")
    expect(page.locator(".leaflet-compared-pane img[src*='composite=infrared']").first).to_be_visible()
    page.locator("#editor-map").focus()
    page.keyboard.press("Shift+D")
    expect(page.locator("#composite")).to_have_value("natural")
    assert np.array_equal(mask_on_screen(page), before), "looking changes nothing"
