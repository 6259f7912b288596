import django.db.models.deletion
from django.db import migrations, models


# A statement that changes a million states adds a row for each coarse tile that it touches; nobody waits for a counter
# that others write. Classes are looked up only where something becomes approved or is no longer.
TALLIES = """
CREATE FUNCTION annotator_area_dm2(square geometry, pixels bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    -- All pixels of a patch are taken for equally large: of 256 rows at zoom 17 the first and the last differ by less
    -- than 0.01 %.
    SELECT round(ST_Area(ST_Transform(square, 4326)::geography) * 100 * pixels / 65536)::bigint
$$;
CREATE OR REPLACE FUNCTION annotator_tally_patches() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO annotator_patchtally (project_id, tile, state, change)
        SELECT project_id, left(quadkey, -2), state, count(*) FROM new_rows
        GROUP BY project_id, left(quadkey, -2), state;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO annotator_patchtally (project_id, tile, state, change)
        SELECT project_id, left(quadkey, -2), state, -count(*) FROM old_rows
        GROUP BY project_id, left(quadkey, -2), state;
    ELSE
        INSERT INTO annotator_patchtally (project_id, tile, state, change)
        SELECT project_id, left(quadkey, -2), state, sum(change) FROM (
            SELECT project_id, quadkey, state, 1 AS change FROM new_rows
            UNION ALL SELECT project_id, quadkey, state, -1 FROM old_rows) AS moves
        GROUP BY project_id, left(quadkey, -2), state HAVING sum(change) <> 0;
        IF EXISTS (SELECT FROM new_rows WHERE state = 'approved')
                OR EXISTS (SELECT FROM old_rows WHERE state = 'approved') THEN
            INSERT INTO annotator_classtally (project_id, value, patches, area_dm2)
            SELECT class.project_id, class.value, sum(change),
                sum(change * annotator_area_dm2(square, class.pixels))
            FROM (
                SELECT id, square, 1 AS change FROM new_rows WHERE state = 'approved'
                UNION ALL SELECT id, square, -1 FROM old_rows WHERE state = 'approved') AS moves
            JOIN annotator_patchclass AS class ON class.patch_id = moves.id
            GROUP BY class.project_id, class.value HAVING sum(change) <> 0;
        END IF;
    END IF;
    RETURN NULL;
END $$;
-- The classes of a patch that is approved meanwhile, and of one that is deleted: they go before it.
CREATE FUNCTION annotator_tally_classes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO annotator_classtally (project_id, value, patches, area_dm2)
        SELECT class.project_id, class.value, count(*), sum(annotator_area_dm2(square, class.pixels))
        FROM new_rows AS class JOIN annotator_patch AS patch ON patch.id = class.patch_id
        WHERE patch.state = 'approved' GROUP BY class.project_id, class.value;
    ELSE
        INSERT INTO annotator_classtally (project_id, value, patches, area_dm2)
        SELECT class.project_id, class.value, -count(*), -sum(annotator_area_dm2(square, class.pixels))
        FROM old_rows AS class JOIN annotator_patch AS patch ON patch.id = class.patch_id
        WHERE patch.state = 'approved' GROUP BY class.project_id, class.value;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER class_added AFTER INSERT ON annotator_patchclass REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION annotator_tally_classes();
CREATE TRIGGER class_removed AFTER DELETE ON annotator_patchclass REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION annotator_tally_classes();
INSERT INTO annotator_patchtally (project_id, tile, state, change)
    SELECT project_id, left(quadkey, -2), state, count(*) FROM annotator_patch
    GROUP BY project_id, left(quadkey, -2), state;
INSERT INTO annotator_classtally (project_id, value, patches, area_dm2)
    SELECT class.project_id, class.value, count(*), sum(annotator_area_dm2(square, class.pixels))
    FROM annotator_patchclass AS class JOIN annotator_patch AS patch ON patch.id = class.patch_id
    WHERE patch.state = 'approved' GROUP BY class.project_id, class.value;
"""
NO_TALLIES = """
DROP TRIGGER class_added ON annotator_patchclass;
DROP TRIGGER class_removed ON annotator_patchclass;
DROP FUNCTION annotator_tally_classes();
CREATE OR REPLACE FUNCTION annotator_tally_patches() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO annotator_patchtally (project_id, state, change)
        SELECT project_id, state, count(*) FROM new_rows GROUP BY project_id, state;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO annotator_patchtally (project_id, state, change)
        SELECT project_id, state, -count(*) FROM old_rows GROUP BY project_id, state;
    ELSE
        INSERT INTO annotator_patchtally (project_id, state, change)
        SELECT project_id, state, sum(change) FROM (
            SELECT project_id, state, 1 AS change FROM new_rows
            UNION ALL SELECT project_id, state, -1 FROM old_rows) AS moves
        GROUP BY project_id, state HAVING sum(change) <> 0;
    END IF;
    RETURN NULL;
END $$;
DROP FUNCTION annotator_area_dm2(geometry, bigint);
DELETE FROM annotator_patchtally;
INSERT INTO annotator_patchtally (project_id, tile, state, change)
    SELECT project_id, '', state, count(*) FROM annotator_patch GROUP BY project_id, state;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('annotator', '0022_parcels_are_rebuilt_as_a_job'),
    ]

    operations = [
        migrations.CreateModel(
            name='TileCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.PositiveSmallIntegerField(help_text="The tile's zoom: the number of digits of its quadkey.")),
                ('quadkey', models.CharField(blank=True, max_length=24)),
                ('state', models.CharField(max_length=12)),
                ('patches', models.BigIntegerField()),
                ('project', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotator.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('project', 'level', 'quadkey', 'state'), name='a_tile_has_one_count_of_a_state')],
            },
        ),
        migrations.CreateModel(
            name='ClassTally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.PositiveSmallIntegerField()),
                ('patches', models.BigIntegerField(help_text='Approved patches that have the class.')),
                ('area_dm2', models.BigIntegerField(help_text='Square decimetres on the ellipsoid. Whole numbers, so that what is taken away is what was added.')),
                ('project', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotator.project')),
            ],
            options={
                'indexes': [models.Index(fields=['project', 'value'], name='tally_by_class')],
            },
        ),
        migrations.RemoveIndex(
            model_name='patchtally',
            name='tally_by_state',
        ),
        migrations.RunSQL('DELETE FROM annotator_patchtally', migrations.RunSQL.noop),
        migrations.AddField(
            model_name='patchtally',
            name='tile',
            field=models.CharField(default='', help_text='The quadkey of the tile two levels above its patches.', max_length=24),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name='patchtally',
            index=models.Index(fields=['project', 'tile', 'state'], include=('change',), name='tally_by_tile'),
        ),
        migrations.RunSQL(TALLIES, NO_TALLIES),
    ]
