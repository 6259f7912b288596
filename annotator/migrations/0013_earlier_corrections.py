from django.db import migrations

# Work of before is counted without the mIoU that was not measured then.
EARLIER_WORK = '''
INSERT INTO annotator_correction (annotation_id, project_id, patch_id, model_version_id, author_id, is_hidden, miou,
                                  seconds, strokes, pixels_changed, submitted_at)
SELECT annotation.id, patch.project_id, patch.id, proposal.model_version_id, revision.author_id, false, NULL,
       effort.seconds, effort.strokes, revision.pixels_changed, revision.saved_at
FROM annotator_annotation AS annotation
JOIN annotator_patch AS patch ON patch.id = annotation.patch_id
JOIN annotator_revision AS revision ON revision.id = annotation.current_id
JOIN annotator_proposal AS proposal ON proposal.id = revision.proposal_id
CROSS JOIN LATERAL (
    SELECT sum(seconds_spent) AS seconds, sum(stroke_count) AS strokes FROM annotator_revision
    WHERE annotation_id = annotation.id AND NOT is_conflicting
) AS effort
WHERE revision.is_submitted AND NOT revision.is_import
'''


class Migration(migrations.Migration):

    dependencies = [
        ('annotator', '0012_quality'),
    ]

    operations = [
        migrations.RunSQL(EARLIER_WORK, migrations.RunSQL.noop),
    ]
