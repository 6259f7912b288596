"""A lead drags a scene that lies some metres off over another date."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from affine import Affine
from playwright.sync_api import Page, expect

from annotator.models import Project
from tests.factories import make_scene
from tests.rasters import EAST_M, NORTH_M, random_values, write_raster

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lead_drags_a_scene_into_place(project: Project, sign_in, live_server, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    values = random_values(3, 600, 600)
    make_scene(project, write_raster(tmp_path / "first.tif", values), acquired_on=date(2022, 10, 3))
    off = Affine(1, 0, EAST_M + 20, 0, -1, NORTH_M - 12)
    scene = make_scene(
        project, write_raster(tmp_path / "second.tif", values, transform=off), acquired_on=date(2022, 10, 13)
    )
    page: Page = sign_in(project.created_by)
    page.goto(f"{live_server.url}/projects/{project.slug}/scenes/{scene.pk}/")
    expect(page.locator("#map img.leaflet-tile-loaded").first).to_be_visible()
    page.get_by_label("Move it on the map").check()
    box = page.locator("#map").bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 16, middle[1] - 10, steps=4)
    page.mouse.up()
    east_m = float(page.get_by_label("Moved east by (m)").input_value())
    north_m = float(page.get_by_label("Moved north by (m)").input_value())
    assert east_m < 0 < north_m
    assert north_m / east_m == pytest.approx(-10 / 16, rel=0.01)
    page.locator("#map").focus()
    page.keyboard.press("ArrowLeft")
    assert float(page.get_by_label("Moved east by (m)").input_value()) == pytest.approx(
        east_m * 17 / 16, rel=0.01
    )
    page.locator("#place-form").get_by_role("button").click()
    expect(page.get_by_text("The scene is moved.")).to_be_visible()
    scene.refresh_from_db()
    assert scene.placement_number == 2
    assert scene.shift_m[0] < 0 < scene.shift_m[1]
