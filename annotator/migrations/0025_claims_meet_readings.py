from importlib import import_module

from django.db import migrations

# A claim that a blind reading goes before takes nothing, and says so: most claims meet none, and ask no query for it.
# What is kept for the person by name goes before their areas.
CLAIM = """
DROP FUNCTION annotator_claim;
CREATE FUNCTION annotator_claim(
    p_project bigint, p_user integer, p_expiry timestamptz, p_limit bigint, p_besides bigint[],
    p_only_more boolean, p_skipped_too boolean, p_readings_first boolean, p_from_states text[],
    OUT meets_reading boolean, OUT renewed_id bigint, OUT taken_id bigint, OUT held_count bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    meets_reading := p_readings_first AND (
        EXISTS (SELECT FROM annotator_reading
                WHERE project_id = p_project AND reader_id = p_user AND state = 'held')
        OR EXISTS (SELECT FROM annotator_doubleannotation
                   WHERE project_id = p_project AND state = 'wanted' AND reading_id IS NULL));
    IF meets_reading THEN
        RETURN;
    END IF;
    -- Rows that others are claiming at this moment are stepped over. What is kept for the person goes first, then what
    -- lies in their areas, then what is assigned to nobody: each has an index of its own, so that none is searched
    -- through another.
    WITH renewed AS (
        UPDATE annotator_queueentry SET expires_at = GREATEST(expires_at, p_expiry)
        WHERE holder_id = p_user AND patch_id = (
            SELECT patch_id FROM annotator_queueentry
            WHERE NOT p_only_more AND holder_id = p_user AND project_id = p_project
              AND patch_id <> ALL(p_besides)
            ORDER BY expires_at DESC, score DESC, patch_id LIMIT 1)
        RETURNING patch_id),
    held AS (
        SELECT count(*) AS number FROM annotator_queueentry
        WHERE holder_id = p_user AND project_id = p_project),
    taken AS (
        UPDATE annotator_queueentry SET holder_id = p_user, expires_at = p_expiry
        WHERE NOT EXISTS (SELECT FROM renewed) AND (SELECT number FROM held) < p_limit
          AND patch_id = COALESCE((
            -- What is kept for the person by name, wherever it lies.
            SELECT patch_id FROM annotator_queueentry
            WHERE reserved_for_id = p_user AND project_id = p_project AND holder_id IS NULL
              AND patch_id <> ALL(p_besides)
            ORDER BY score DESC, patch_id FOR UPDATE SKIP LOCKED LIMIT 1),
          (
            SELECT best.patch_id FROM annotator_assignment_people AS one, LATERAL (
                SELECT patch_id, score FROM annotator_queueentry
                WHERE assignment_id = one.assignment_id AND project_id = p_project AND holder_id IS NULL
                  AND reserved_for_id IS NULL AND patch_id <> ALL(p_besides)
                  AND (p_skipped_too OR skipped_by_id IS DISTINCT FROM p_user)
                ORDER BY score DESC, patch_id FOR UPDATE SKIP LOCKED LIMIT 1) AS best
            WHERE one.user_id = p_user ORDER BY best.score DESC, best.patch_id LIMIT 1),
          (
            SELECT patch_id FROM annotator_queueentry
            WHERE project_id = p_project AND holder_id IS NULL AND assignment_id IS NULL
              AND reserved_for_id IS NULL AND patch_id <> ALL(p_besides)
              AND (p_skipped_too OR skipped_by_id IS DISTINCT FROM p_user)
            ORDER BY score DESC, patch_id FOR UPDATE SKIP LOCKED LIMIT 1))
        RETURNING patch_id, reason, ranking_id, place),
    moved AS (
        UPDATE annotator_patch AS patch SET state = 'claimed', changed_at = now()
        FROM taken WHERE patch.id = taken.patch_id AND patch.state = ANY(p_from_states)
        RETURNING patch.id, patch.project_id),
    told AS (
        INSERT INTO annotator_event
            (project_id, subject, subject_id, verb, from_state, to_state, actor_id, facts, at)
        -- A patch that could not be moved has no project here, which ends the whole statement with an error.
        SELECT moved.project_id, 'patch', taken.patch_id, 'claimed',
            CASE taken.reason WHEN 'returned' THEN 'returned' ELSE 'unlabelled' END, 'claimed', p_user,
            CASE WHEN taken.ranking_id IS NULL THEN '{}'
                 ELSE jsonb_build_object('ranking', taken.ranking_id, 'place', taken.place) END, now()
        FROM taken LEFT JOIN moved ON moved.id = taken.patch_id)
    SELECT (SELECT patch_id FROM renewed), (SELECT patch_id FROM taken), (SELECT number FROM held)
    INTO renewed_id, taken_id, held_count;
END $$;
"""

BEFORE = import_module("annotator.migrations.0016_claims_and_assignments").CLAIM


class Migration(migrations.Migration):

    dependencies = [
        ('annotator', '0024_spot_outcomes_and_assignments'),
    ]

    operations = [
        migrations.RunSQL(CLAIM, "DROP FUNCTION annotator_claim;\n" + BEFORE),
    ]
