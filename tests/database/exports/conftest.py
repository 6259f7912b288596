"""Approved masks to export."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from annotator.models import Project
from tests.exporting import random_mask
from tests.factories import approve, make_member, make_patch, make_project, make_scene, submit

with warnings.catch_warnings():
    # pystac finds the extension too little kept up; it is what readers of labels look for.
    warnings.simplefilter("ignore", DeprecationWarning)


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def masks(project: Project) -> dict[str, np.ndarray]:
    """Five approved patches of three blocks, by quadkey; one neighbour is only submitted."""
    drawn = {}
    for seed, (column, row) in enumerate([(1000, 0), (1001, 0), (1001, 1), (1006, 0), (1010, 3)]):
        patch = make_patch(project, column, row)
        drawn[patch.quadkey] = random_mask(seed)
        approve(patch, project.created_by, drawn[patch.quadkey])
    submit(make_patch(project, 1002), make_member(project))
    return dict(sorted(drawn.items()))


@pytest.fixture
def pictured(landscape_tif) -> Project:
    """A project whose approved patches lie on a drawn scene."""
    project = make_project(name="Pictured", patch_zoom=17)
    make_scene(project, landscape_tif[0])
    for seed, patch in enumerate(project.patches.order_by("quadkey")[:6]):
        approve(patch, project.created_by, random_mask(seed))
    return project
