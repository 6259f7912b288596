import io

import numpy as np
from django.db import migrations
from PIL import Image


def note_earlier_work(apps, schema_editor):
    """What is found by annotator, reviewer, comment and class, of the patches that were submitted before this."""
    Revision = apps.get_model("annotator", "Revision")
    Review = apps.get_model("annotator", "Review")
    PatchWork = apps.get_model("annotator", "PatchWork")
    PatchClass = apps.get_model("annotator", "PatchClass")
    # The newest submission of each patch; a draft that was saved after it is nobody's to judge yet.
    rows = (
        Revision.objects.filter(is_submitted=True, is_conflicting=False, annotation__patch__isnull=False)
        .order_by("annotation_id", "-number")
        .distinct("annotation_id")
        .values_list("pk", "annotation__patch_id", "annotation__patch__project_id", "author_id", "saved_at", "mask_png")
    )
    for revision_id, patch_id, project_id, author_id, saved_at, png in rows.iterator(500):
        review = Review.objects.filter(revision__annotation__patch_id=patch_id).order_by("-decided_at").first()
        on_it = review is not None and review.revision_id == revision_id
        PatchWork.objects.create(
            patch_id=patch_id,
            project_id=project_id,
            annotator_id=author_id,
            submitted_at=saved_at,
            reviewer_id=review.reviewer_id if review else None,
            decided_at=review.decided_at if on_it else None,
            comment=review.comment if review else "",
        )
        mask = np.asarray(Image.open(io.BytesIO(bytes(png))))
        PatchClass.objects.bulk_create(
            PatchClass(patch_id=patch_id, project_id=project_id, value=int(value), pixels=int(count))
            for value, count in zip(*np.unique(mask, return_counts=True))
        )


class Migration(migrations.Migration):

    dependencies = [
        ('annotator', '0017_the_desk'),
    ]

    operations = [
        migrations.RunPython(note_earlier_work, migrations.RunPython.noop),
    ]
