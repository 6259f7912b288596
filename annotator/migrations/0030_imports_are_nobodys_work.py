import io

import numpy as np
from django.db import migrations, models
from PIL import Image

# What was submitted last came from a file; see also how many patches of theirs an annotator's spot checks were drawn
# from: of a day, those of which the last submission before the draw was an import were nobody's work.
IMPORTS = """
UPDATE annotator_patchwork AS work SET is_import = true
FROM (
    SELECT DISTINCT ON (annotation.patch_id) annotation.patch_id, revision.is_import
    FROM annotator_revision AS revision
    JOIN annotator_annotation AS annotation ON annotation.id = revision.annotation_id
    WHERE annotation.patch_id IS NOT NULL AND revision.is_submitted AND NOT revision.is_conflicting
    ORDER BY annotation.patch_id, revision.number DESC) AS last
WHERE last.patch_id = work.patch_id AND last.is_import;
CREATE TEMPORARY TABLE imported_that_day ON COMMIT DROP AS
    SELECT draw.id AS draw_id, annotation.patch_id, revision.author_id
    FROM annotator_spotdraw AS draw
    JOIN annotator_patch AS patch ON patch.project_id = draw.project_id
    JOIN annotator_annotation AS annotation ON annotation.patch_id = patch.id
    JOIN annotator_revision AS revision ON revision.annotation_id = annotation.id
    WHERE revision.is_import AND revision.is_submitted AND NOT revision.is_conflicting
        AND (revision.saved_at AT TIME ZONE 'UTC')::date = draw.day
        AND NOT EXISTS (
            SELECT FROM annotator_revision AS later
            WHERE later.annotation_id = annotation.id AND later.number > revision.number
                AND later.is_submitted AND NOT later.is_conflicting AND later.saved_at < draw.drawn_at);
UPDATE annotator_spotcheck AS spot SET submitted_that_day = spot.submitted_that_day - imported.patches
FROM (SELECT draw_id, author_id, count(*) AS patches FROM imported_that_day GROUP BY 1, 2) AS imported
WHERE imported.draw_id = spot.draw_id AND imported.author_id = spot.annotator_id;
DELETE FROM annotator_spotcheck AS spot USING imported_that_day AS imported
WHERE imported.draw_id = spot.draw_id AND imported.patch_id = spot.patch_id
    AND imported.author_id = spot.annotator_id;
"""


def follow_decisions(apps, schema_editor):
    """Of patches that were decided for the second mask: whose work it is, its classes and its correction.

    A check of what the first annotator had drawn by then found that it did not stand.
    """
    Event, SpotCheck = apps.get_model("annotator", "Event"), apps.get_model("annotator", "SpotCheck")
    decided = Event.objects.filter(subject="doubleannotation", verb="decided", facts__decision="second").order_by("pk")
    for event in decided.iterator(500):
        double = apps.get_model("annotator", "DoubleAnnotation").objects.filter(pk=event.subject_id).first()
        if double is None or double.reading_id is None:
            continue
        drawn_by_then = SpotCheck.objects.filter(
            patch_id=double.patch_id, annotator_id=double.first.author_id, draw__day__lte=event.at.date()
        )
        stands = models.Q(outcome="open") | models.Q(outcome="passed", decided_at__gte=event.at)
        drawn_by_then.filter(stands).update(
            outcome="fixed" if event.facts.get("redraws") else "returned",
            decided_by_id=event.actor_id,
            decided_at=event.at,
        )
        _count_second(apps, double, event.facts["revision"])


def _count_second(apps, double, number):
    """Counts the second mask, unless something was submitted after the decision."""
    Annotation, Correction = apps.get_model("annotator", "Annotation"), apps.get_model("annotator", "Correction")
    annotation = Annotation.objects.get(patch_id=double.patch_id)
    last = annotation.revisions.filter(is_submitted=True, is_conflicting=False).order_by("number").last()
    if last is None or last.number != number:
        return
    read = Annotation.objects.get(reading_id=double.reading_id)
    apps.get_model("annotator", "PatchWork").objects.filter(patch_id=double.patch_id).update(
        annotator_id=last.author_id, submitted_at=read.current.saved_at
    )
    classes = apps.get_model("annotator", "PatchClass").objects
    classes.filter(patch_id=double.patch_id).delete()
    mask = np.asarray(Image.open(io.BytesIO(bytes(last.mask_png))))
    classes.bulk_create(
        classes.model(patch_id=double.patch_id, project_id=double.project_id, value=int(value), pixels=int(count))
        for value, count in zip(*np.unique(mask, return_counts=True))
    )
    Correction.objects.filter(annotation=annotation).delete()
    correction = Correction.objects.filter(annotation=read).first()
    if correction is not None:
        correction.annotation_id = annotation.pk
        correction.save(force_insert=True)


class Migration(migrations.Migration):

    dependencies = [
        ('annotator', '0029_own_composites'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='patchwork',
            name='work_by_day',
        ),
        migrations.AddField(
            model_name='patchwork',
            name='is_import',
            field=models.BooleanField(db_default=False, default=False, help_text="It came from a file, so it is nobody's work."),
        ),
        migrations.AddIndex(
            model_name='patchwork',
            index=models.Index(condition=models.Q(('is_import', False)), fields=['project', 'submitted_at'], include=('annotator',), name='work_by_day'),
        ),
        migrations.RunSQL(IMPORTS, migrations.RunSQL.noop),
        migrations.RunPython(follow_decisions, migrations.RunPython.noop),
    ]
