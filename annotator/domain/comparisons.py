from __future__ import annotations

from annotator import inference
from annotator.domain.masks import values_of
from annotator.enums import ReadingPurpose
from annotator.models import Comparison, LabelClass, Reading, Revision


def compare(reading: Reading, revision: Revision, other: Revision) -> Comparison:
    """Measures a submitted reading against the other mask of its patch and keeps what was found.

    Of a gold patch the other mask is the truth: where that is unsure, nothing counts.
    """
    boundary = LabelClass.objects.filter(project_id=reading.project_id, is_boundary=True, retired_at=None)
    found = inference.compare_masks(
        values_of(other.mask_png),
        values_of(revision.mask_png),
        boundary.values_list("value", flat=True).first(),
        first_is_truth=reading.purpose == ReadingPurpose.GOLD,
    )
    pairs = sorted(found.pairs.items())
    return Comparison.objects.create(
        project_id=reading.project_id,
        reading=reading,
        purpose=reading.purpose,
        other=other,
        first_author_id=other.author_id,
        second_author_id=reading.reader_id,
        miou=found.miou,
        value_pairs=[256 * first + second for (first, second), _ in pairs],
        pixel_counts=[count for _, count in pairs],
        boundary_first=found.boundaries.true,
        boundary_first_near=found.boundaries.true_near_said,
        boundary_second=found.boundaries.said,
        boundary_second_near=found.boundaries.said_near_true,
    )
