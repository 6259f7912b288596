"""Weak links: the next patch is there before it is asked for, and whatever breaks, the work is kept and goes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, Request, Route, expect

from annotator.domain.annotations import save_mask
from annotator.domain.claims import release_claim
from annotator.domain.masks import UNSURE, values_of
from annotator.enums import PatchState
from annotator.models import Patch, Project, QueueEntry, Revision
from tests.browser.editing import editor_with, mask_on_screen, saved_mask, stroke, wait_for, wait_for_state
from tests.factories import make_member, make_patch, make_proposal, make_scene, mask_of, submit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
SignIn = Callable[[User], Page]


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "service_workers": "allow"}


@pytest.fixture
def patches(project: Project) -> list[Patch]:
    """Three patches, the first of the queue first, each with a proposal of fields only."""
    made = [make_patch(project, score=score) for score in (5.0, 4.0, 3.0)]
    for patch in made:
        make_proposal(patch, value=1)
    return made


def draw(page: Page, row: int) -> np.ndarray:
    page.keyboard.press("2")
    stroke(page, (40.5, row + 0.5), (200.5, row + 20.5))
    return mask_on_screen(page)


def wait_until_held(page: Page, user: User, count: int) -> None:
    wait_for(page, f"{count} claims", lambda: QueueEntry.objects.filter(holder=user).count() == count)


def wait_until_loaded_ahead(page: Page, patch: Patch) -> None:
    packets = """async (id) => {
        const opening = indexedDB.open("milpa");
        const database = await new Promise((done) => (opening.onsuccess = () => done(opening.result)));
        const asking = database.transaction("packets").objectStore("packets").getAll();
        const packets = await new Promise((done) => (asking.onsuccess = () => done(asking.result)));
        database.close();
        return packets.some((one) => one.patchId === id && one.kind === "ahead" && one.entropy);
    }"""
    wait_for(page, f"patch {patch.pk} loaded ahead", lambda: page.evaluate(packets, patch.pk))


def wait_for_service_worker(page: Page) -> None:
    """It has all its files, and the page."""
    kept = """async () => navigator.serviceWorker.controller !== null
        && Boolean(await caches.match(location.pathname, { cacheName: "milpa-pages" }))"""
    wait_for(page, "the service worker", lambda: page.evaluate(kept))


def test_the_next_patch_is_loaded_ahead_and_shown_without_a_question_to_the_server(
    open_editor: Callable[[User], Page], annotator: User, patches: list[Patch]
) -> None:
    page = open_editor(annotator)
    editor_with(page, patches[0])
    wait_until_loaded_ahead(page, patches[1])
    drawn = draw(page, 60)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    page.keyboard.press("Enter")
    editor_with(page, patches[1])
    wait_for_state(page, patches[0], PatchState.SUBMITTED)
    assert np.array_equal(saved_mask(patches[0]), drawn)
    proposal = patches[1].proposals.get()
    assert not [url for url in asked if f"/proposals/{proposal.pk}/" in url]
    assert page.evaluate("globalThis.milpaEditor.document.patch.claim.mine") is True


def test_a_claim_ahead_is_given_back_when_the_page_is_left(
    open_editor: Callable[[User], Page], annotator: User, patches: list[Patch]
) -> None:
    page = open_editor(annotator)
    editor_with(page, patches[0])
    wait_until_loaded_ahead(page, patches[1])
    page.goto("about:blank")
    wait_until_held(page, annotator, 1)
    entry = QueueEntry.objects.get(patch=patches[1])
    assert (entry.holder, entry.skipped_by) == (None, None)


def test_offline_work_waits_survives_closed_tabs_and_goes_out_when_the_link_is_back(
    open_editor: Callable[[User], Page], annotator: User, patches: list[Patch]
) -> None:
    page = open_editor(annotator)
    editor_with(page, patches[0])
    wait_for_service_worker(page)
    wait_until_loaded_ahead(page, patches[1])
    page.context.set_offline(True)
    first = draw(page, 60)
    page.keyboard.press("Enter")
    editor_with(page, patches[1])
    expect(page.locator("#outbox")).to_contain_text("1 submission waits")
    second = draw(page, 120)
    url = page.url
    page.close()
    assert not Revision.objects.exists()

    page = page.context.new_page()
    page.goto(url)
    editor_with(page, patches[1])
    assert np.array_equal(mask_on_screen(page), second), "offline, the strokes of the closed tab are back"
    expect(page.locator("#outbox")).to_contain_text("1 submission waits")
    page.context.set_offline(False)
    wait_for_state(page, patches[0], PatchState.SUBMITTED)
    page.keyboard.press("Enter")
    wait_for_state(page, patches[1], PatchState.SUBMITTED)
    assert np.array_equal(saved_mask(patches[0]), first)
    assert np.array_equal(saved_mask(patches[1]), second)
    expect(page.locator("#outbox")).to_be_hidden()
    assert Revision.objects.count() == 2


def test_drafts_and_bad_imagery_wait_for_the_link_too(
    open_editor: Callable[[User], Page], annotator: User, patches: list[Patch]
) -> None:
    page = open_editor(annotator)
    editor = editor_with(page, patches[0])
    wait_for_service_worker(page)
    wait_until_loaded_ahead(page, patches[1])
    page.context.set_offline(True)
    draft = draw(page, 60)
    page.keyboard.press("s")
    expect(page.locator("#status")).to_contain_text("The draft waits for the connection")
    expect(page.locator("#outbox")).to_contain_text("1 draft waits")
    page.reload()
    editor_with(page, patches[0])
    assert np.array_equal(mask_on_screen(page), draft)
    page.keyboard.press("Shift+Q")
    page.get_by_role("dialog").get_by_label("Clouds or their shadows").check()
    page.get_by_role("dialog").get_by_role("button", name="Submit as bad imagery").click()
    editor_with(page, patches[1])
    expect(page.locator("#outbox")).to_contain_text("1 submission waits")
    on_table = draw(page, 100)
    page.keyboard.press("s")
    expect(page.locator("#outbox")).to_contain_text("2 drafts wait")
    assert not Revision.objects.exists()

    page.context.set_offline(False)
    wait_for_state(page, patches[0], PatchState.SUBMITTED)
    expect(editor).to_have_attribute("data-revision", "1")
    expect(editor).to_have_attribute("data-dirty", "false")
    expect(page.locator("#outbox")).to_be_hidden()
    first, second = patches[0].annotation.revisions.order_by("number")
    assert np.array_equal(values_of(first.mask_png), draft)
    assert (values_of(second.mask_png) == UNSURE).all()
    assert np.array_equal(saved_mask(patches[1]), on_table)


def test_a_crash_right_after_a_stroke_loses_nothing(
    open_editor: Callable[[User], Page], annotator: User, patches: list[Patch]
) -> None:
    page = open_editor(annotator)
    editor_with(page, patches[0])
    drawn = draw(page, 60)
    address = page.url
    stroke(page, (40.5, 150.5), (200.5, 150.5))
    with pytest.raises(PlaywrightError):
        page.goto("chrome://crash", timeout=5000)
    fresh = page.context.new_page()
    fresh.set_default_timeout(45_000)
    fresh.goto(address)
    editor_with(fresh, patches[0])
    expect(fresh.locator("#editor")).to_have_attribute("data-dirty", "true")
    kept = mask_on_screen(fresh)
    assert (kept[150, 42:199] == 2).all(), "the last stroke is back"
    assert np.array_equal(kept[:120], drawn[:120])


def test_a_submission_cut_off_in_the_middle_is_done_once(
    open_editor: Callable[[User], Page], annotator: User, patches: list[Patch]
) -> None:
    page = open_editor(annotator)
    editor_with(page, patches[0])
    drawn = draw(page, 60)
    tries: list[str] = []

    def answer_is_lost(route: Route, request: Request) -> None:
        """The server does it, and its answer never comes."""
        tries.append(request.headers["idempotency-key"])
        if len(tries) == 1:
            route.fetch()
            route.abort("connectionreset")
        elif len(tries) < 4:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/mask/**", answer_is_lost)
    page.keyboard.press("Enter")
    editor_with(page, patches[1])
    expect(page.locator("#outbox")).to_be_visible()
    expect(page.locator("#outbox")).to_be_hidden()
    assert len(tries) >= 4
    assert len(set(tries)) == 1
    assert np.array_equal(saved_mask(patches[0]), drawn)
    assert Revision.objects.count() == 1


def test_a_conflict_after_the_next_patch_is_open_waits_for_the_persons_choice(
    open_editor: Callable[[User], Page], annotator: User, project: Project, patches: list[Patch]
) -> None:
    page = open_editor(annotator)
    editor_with(page, patches[0])
    mine = draw(page, 60)
    other = make_member(project)
    release_claim(patch=patches[0], user=annotator)
    save_mask(
        patch=Patch.objects.get(pk=patches[0].pk), user=other, mask=mask_of(0), base_number=0, submit=False
    )
    release_claim(patch=patches[0], user=other)
    page.keyboard.press("Enter")
    editor_with(page, patches[1])
    box = page.locator("#outbox")
    expect(box).to_contain_text("is not submitted")
    on_table = draw(page, 100)
    box.get_by_role("button", name="Compare and choose").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("canvas[data-mask=mine], canvas[data-mask=theirs]")).to_have_count(2)
    dialog.get_by_role("button", name="Decide later").click()
    page.reload()
    editor_with(page, patches[1])
    assert np.array_equal(mask_on_screen(page), on_table)
    page.locator("#outbox").get_by_role("button", name="Compare and choose").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep mine").click()
    wait_for_state(page, patches[0], PatchState.SUBMITTED)
    assert np.array_equal(saved_mask(patches[0]), mine)
    expect(page.locator("#outbox")).to_be_hidden()
    assert np.array_equal(mask_on_screen(page), on_table), "the patch on the table is not touched"


def test_a_patch_that_somebody_else_submitted_meanwhile_is_kept_here_until_its_person_decides(
    open_editor: Callable[[User], Page], annotator: User, project: Project, patches: list[Patch]
) -> None:
    page = open_editor(annotator)
    editor_with(page, patches[0])
    draw(page, 60)
    other = make_member(project)
    release_claim(patch=patches[0], user=annotator)
    submit(Patch.objects.get(pk=patches[0].pk), other, mask_of(2))
    page.keyboard.press("Enter")
    editor_with(page, patches[1])
    box = page.locator("#outbox")
    expect(box).to_contain_text("it is submitted")
    # An answer that waits for review is shown to nobody else, so there is nothing to compare with.
    expect(box.get_by_role("button", name="Compare and choose")).to_have_count(0)
    expect(box).to_contain_text("Nobody sees another person’s mask before it is approved")
    page.reload()
    editor_with(page, patches[1])
    expect(box).to_contain_text("it is submitted")
    box.get_by_role("button", name="Discard").click()
    page.get_by_role("dialog").get_by_role("button", name="Discard it").click()
    expect(box).to_be_hidden()
    assert (saved_mask(patches[0]) == 2).all()


def test_an_expired_session_keeps_the_submission_until_the_same_person_is_back(
    open_editor: Callable[[User], Page], annotator: User, project: Project, patches: list[Patch]
) -> None:
    page = open_editor(annotator)
    editor_with(page, patches[0])
    wait_until_loaded_ahead(page, patches[1])
    drawn = draw(page, 60)
    cookies = page.context.cookies()
    page.context.clear_cookies(name="sessionid")
    page.keyboard.press("Enter")
    editor = page.locator("#editor")
    expect(editor).to_have_attribute("data-patch-id", str(patches[1].pk))
    box = page.locator("#outbox")
    expect(box).to_contain_text("You are signed out")
    expect(box.get_by_role("link")).to_have_attribute("href", "/login/")
    assert not Revision.objects.exists()
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    box.get_by_role("button", name="Try now").click()
    wait_for_state(page, patches[0], PatchState.SUBMITTED)
    assert np.array_equal(saved_mask(patches[0]), drawn)
    assert Revision.objects.get().author == annotator


def test_a_day_in_the_field(
    open_editor: Callable[[User], Page], annotator: User, project: Project, patches: list[Patch]
) -> None:
    page = open_editor(annotator)
    editor_with(page, patches[0])
    wait_for_service_worker(page)
    page.get_by_text("A day without a connection").click()
    page.locator("#field-count").fill("3")
    page.get_by_role("button", name="Take them offline").click()
    expect(page.locator("#field")).to_contain_text("3 patches are in this browser")
    assert QueueEntry.objects.filter(holder=annotator).count() == 3

    page.context.set_offline(True)
    page.reload()
    drawn = {}
    for n in range(2):
        editor = page.locator("#editor")
        expect(editor).to_have_attribute("data-state", "ready")
        patch_id = int(editor.get_attribute("data-patch-id") or 0)
        drawn[patch_id] = draw(page, 50 + 40 * n)
        page.keyboard.press("Enter")
        expect(editor).not_to_have_attribute("data-patch-id", str(patch_id))
    expect(page.locator("#outbox")).to_contain_text("2 submissions wait")
    page.context.set_offline(False)
    for patch_id, mask in drawn.items():
        patch = Patch.objects.get(pk=patch_id)
        wait_for_state(page, patch, PatchState.SUBMITTED)
        assert np.array_equal(saved_mask(patch), mask)
    # The third one is under work now: its claim is confirmed as the page opens it.
    expect(page.locator("#editor")).to_have_attribute("data-state", "ready")
    wait_for(page, "the last claim", lambda: QueueEntry.objects.filter(holder=annotator).count() == 1)
    assert QueueEntry.objects.get(holder=annotator).patch_id not in drawn


def test_what_was_taken_along_can_be_given_back(
    open_editor: Callable[[User], Page], annotator: User, patches: list[Patch]
) -> None:
    page = open_editor(annotator)
    editor_with(page, patches[0])
    page.get_by_text("A day without a connection").click()
    page.locator("#field-count").fill("3")
    page.get_by_role("button", name="Take them offline").click()
    expect(page.locator("#field")).to_contain_text("3 patches are in this browser")
    page.get_by_role("button", name="Give back those not begun").click()
    expect(page.locator(".toasts")).to_contain_text("2 patches are back")
    held = {entry.patch for entry in QueueEntry.objects.filter(holder=annotator)}
    # The open one, and by now perhaps one that is loaded ahead again.
    assert patches[0] in held
    assert held <= {patches[0], patches[1]}


def test_the_tiles_that_are_loaded_ahead_are_those_that_the_map_asks_for(
    open_editor: Callable[[User], Page],
    annotator: User,
    project: Project,
    landscape_tif: tuple[Any, Any],
) -> None:
    make_scene(project, landscape_tif[0])
    page = open_editor(annotator)
    expect(page.locator("#editor")).to_have_attribute("data-state", "ready")
    expect(page.locator("img.leaflet-tile-loaded").first).to_be_visible()
    expected = page.evaluate(
        """async () => {
            const { viewTiles } = await import("/static/milpa/offline/view_tiles.js");
            const { scenes } = JSON.parse(document.querySelector("#project").textContent);
            const { clientWidth, clientHeight } = document.querySelector("#editor-map");
            const { patch } = globalThis.milpaEditor.document;
            return viewTiles(scenes[0], patch, { x: clientWidth, y: clientHeight });
        }"""
    )
    shown = page.evaluate(
        "() => [...document.querySelectorAll('img.leaflet-tile')].map((one) => one.getAttribute('src'))"
    )
    own = page.evaluate(
        "() => { const { z, x, y } = milpaEditor.document.patch; return `/${z}/${x}/${y}?`; }"
    )
    assert len(shown) > 3
    assert {url for url in expected if own not in url} == {url for url in shown if own not in url}
    assert own in expected[0]
