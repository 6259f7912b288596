"""Labels that exist already, taken in through the same verbs as a person's work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction

from annotator.domain.annotations import save_mask
from annotator.domain.claims import claim_patch
from annotator.domain.masks import UNSURE, Mask
from annotator.domain.reviews import review_patch
from annotator.enums import PatchState, Verdict
from annotator.imagery.labels import read_label_tile
from annotator.models import Patch, Project, Revision

MIN_COVERED_SHARE = 0.5


def import_label_raster(*, project: Project, user: User, path: Path, classes: Mapping[int, int]) -> int:
    """Makes an approved annotation for each unlabelled patch that the raster covers at least by half.

    ``classes`` maps raster values to the legend's; pixels of other values, and those outside the raster,
    become 255 (unsure). Returns how many.
    """
    lookup = np.full(256, UNSURE, np.uint8)
    for raster_value, class_value in classes.items():
        lookup[raster_value] = class_value
    imported = 0
    for patch in Patch.objects.filter(project=project, state=PatchState.UNLABELLED):
        values, covered = read_label_tile(path, patch.x, patch.y, patch.z)
        if covered.mean() < MIN_COVERED_SHARE:
            continue
        mask = np.where(covered, lookup[values], UNSURE).astype(np.uint8)
        import_mask(patch=patch, user=user, mask=mask, approve=True, comment=f"imported from {path.name}")
        imported += 1
    return imported


@transaction.atomic
def import_mask(
    *, patch: Patch, user: User, mask: Mask, approve: bool, comment: str, idempotency_key: str = ""
) -> Revision:
    """The mask as the person's submitted revision of an unlabelled patch, approved at once where that is wanted.

    Raises ClaimLost or IllegalTransition where somebody has the patch or worked on it before.
    """
    claim_patch(patch=patch, user=user, is_saving=True)
    revision = save_mask(
        patch=patch,
        user=user,
        mask=mask,
        base_number=0,
        submit=True,
        is_import=True,
        idempotency_key=idempotency_key,
    )
    if approve:
        review_patch(
            patch=patch,
            user=user,
            verdict=Verdict.APPROVE,
            revision_number=revision.number,
            comment=comment,
        )
    return revision
