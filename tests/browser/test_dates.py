"""Several dates of one place, one of them a mosaic of files: seen beside each other, and in a written combination."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import rasterio
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from rasterio.windows import Window

from annotator.domain.ingest import ingest
from annotator.domain.scenes import add_scene
from annotator.imagery.ramps import Ramp
from annotator.models import OwnComposite, Patch, Scene
from tests.browser.editing import snap
from tests.factories import make_project, make_proposal

pytestmark = pytest.mark.django_db(transaction=True)


def halves_of(path: Path, folder: Path) -> list[Path]:
    """The raster cut into a western and an eastern file, as acquisitions are delivered."""
    halves = []
    with rasterio.open(path) as whole:
        for number, columns in enumerate((slice(0, whole.width // 2), slice(whole.width // 2, whole.width))):
            window = Window.from_slices((0, whole.height), (columns.start, columns.stop))
            profile = whole.profile | {
                "width": columns.stop - columns.start,
                "transform": whole.window_transform(window),
            }
            half = folder / f"part-{number}.tif"
            with rasterio.open(half, "w", **profile) as file:
                file.write(whole.read(window=window))
                file.descriptions = whole.descriptions
            halves.append(half)
    return halves


def added(project: Any, source: str, day: date) -> Scene:
    scene = add_scene(project=project, user=project.created_by, source=source, acquired_on=day)
    ingest(scene.pk)
    scene.refresh_from_db()
    assert scene.state == "ready", scene.message
    return scene


def test_a_mosaic_of_one_date_is_swiped_over_a_scene_of_another(
    live_server: Any, sign_in: Callable[[User], Page], tmp_path: Path, milpa_data: Path, settings: Any
) -> None:
    settings.SCENE_FOLDERS = [*settings.SCENE_FOLDERS, tmp_path]
    folder = milpa_data / "maharashtra-s2-scene"
    dry, wet = (folder / f"s2_sr_maharashtra_{day}.tif" for day in ("20220106", "20221003"))
    project = make_project(name="Two seasons", patch_zoom=None)
    added(project, str(dry), date(2022, 1, 6))
    mosaic = added(project, "\n".join(str(half) for half in halves_of(wet, tmp_path)), date(2022, 10, 3))
    with rasterio.open(wet) as whole, rasterio.open(mosaic.cog_path) as joined:
        assert (joined.width, joined.height) == (whole.width, whole.height)
    OwnComposite.objects.create(
        project=project,
        name="Water",
        expressions=["(green - nir) / (green + nir)"],
        ranges=[None],
        ramp=Ramp.WATER,
    )
    for patch in Patch.objects.filter(project=project)[:1]:
        make_proposal(patch, scene=mosaic)
    page = sign_in(project.created_by)
    page.goto(f"{live_server.url}/projects/{project.slug}/annotate/")
    editor = page.locator("#editor")
    expect(editor).to_have_attribute("data-state", "ready")
    page.locator("#editor-map").focus()
    page.keyboard.press("/")
    page.keyboard.press("h")
    expect(page.locator("#comparison-text")).to_contain_text("2022")
    page.locator("#compared").select_option(label="2022-01-06 · s2_sr_maharashtra_20220106")
    snap(page, "two-dates")
    page.goto(f"{live_server.url}/projects/{project.slug}/composites/")
    expect(page.get_by_role("row", name="Water")).to_contain_text("2 of 2")
    snap(page, "composites")
    page.goto(f"{live_server.url}/projects/{project.slug}/queue/")
    expect(page.get_by_role("heading", name="Served next")).to_be_visible()
    snap(page, "queue")
