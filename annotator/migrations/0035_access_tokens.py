import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotator', '0034_scenes_tell_how_far_they_are'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AccessToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token_key', models.CharField(db_index=True, max_length=25)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('digest', models.CharField(max_length=128, unique=True)),
                ('name', models.CharField(max_length=60)),
                ('scope', models.CharField(choices=[('read', 'read only'), ('full', 'read and write')], default='read', max_length=5)),
                ('expiry', models.DateTimeField()),
                ('last_used_on', models.DateField(blank=True, help_text='The day, in UTC: written once a day, not with each request.', null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='auth_token_set', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        # The tokens of before, one a person and in clear: nothing reads them any more, so that nobody else should.
        migrations.RunSQL('DROP TABLE IF EXISTS authtoken_token', migrations.RunSQL.noop),
    ]
