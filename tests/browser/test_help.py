"""Journeys of help: the language of the pages, shortcuts of one's own, the guided first patch, fingers and pens."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import User
from playwright.sync_api import CDPSession, Page, expect

from annotator.models import Patch
from tests.browser.editing import editor_with, mask_on_screen, screen_point, stroke

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
OpenEditor = Callable[[User], Page]


def picture(page: Page, name: str) -> None:
    """Kept where the person who runs the tests wants to look at it."""
    if folder := os.environ.get("MILPA_TEST_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def choose_language(page: Page, name: str) -> None:
    page.locator("#language-menu summary").click()
    page.locator("#language-menu").get_by_role("button", name=name).click()


def test_the_language_is_chosen_in_the_header_and_arabic_reads_from_the_right(
    open_editor: OpenEditor, annotator: User, patch: Patch
) -> None:
    page = open_editor(annotator)
    editor_with(page, patch)
    brush = page.locator('[data-operation="brush"]')
    expect(brush).to_have_accessible_name("Brush")

    choose_language(page, "Español")
    editor_with(page, patch)
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(brush).to_have_accessible_name("Pincel")
    expect(page.locator("#patch-actions")).to_contain_text("Enviar")

    choose_language(page, "العربية")
    editor = editor_with(page, patch)
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(brush).to_have_accessible_name("فرشاة")
    box, panel = page.locator("#editor-map").bounding_box(), page.locator(".editor-panel").bounding_box()
    tools = page.locator(".editor-toolbar").bounding_box()
    assert box is not None
    assert panel is not None
    assert tools is not None
    assert panel["x"] + panel["width"] <= box["x"] + 1
    assert box["x"] + box["width"] <= tools["x"] + 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing runs over the edge"
    page.keyboard.press("2")
    stroke(page, (40.5, 60.5), (120.5, 60.5))
    assert mask_on_screen(page)[60, 80] == 2, "west stays on the left"
    expect(editor).to_have_attribute("data-dirty", "true")
    picture(page, "editor-ar")
    page.keyboard.press("?")
    picture(page, "shortcuts-ar")


def test_an_arabic_keyboard_draws_with_the_same_keys(
    open_editor: OpenEditor, annotator: User, patch: Patch
) -> None:
    page = open_editor(annotator)
    editor_with(page, patch)
    page.evaluate(
        "dispatchEvent(new KeyboardEvent('keydown', {key: 'ء', code: 'KeyX', bubbles: true, cancelable: true}))"
    )
    expect(page.locator('[data-operation="eraser"]')).to_have_attribute("aria-pressed", "true")


def test_a_person_gives_an_operation_another_key(
    open_editor: OpenEditor, annotator: User, patch: Patch
) -> None:
    page = open_editor(annotator)
    editor_with(page, patch)
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog")
    line = sheet.get_by_role("status")
    sheet.locator('[data-key-of="brush"]').click()
    page.keyboard.press("Escape")
    expect(sheet).to_be_visible()
    sheet.locator('[data-key-of="brush"]').click()
    page.keyboard.press("ArrowUp")
    expect(line).to_contain_text("cannot be given away")
    page.keyboard.press("x")
    expect(line).to_contain_text("belongs to “Eraser”")
    page.keyboard.press("x")
    expect(line).to_contain_text("“Brush” has the key X now")
    picture(page, "shortcuts")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()

    page.reload()
    editor_with(page, patch)
    page.keyboard.press("v")
    page.keyboard.press("x")
    expect(page.locator('[data-operation="brush"]')).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("b")
    expect(page.locator('[data-operation="brush"]')).to_have_attribute("aria-keyshortcuts", "X")

    page.keyboard.press("?")
    page.get_by_role("button", name="All keys as they came").click()
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    expect(page.locator('[data-operation="eraser"]')).to_have_attribute("aria-pressed", "true")


def test_the_first_patch_is_guided_by_what_the_person_does(
    open_editor: OpenEditor, annotator: User, patch: Patch
) -> None:
    page = open_editor(annotator)
    editor = editor_with(page, patch)
    offer, card = page.locator("#first-patch-offer"), page.locator(".first-patch")
    expect(card).to_be_hidden()
    offer.get_by_role("button", name="Show me").click()
    expect(offer).to_be_hidden()
    expect(card).to_have_attribute("data-step", "look")
    expect(page.locator('[data-operation="hide"]')).to_have_class("tool-button is-guided")
    picture(page, "guide")
    # The proposal's entropy is there.
    expect(page.locator('[data-operation="nextSpot"]')).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("h")
    expect(card).to_have_attribute("data-step", "spot")
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(card).to_have_attribute("data-step", "class")
    page.keyboard.press("h")
    page.keyboard.press("2")
    expect(card).to_have_attribute("data-step", "draw")
    stroke(page, (100, 40), (180, 60))
    expect(card).to_have_attribute("data-step", "undo")
    page.locator('[data-operation="undo"]').click()
    expect(card).to_have_attribute("data-step", "redo")
    page.locator('[data-operation="redo"]').click()
    expect(card).to_have_attribute("data-step", "save")
    page.keyboard.press("s")
    expect(card).to_have_attribute("data-step", "end")
    expect(editor).to_have_attribute("data-dirty", "false")
    card.get_by_role("button", name="Go on").click()
    expect(card).to_be_hidden()

    page.reload()
    editor_with(page, patch)
    expect(offer).to_be_hidden()
    page.locator('[data-operation="firstPatch"]').click()
    expect(card).to_have_attribute("data-step", "look")
    card.get_by_role("button", name="End the guide").click()
    expect(card).to_be_hidden()


def fingers(cdp: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def test_one_finger_draws_and_two_never_paint(open_editor: OpenEditor, annotator: User, patch: Patch) -> None:
    page = open_editor(annotator)
    editor_with(page, patch)
    page.keyboard.press("2")
    before = mask_on_screen(page)
    cdp = page.context.new_cdp_session(page)
    start, end = screen_point(page, 60.5, 80.5), screen_point(page, 160.5, 80.5)
    fingers(cdp, "touchStart", start)
    for share in (0.25, 0.5, 0.75, 1.0):
        fingers(cdp, "touchMove", (start[0] + share * (end[0] - start[0]), start[1]))
    fingers(cdp, "touchEnd")
    drawn = mask_on_screen(page)
    assert (drawn[80, 62:158] == 2).all()
    page.keyboard.press("Control+z")
    assert np.array_equal(mask_on_screen(page), before), "a stroke of a finger is one step"

    width = page.locator(".mask-canvas").bounding_box()["width"]  # type: ignore[index]
    for key in ("b", "f", "l", "p"):
        page.keyboard.press("c")
        page.keyboard.press(key)
        middle = screen_point(page, 128, 128)
        left, right = (middle[0] - 40, middle[1]), (middle[0] + 40, middle[1])
        # In one event: on a busy machine the first of two would have been alone for too long.
        fingers(cdp, "touchStart", left, right)
        for step in range(1, 8):
            fingers(cdp, "touchMove", (left[0] - 12 * step, left[1]), (right[0] + 12 * step, right[1]))
        fingers(cdp, "touchEnd")
        page.wait_for_timeout(400)
        assert np.array_equal(mask_on_screen(page), before), f"two fingers with {key}"
        assert page.locator(".mask-canvas").bounding_box()["width"] > width, f"{key}: pinching zooms"  # type: ignore[index]
    page.keyboard.press("c")
    page.keyboard.press("f")
    fingers(cdp, "touchStart", screen_point(page, 128, 128))
    fingers(cdp, "touchEnd")
    page.wait_for_function("globalThis.milpaEditor.document.mask().every((value) => value === 2)")


def test_a_resting_hand_does_not_draw_beside_a_pen(
    open_editor: OpenEditor, annotator: User, patch: Patch
) -> None:
    page = open_editor(annotator)
    editor_with(page, patch)
    page.keyboard.press("2")
    cdp = page.context.new_cdp_session(page)

    def pen(kind: str, x: float, y: float) -> None:
        at = screen_point(page, x, y)
        button = "none" if kind == "mouseMoved" and not pressed else "left"
        cdp.send(
            "Input.dispatchMouseEvent",
            {"type": kind, "x": at[0], "y": at[1], "button": button, "buttons": int(pressed), "clickCount": 1,
             "pointerType": "pen"},
        )  # fmt: skip

    pressed = True
    pen("mousePressed", 60.5, 80.5)
    pen("mouseMoved", 100.5, 80.5)
    palm = screen_point(page, 200, 200)
    fingers(cdp, "touchStart", palm)
    fingers(cdp, "touchMove", (palm[0] + 30, palm[1]))
    pen("mouseMoved", 160.5, 80.5)
    fingers(cdp, "touchEnd")
    pressed = False
    pen("mouseReleased", 160.5, 80.5)
    drawn = mask_on_screen(page)
    assert (drawn[80, 62:158] == 2).all()
    assert (drawn[120:] == 1).all(), "the hand has drawn nothing"
