"""Keeps the rows that the lead's desk filters by in step with revisions and reviews, in the same transaction."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from annotator.domain.masks import values_of
from annotator.models import Patch, PatchClass, PatchWork, Review, Revision


def note_submission(*, patch: Patch, revision: Revision, submitted_at: datetime | None = None) -> None:
    """The revision is what there is to find of the patch from now on; an earlier verdict is no longer on it.

    ``submitted_at`` is when its author submitted the mask, where that was before the revision was made.
    """
    PatchWork.objects.update_or_create(
        patch=patch,
        defaults={
            "project_id": patch.project_id,
            "annotator_id": revision.author_id,
            "is_import": revision.is_import,
            "submitted_at": submitted_at or revision.saved_at,
            "decided_at": None,
        },
    )
    values, pixels = np.unique(values_of(revision.mask_png), return_counts=True)
    PatchClass.objects.filter(patch=patch).delete()
    PatchClass.objects.bulk_create(
        PatchClass(patch=patch, project_id=patch.project_id, value=int(value), pixels=int(count))
        for value, count in zip(values, pixels, strict=True)
    )


def note_verdict(*, patch: Patch, review: Review) -> None:
    PatchWork.objects.filter(patch=patch).update(
        reviewer_id=review.reviewer_id, decided_at=review.decided_at, comment=review.comment
    )


def note_reopening(*, patch: Patch, comment: str) -> None:
    PatchWork.objects.filter(patch=patch).update(decided_at=None, comment=comment)
