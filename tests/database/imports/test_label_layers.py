"""Files of several layers, and what an import says of land and attributes that it has no use for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from django.urls import reverse

from annotator.domain.label_imports import Mapped
from annotator.errors import BadLabels
from annotator.imagery.grid import QUAD
from annotator.imagery.label_files import open_labels
from annotator.imagery.vector_files import Reading
from annotator.models import Patch, Project
from tests.factories import client_of, make_patch
from tests.importing import brought, imported, masks_in

pytestmark = pytest.mark.django_db


def square_of(patch: Patch) -> shapely.Polygon:
    return shapely.box(*QUAD.bounds(patch.x, patch.y, patch.z))


def add_layer(
    path: Path, layer: str, *shapes: shapely.Polygon, crs: str = "EPSG:4326", **fields: list[str]
) -> None:
    pyogrio.raw.write(
        path,
        np.array([shapely.to_wkb(shape) for shape in shapes], dtype=object),
        [np.array(values, dtype=object) for values in fields.values()],
        fields=list(fields),
        layer=layer,
        geometry_type="Polygon",
        crs=crs,
        append=path.exists(),
    )


def test_every_layer_comes_in_and_what_lies_elsewhere_is_told(project: Project, tmp_path: Path) -> None:
    """As a program writes a folder for each village, or a layer for each crop."""
    first, second = make_patch(project, 1000), make_patch(project, 1002)
    path = tmp_path / "crops.gpkg"
    add_layer(path, "maize", square_of(first), owner=["Ann"])
    add_layer(path, "rice", square_of(second), shapely.box(0, 0, 1, 1), age=["old", "new"])
    attributes = brought(project, path).preview["attributes"]
    assert attributes["layer"] == {"maize": 1, "rice": 2}
    assert (attributes["owner"], attributes["age"]) == ({"": 2, "Ann": 1}, {"": 1, "new": 1, "old": 1})
    row = imported(project, path, Mapped(attribute="layer", classes={"maize": 1}))
    assert {key: set(np.unique(mask)) for key, mask in masks_in(project).items()} == {
        first.quadkey: {1},
        second.quadkey: {255},
    }
    assert row.report["features_beside_all_patches"] == 1
    assert row.report["values_left_out"] == {"rice": 2}
    page = client_of(project.created_by).get(reverse("import", args=[project.slug, row.pk])).content.decode()
    assert "Features beside all patches" in page
    assert "Left unsure, as no class was named for it:" in page


def test_attributes_that_cannot_tell_a_class_are_named(project: Project, tmp_path: Path) -> None:
    square = json.loads(shapely.to_geojson(square_of(make_patch(project, 1000))))
    fields = {"crop": "maize", "story": "a long story " * 40}
    path = tmp_path / "fields.geojson"
    feature = {"type": "Feature", "properties": fields, "geometry": square}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    row = brought(project, path)
    assert row.preview["attributes_left_out"] == ["story"]
    assert "crop" in row.preview["attributes"]
    page = client_of(project.created_by).get(reverse("import", args=[project.slug, row.pk])).content.decode()
    assert "long texts:" in page


def test_layers_of_different_reference_systems_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    add_layer(path, "one", shapely.box(0, 0, 1, 1))
    add_layer(path, "two", shapely.box(0, 0, 1, 1), crs="EPSG:32637")
    with pytest.raises(BadLabels, match="in different CRSs"):
        open_labels(path, Reading())
