"""What journeys do in the editor, what they read from it, and the pictures that they take on the way."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright.sync_api import Locator, Page, expect

from annotator.domain.masks import values_of
from annotator.enums import PatchState
from annotator.models import Patch

SCREENSHOTS = os.environ.get("MILPA_SCREENSHOTS", "")


def snap(page: Page, name: str) -> None:
    """A picture of the page for the documentation, where `MILPA_SCREENSHOTS` names a folder."""
    if SCREENSHOTS:
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(800)
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png")


def editor_with(page: Page, patch: Patch) -> Locator:
    editor = page.locator("#editor")
    expect(editor).to_have_attribute("data-patch-id", str(patch.pk))
    expect(editor).to_have_attribute("data-state", "ready")
    return editor


def screen_point(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a point of the patch, in its pixels, lies on the screen."""
    box = page.locator(".mask-canvas").bounding_box()
    assert box is not None
    return box["x"] + x / 256 * box["width"], box["y"] + y / 256 * box["height"]


def stroke(page: Page, *points: tuple[float, float]) -> None:
    page.mouse.move(*screen_point(page, *points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*screen_point(page, *point), steps=5)
    page.mouse.up()


def bytes_of(page: Page, expression: str) -> np.ndarray:
    """The bytes of a typed array in the page; as text, since a list of numbers takes a second to cross over."""
    text = page.evaluate(f"Array.from({expression}, (byte) => String.fromCharCode(byte)).join('')")
    return np.frombuffer(text.encode("latin-1"), np.uint8)


def mask_on_screen(page: Page) -> np.ndarray:
    return bytes_of(page, "globalThis.milpaEditor.document.mask()").reshape(256, 256)


def colours_on_screen(page: Page) -> np.ndarray:
    """The canvas as it is shown, (256, 256, 4)."""
    page.evaluate("() => new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)))")
    canvas = "document.querySelector('.mask-canvas').getContext('2d')"
    return bytes_of(page, f"{canvas}.getImageData(0, 0, 256, 256).data").reshape(256, 256, 4)


def saved_mask(patch: Patch) -> np.ndarray:
    return values_of(Patch.objects.get(pk=patch.pk).annotation.current.mask_png)


def wait_for(page: Page, what: str, is_so: Callable[[], object]) -> None:
    """Asks again and again; Playwright's own waiting takes a promise of false for true."""
    for _ in range(450):
        if is_so():
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"in vain: {what}")


def wait_for_state(page: Page, patch: Patch, state: PatchState) -> None:
    wait_for(page, f"{patch} {state}", lambda: Patch.objects.get(pk=patch.pk).state == state)
