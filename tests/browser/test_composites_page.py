"""A lead writes a band combination, sees it while writing, and finds it in the editor."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotator.models import OwnComposite
from tests.browser.test_accessible import violations
from tests.factories import make_project, make_scene
from tests.rasters import random_values, write_raster

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lead_writes_ndwi_and_sees_it_in_the_editor(
    live_server: Any, sign_in: Callable[[User], Page], tmp_path: Path
) -> None:
    project = make_project(patch_zoom=17)
    bands = random_values(4, 400, 400)
    make_scene(project, write_raster(tmp_path / "wet.tif", bands, names=("blue", "green", "red", "nir")))
    page = sign_in(project.created_by)
    page.goto(f"{live_server.url}/projects/{project.slug}/composites/")
    expression = page.get_by_label("Expression shown as red")
    expression.press_sequentially("(green - nri) / (green + nir)")
    preview = page.locator("#preview")
    expect(preview).to_contain_text(
        "There is no band nri in wet: it has blue, green, red, nir. Did you mean nir?"
    )
    expression.fill("(green - nir) / (green + nir)")
    expect(preview.get_by_role("img", name="wet, all of it")).to_be_visible()
    assert not OwnComposite.objects.exists(), "looking saves nothing"
    page.get_by_label("Colours of a single expression").select_option("water")
    expect(preview.locator(".ramp-bar")).to_have_attribute("style", re.compile(r"rgb\(10 36 92\)"))
    page.get_by_label("Name").fill("NDWI")
    assert violations(page) == []
    page.get_by_role("button", name="Save for everybody").click()
    expect(page.get_by_role("row", name="NDWI")).to_contain_text("1 of 1")
    row = OwnComposite.objects.get()
    page.goto(f"{live_server.url}/projects/{project.slug}/annotate/")
    expect(page.locator("#editor")).to_have_attribute("data-state", "ready")
    with page.expect_response(re.compile(f"composite={row.key}&stamp={row.stamp}")) as tile:
        page.locator("#composite").select_option(label="NDWI")
    assert (tile.value.ok, tile.value.headers["content-type"]) == (True, "image/webp")
    page.locator("#editor-map").focus()
    page.keyboard.press("Shift+D")
    expect(page.locator("#composite")).to_have_value("natural")
