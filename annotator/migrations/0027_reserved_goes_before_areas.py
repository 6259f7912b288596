from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotator', '0026_jobs_are_given_up'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='queueentry',
            index=models.Index(condition=models.Q(('holder__isnull', True), ('reserved_for__isnull', False)), fields=['reserved_for', 'project'], name='reserved_queue'),
        ),
    ]
