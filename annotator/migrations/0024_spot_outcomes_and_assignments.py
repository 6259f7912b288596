import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


# What is known of earlier draws: the first verdict on the annotator's revision after the draw. What is left of areas
# that were given before stands for what there was.
EARLIER = """
UPDATE annotator_spotcheck AS spot
SET outcome = CASE found.verdict WHEN 'approve' THEN 'passed' ELSE 'returned' END,
    decided_by_id = found.reviewer_id, decided_at = found.decided_at
FROM (
    SELECT DISTINCT ON (one.id) one.id, review.verdict, review.reviewer_id, review.decided_at
    FROM annotator_spotcheck AS one
    JOIN annotator_spotdraw AS draw ON draw.id = one.draw_id
    JOIN annotator_annotation AS annotation ON annotation.patch_id = one.patch_id
    JOIN annotator_revision AS revision
        ON revision.annotation_id = annotation.id AND revision.author_id = one.annotator_id
    JOIN annotator_review AS review ON review.revision_id = revision.id AND review.decided_at > draw.drawn_at
    ORDER BY one.id, review.decided_at) AS found
WHERE found.id = spot.id;
UPDATE annotator_assignment AS area SET patch_count = (
    SELECT count(*) FROM annotator_queueentry WHERE assignment_id = area.id)
WHERE ended_at IS NULL;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('annotator', '0023_progress_by_tile_and_class'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='patchwork',
            name='work_by_day',
        ),
        migrations.AddField(
            model_name='assignment',
            name='patch_count',
            field=models.PositiveIntegerField(default=0, help_text='How many patches waited in it when it was made, those of a newer one left out.'),
        ),
        migrations.AddField(
            model_name='spotcheck',
            name='decided_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='spotcheck',
            name='decided_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='spotcheck',
            name='outcome',
            field=models.CharField(choices=[('open', 'not looked at yet'), ('passed', 'passed'), ('returned', 'returned'), ('fixed', 'drawn by the reviewer')], default='open', max_length=8),
        ),
        migrations.AddIndex(
            model_name='correction',
            index=models.Index(fields=['project', 'miou'], name='corrections_by_miou'),
        ),
        migrations.AddIndex(
            model_name='doubleannotation',
            index=models.Index(condition=models.Q(('agreement__isnull', False)), fields=['project', 'agreement'], name='doubles_by_agreement'),
        ),
        migrations.AddIndex(
            model_name='patchwork',
            index=models.Index(fields=['project', 'submitted_at'], include=('annotator',), name='work_by_day'),
        ),
        migrations.AddConstraint(
            model_name='spotcheck',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('outcome', 'open')), models.Q(models.Q(('outcome', 'open'), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='a_decided_check_has_its_time'),
        ),
        migrations.RunSQL(EARLIER, migrations.RunSQL.noop),
    ]
