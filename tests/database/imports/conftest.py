"""A project, and a file of fields of which some are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import shapely

from annotator.imagery.grid import QUAD
from annotator.models import Project
from tests.factories import make_patch, make_project


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def squares(project: Project, tmp_path: Path) -> Path:
    """A GeoJSON of two touching fields in one patch, and of features that are no fields."""
    patch = make_patch(project, 1000)
    west, south, east, north = QUAD.bounds(patch.x, patch.y, patch.z)
    middle = (west + east) / 2
    left, right = shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)
    bow = shapely.Polygon([(west, south), (middle, north), (middle, south), (west, north)])
    shapes = [left, right, bow, shapely.Point(west, south), shapely.Polygon(), None]
    crops = ["maize", "café", "maize", "x", "x", "x"]
    features = [
        {
            "type": "Feature",
            "properties": {"crop": crop},
            "geometry": json.loads(shapely.to_geojson(shape)) if shape is not None else None,
        }
        for shape, crop in zip(shapes, crops, strict=True)
    ]
    path = tmp_path / "fields.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path
