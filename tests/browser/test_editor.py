"""Journeys in the editor: what is drawn is what is kept, and nothing drawn is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, expect

from annotator.domain.annotations import save_mask
from annotator.domain.claims import release_claim
from annotator.enums import PatchState, Role
from annotator.models import Patch, Project, QueueEntry, Revision
from tests.browser.editing import (
    colours_on_screen,
    editor_with,
    mask_on_screen,
    saved_mask,
    screen_point,
    stroke,
)
from tests.factories import make_member, make_patch, mask_of, submit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
SignIn = Callable[[User], Page]


def test_the_server_keeps_what_the_screen_shows(
    open_editor: Callable[[User], Page], annotator: User, patch: Patch
) -> None:
    page = open_editor(annotator)
    editor = editor_with(page, patch)
    assert (mask_on_screen(page) == 1).all(), "editing starts from the proposal"
    page.keyboard.press("2")
    stroke(page, (40.5, 60.5), (120.5, 60.5), (120.5, 180.5))
    page.keyboard.press("x")
    stroke(page, (200.5, 30.5), (240.5, 30.5))
    drawn = mask_on_screen(page)
    assert (drawn[60, 80], drawn[150, 120], drawn[30, 220], drawn[230, 30]) == (2, 2, 0, 1)
    expect(editor).to_have_attribute("data-dirty", "true")

    page.keyboard.press("s")

    expect(editor).to_have_attribute("data-revision", "1")
    expect(editor).to_have_attribute("data-dirty", "false")
    assert np.array_equal(saved_mask(patch), drawn)
    revision = Revision.objects.get()
    assert (revision.stroke_count, revision.proposal_id) == (2, patch.proposals.get().pk)
    shown = colours_on_screen(page)
    colours = {0: (0, 0, 0, 0), 1: (0xE6, 0x9F, 0x00, 255), 2: (0xD5, 0x5E, 0x00, 255)}
    for value, colour in colours.items():
        assert (shown[drawn == value] == colour).all()


def test_undo_takes_back_one_stroke_and_keeps_the_class(
    open_editor: Callable[[User], Page], annotator: User, patch: Patch
) -> None:
    page = open_editor(annotator)
    editor = editor_with(page, patch)
    page.keyboard.press("2")
    masks = [mask_on_screen(page)]
    for row in (50, 100, 150):
        stroke(page, (30, row), (200, row + 20))
        masks.append(mask_on_screen(page))
    for expected in reversed(masks[:-1]):
        page.keyboard.press("Control+z")
        assert np.array_equal(mask_on_screen(page), expected)
    assert (colours_on_screen(page)[..., 1] == 0x9F).all(), "the canvas follows"
    expect(editor).to_have_attribute("data-dirty", "false")
    expect(page.locator('[data-operation="class-2"]')).to_have_attribute("aria-pressed", "true")
    for expected in masks[1:]:
        page.keyboard.press("Control+Shift+z")
        assert np.array_equal(mask_on_screen(page), expected)


def test_no_stroke_is_taken_for_a_drag_of_the_browser(
    open_editor: Callable[[User], Page], annotator: User, patch: Patch
) -> None:
    page = open_editor(annotator)
    editor_with(page, patch)
    for number in range(8):
        page.keyboard.press("u" if number % 2 else "2")
        row = 30 + 25 * number
        stroke(page, (20, row), (120, row + 10), (235, row - 5))
        drawn = mask_on_screen(page)
        assert drawn[row, 21] == drawn[row - 5, 233] == (255 if number % 2 else 2)
    assert page.evaluate("globalThis.milpaEditor.document.strokes") == 8


def test_polygon_and_fill(open_editor: Callable[[User], Page], annotator: User, patch: Patch) -> None:
    page = open_editor(annotator)
    editor_with(page, patch)
    page.keyboard.press("p")
    page.keyboard.press("o")  # without the outline
    page.keyboard.press("0")
    corners = [(50, 50), (200, 60), (190, 210), (60, 190)]
    for corner in corners:
        page.mouse.click(*screen_point(page, *corner))
    page.keyboard.press("Enter")
    drawn = mask_on_screen(page)
    assert set(np.unique(drawn)) == {0, 1}
    assert (drawn[120, 120], drawn[40, 120], drawn[120, 230]) == (0, 1, 1)
    page.keyboard.press("f")
    page.keyboard.press("2")
    page.mouse.click(*screen_point(page, 120, 120))
    filled = mask_on_screen(page)
    assert np.array_equal(filled, np.where(drawn == 0, 2, 1))


def test_submitting_shows_the_next_patch_at_once(
    open_editor: Callable[[User], Page], annotator: User, project: Project, patch: Patch
) -> None:
    second = make_patch(project, score=1.0)
    page = open_editor(annotator)
    editor_with(page, patch)
    page.keyboard.press("Enter")
    editor_with(page, second)
    expect(page.locator(".toasts")).to_contain_text("Submitted for review")
    assert Patch.objects.get(pk=patch.pk).state == PatchState.SUBMITTED
    assert (mask_on_screen(page) == 0).all(), "without a proposal editing starts from the null class"
    page.keyboard.press("Enter")
    expect(page.locator("#idle")).to_contain_text("Every patch has been submitted")
    expect(page.locator("#editor")).to_have_attribute("data-state", "idle")


def test_unsaved_strokes_survive_a_reload(
    open_editor: Callable[[User], Page], annotator: User, patch: Patch
) -> None:
    page = open_editor(annotator)
    editor_with(page, patch)
    page.keyboard.press("2")
    stroke(page, (40, 60), (200, 90))
    drawn = mask_on_screen(page)
    page.reload()
    editor = editor_with(page, patch)
    expect(editor).to_have_attribute("data-dirty", "true")
    assert np.array_equal(mask_on_screen(page), drawn)
    expect(page.locator(".toasts")).to_contain_text("Your unsaved strokes")
    page.keyboard.press("Control+z")
    assert (mask_on_screen(page) == 1).all()


def test_two_people_on_one_patch_lose_nothing(
    open_editor: Callable[[User], Page], annotator: User, project: Project, patch: Patch
) -> None:
    page = open_editor(annotator)
    editor = editor_with(page, patch)
    page.keyboard.press("2")
    stroke(page, (40, 60), (200, 90))
    mine = mask_on_screen(page)
    other = someone_saves(project, patch, value=0)

    page.keyboard.press("s")

    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(other.username)
    expect(dialog.locator("canvas[data-mask=mine], canvas[data-mask=theirs]")).to_have_count(2)
    assert Revision.objects.filter(is_conflicting=True).count() == 1
    dialog.get_by_role("button", name="Take theirs").click()
    expect(editor).to_have_attribute("data-dirty", "false")
    assert (mask_on_screen(page) == 0).all()
    page.keyboard.press("Control+z")
    assert np.array_equal(mask_on_screen(page), mine), "mine is one undo away"
    page.keyboard.press("s")
    expect(editor).to_have_attribute("data-dirty", "false")
    assert np.array_equal(saved_mask(patch), mine)


def test_keeping_mine_saves_it_on_top_of_theirs(
    open_editor: Callable[[User], Page], annotator: User, project: Project, patch: Patch
) -> None:
    page = open_editor(annotator)
    editor = editor_with(page, patch)
    page.keyboard.press("2")
    stroke(page, (40, 60), (200, 90))
    mine = mask_on_screen(page)
    someone_saves(project, patch, value=0)
    page.keyboard.press("s")
    page.get_by_role("dialog").get_by_role("button", name="Keep mine").click()
    expect(editor).to_have_attribute("data-dirty", "false")
    assert np.array_equal(saved_mask(patch), mine)
    assert Revision.objects.filter(is_conflicting=False).count() == 2


def someone_saves(project: Project, patch: Patch, *, value: int) -> User:
    """The claim is lost, another person saves and leaves; the first person still has the page open."""
    other = make_member(project)
    release_claim(patch=patch, user=QueueEntry.objects.get(patch=patch).holder)
    patch.refresh_from_db()
    save_mask(patch=patch, user=other, mask=mask_of(value), base_number=0, submit=False)
    release_claim(patch=patch, user=other)
    return other


def test_a_dead_server_is_told_and_the_work_is_kept(
    open_editor: Callable[[User], Page], annotator: User, patch: Patch
) -> None:
    page = open_editor(annotator)
    editor = editor_with(page, patch)
    page.keyboard.press("2")
    stroke(page, (40, 60), (200, 90))
    drawn = mask_on_screen(page)

    def hang_up(route: Route) -> None:
        route.abort()

    page.route("**/mask/**", hang_up)
    page.keyboard.press("s")
    expect(page.get_by_text("The draft waits in this browser").first).to_be_visible()
    stroke(page, (40, 160), (200, 190))
    page.unroute("**/mask/**", hang_up)
    page.keyboard.press("s")
    expect(editor).to_have_attribute("data-dirty", "false")
    saved = saved_mask(patch)
    assert not np.array_equal(saved, drawn)
    assert np.array_equal(saved, mask_on_screen(page))


def test_an_expired_session_and_a_lost_claim_name_the_remedy(
    open_editor: Callable[[User], Page], annotator: User, project: Project, patch: Patch
) -> None:
    page = open_editor(annotator)
    editor = editor_with(page, patch)
    stroke(page, (40, 60), (200, 90))
    page.keyboard.press("2")
    stroke(page, (40, 90), (200, 90))
    cookies = page.context.cookies()
    page.context.clear_cookies(name="sessionid")
    page.keyboard.press("s")
    expect(page.locator("#notice")).to_contain_text("You are signed out")
    expect(page.locator("#notice").get_by_role("link")).to_have_attribute("href", "/login/")
    page.context.add_cookies(cookies)  # type: ignore[arg-type]

    other = make_member(project)
    release_claim(patch=patch, user=annotator)
    patch.refresh_from_db()
    save_mask(patch=patch, user=other, mask=mask_of(0), base_number=0, submit=False)
    page.locator("#notice").get_by_role("button", name="Try again").click()
    expect(page.locator("#notice")).to_contain_text("somebody else holds it")
    expect(editor).to_have_attribute("data-dirty", "true")
    release_claim(patch=patch, user=other)
    page.locator("#notice").get_by_role("button", name="Claim it again").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep mine").click()
    expect(editor).to_have_attribute("data-dirty", "false")
    assert np.array_equal(saved_mask(patch), mask_on_screen(page))


def test_all_claimed_is_not_finished(
    open_editor: Callable[[User], Page], annotator: User, project: Project
) -> None:
    page = open_editor(annotator)
    expect(page.locator("#idle")).to_contain_text("No patches yet")
    other = make_member(project)
    patch = make_patch(project)
    save_mask(patch=patch, user=other, mask=mask_of(0), base_number=0, submit=False)
    page.get_by_role("button", name="Look again").click()
    expect(page.locator("#idle")).to_contain_text("All patches are taken")
    submit(patch, other)
    page.get_by_role("button", name="Look again").click()
    expect(page.locator("#idle")).to_contain_text("Finished")


def test_a_reviewer_approves_by_keyboard_and_returns_with_a_comment(
    live_server: Any, sign_in: SignIn, project: Project, annotator: User, patch: Patch
) -> None:
    second = make_patch(project, score=1.0)
    mask = mask_of(1)
    mask[40:90, 40:90] = 2
    submit(patch, annotator, mask)
    submit(second, annotator, mask)
    page = sign_in(make_member(project, Role.LEAD))
    page.goto(f"{live_server.url}/projects/{project.slug}/review/{patch.pk}/")
    expect(page.locator("#changed")).to_contain_text("2,500 pixels")
    expect(page.locator(".review-bar")).to_contain_text(annotator.username)
    page.keyboard.press("x")
    expect(page.locator("#view-revision .difference-canvas")).to_be_visible()
    page.keyboard.press("a")
    page.wait_for_url(f"**/review/{second.pk}/")
    assert Patch.objects.get(pk=patch.pk).state == PatchState.APPROVED
    page.keyboard.press("r")
    expect(page.locator("#comment")).to_be_focused()
    page.keyboard.type("The canal is missing")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/review/")
    assert Patch.objects.get(pk=second.pk).state == PatchState.RETURNED

    page = sign_in(annotator)
    page.goto(f"{live_server.url}/projects/{project.slug}/annotate/")
    editor_with(page, second)
    expect(page.locator("#review-comment")).to_contain_text("The canal is missing")
