"""Labels leave and come in, in a real Chromium: asked for, followed, downloaded; brought, mapped, reported."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotator.domain.exports import make_export
from annotator.domain.label_imports import import_labels
from annotator.imagery.grid import QUAD
from annotator.models import Export, LabelImport, Project
from tests.browser.test_accessible import violations
from tests.browser.test_loop import snap
from tests.factories import approve, make_patch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


def is_as_wide_as_the_screen(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def looked_at(page: Page, name: str) -> None:
    """Axe finds nothing, and nothing is wider than a desk's or a telephone's screen."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 860})
        snap(page, f"{name}-{width}")
        assert violations(page) == []
        assert is_as_wide_as_the_screen(page)
    page.set_viewport_size({"width": 1280, "height": 860})


def test_parcels_are_asked_for_followed_and_downloaded(
    page: Page, live_server: Any, sign_in: Callable[[User], Page], project: Project, tmp_path: Path
) -> None:
    mask = np.zeros((256, 256), np.uint8)
    mask[20:200, 20:200] = 1
    approve(make_patch(project), project.created_by, mask)
    sign_in(project.created_by)
    page.goto(f"{live_server.url}/projects/{project.slug}/exports/")
    expect(page.get_by_label("Grid of the mosaic")).to_be_visible()
    for format_, shown, hidden in (
        ("coco", "Objects are written as", "Grid of the mosaic"),
        ("instruction", "Answers say the classes", "With the imagery"),
        ("geoparquet", "Only the area between", "Objects are written as"),
    ):
        page.get_by_label("Format").select_option(format_)
        expect(page.get_by_label(shown)).to_be_visible()
        expect(page.get_by_label(hidden)).to_be_hidden()
    page.get_by_role("button", name="Start the export").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    looked_at(page, "export-queued")
    make_export(Export.objects.get().pk)
    # The page follows the job by itself.
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    download.value.save_as(tmp_path / "parcels.zip")
    assert "parcels.parquet" in zipfile.ZipFile(tmp_path / "parcels.zip").namelist()
    expect(page.get_by_text("Drawn from approved masks: 1.")).to_be_visible()
    looked_at(page, "export-made")


def test_fields_are_brought_told_to_classes_and_reported(
    page: Page, live_server: Any, sign_in: Callable[[User], Page], project: Project, tmp_path: Path
) -> None:
    patch = make_patch(project)
    west, south, east, north = QUAD.bounds(QUAD.quadkey_to_tile(patch.quadkey))
    middle = (west + east) / 2

    def feature(crop: str, kind: str, coordinates: Any) -> dict[str, Any]:
        geometry = {"type": kind, "coordinates": coordinates}
        return {"type": "Feature", "properties": {"crop": crop}, "geometry": geometry}

    maize = [[[west, south], [middle, south], [middle, north], [west, north], [west, south]]]
    bow_tie = [[[middle, south], [east, north], [east, south], [middle, north], [middle, south]]]
    features = [
        feature("maize", "Polygon", maize),
        feature("fallow", "Polygon", bow_tie),
        feature("well", "Point", [middle, south]),
    ]
    file = tmp_path / "fields.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    sign_in(project.created_by)
    page.goto(f"{live_server.url}/projects/{project.slug}/imports/")
    looked_at(page, "import-new")
    page.get_by_label("File of labels").set_input_files(file)
    page.get_by_role("button", name="Look at the file").click()
    expect(page.get_by_text("Broken outlines that were repaired: 1")).to_be_visible()
    expect(page.get_by_text("it is a point or a line")).to_be_visible()
    page.get_by_label("maize").select_option(label="field")
    looked_at(page, "import-classes")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    import_labels(LabelImport.objects.get().pk)
    expect(page.get_by_role("cell", name="Patches imported")).to_be_visible()
    expect(page.get_by_role("row", name="Pixels of field")).to_contain_text("32,768")
    looked_at(page, "import-report")
