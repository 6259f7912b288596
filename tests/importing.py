"""Labels that come in from files: what tests of it share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio
import shapely
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon
from django.core.files.uploadedfile import SimpleUploadedFile

from annotator.domain.label_imports import (
    Mapped,
    bring_labels,
    import_labels,
    start_import,
)
from annotator.domain.masks import values_of
from annotator.domain.patches import make_patches
from annotator.domain.projects import create_project
from annotator.enums import ImportState
from annotator.models import Annotation, LabelImport, Project
from tests.factories import LEGEND, make_user

FIELD = {"": 1}


def brought(project: Project, path: Path, **reading: object) -> LabelImport:
    upload = SimpleUploadedFile(path.name, path.read_bytes())
    return bring_labels(project=project, user=project.created_by, upload=upload, reading=reading)


def imported(project: Project, path: Path, mapped: Mapped, **reading: object) -> LabelImport:
    row = start_import(label_import=brought(project, path, **reading), user=project.created_by, mapped=mapped)
    import_labels(row.pk)
    row.refresh_from_db()
    assert row.state == ImportState.SUCCEEDED, row.message
    assert not row.file_path.exists()
    return row


def masks_in(project: Project) -> dict[str, np.ndarray]:
    rows = Annotation.objects.filter(patch__project=project).select_related("current", "patch")
    return {row.patch.quadkey: values_of(row.current.mask_png) for row in rows}


def project_over(path: Path, zoom: int, limit: int = 4, features: int = 3) -> Project:
    """A project with some patches where the first polygons of a file lie."""
    _, _, packed, _ = pyogrio.raw.read(path, max_features=features)
    area = shapely.union_all(shapely.from_wkb(packed)).envelope
    project = create_project(user=make_user(), name=path.stem, slug="over", legend=LEGEND, patch_zoom=zoom)
    make_patches(project=project, footprint=MultiPolygon(GEOSGeometry(area.wkt, srid=4326), srid=4326))
    kept = project.patches.values_list("pk", flat=True)[:limit]
    project.patches.exclude(pk__in=list(kept)).delete()
    return project
