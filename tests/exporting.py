"""What tests of exports have in common."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import numpy as np

from annotator.domain.exports import (
    download_path,
    make_export,
    request_export,
)
from annotator.enums import ExportKind, JobState
from annotator.models import Export, Project

with warnings.catch_warnings():
    # pystac finds the extension too little kept up; it is what readers of labels look for.
    warnings.simplefilter("ignore", DeprecationWarning)


def random_mask(seed: int) -> np.ndarray:
    """Blobs of all three classes and of unsure, some with holes."""
    rng = np.random.default_rng(seed)
    coarse = rng.choice(np.array([0, 1, 1, 1, 2, 255], np.uint8), (32, 32))
    return coarse.repeat(8, 0).repeat(8, 1)


def made(project: Project, kind: ExportKind, **parameters: object) -> Export:
    export = request_export(project=project, user=project.created_by, kind=kind, parameters=parameters)
    make_export(export.pk)
    export.refresh_from_db()
    assert export.state == JobState.SUCCEEDED, export.message
    return export


def unpacked(export: Export, folder: Path) -> Path:
    with zipfile.ZipFile(download_path(export)) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder
