"""Figures of before imports and taken over masks were counted as what they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from annotator.domain.masks import png_of
from annotator.imagery.grid import quadkey, square
from annotator.models import Correction, PatchClass, PatchWork, SpotCheck
from tests.factories import CORNER_X, CORNER_Y, halves

BEFORE = [("annotator", "0024_spot_outcomes_and_assignments")]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_imports_and_masks_that_were_taken_over_are_told_from_the_records() -> None:
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    executor.migrate(BEFORE)
    try:
        old = executor.loader.project_state(BEFORE).apps.get_model

        def make(model, **fields):  # type: ignore[no-untyped-def]
            return old("annotator", model).objects.create(**fields)

        ann, bea, lead = (User.objects.create_user(name).pk for name in ("ann", "bea", "lead"))
        project = make("Project", slug="old", name="Old", created_by_id=lead)
        version = make("ModelVersion", project=project, number=1, state="promoted")
        draw = make("SpotDraw", project=project, day=NOON.date(), seed=1, per_annotator=9, drawn_by_id=lead)
        patches = []
        for column in range(4):
            x = CORNER_X + column
            patch = make(
                "Patch", project=project, quadkey=quadkey(x, CORNER_Y, 17), z=17, x=x, y=CORNER_Y,
                square=square(x, CORNER_Y, 17), state="approved",
            )  # fmt: skip
            make("PatchWork", patch=patch, project=project, annotator_id=ann, submitted_at=NOON)
            make("SpotCheck", draw=draw, patch=patch, annotator_id=ann, submitted_that_day=4)
            patches.append(patch)
        imported, redrawn, drawn, decided = patches

        def revision(annotation, number, author, rows=0, **fields):  # type: ignore[no-untyped-def]
            row = make(
                "Revision", annotation=annotation, number=number, author_id=author, mask_png=png_of(halves(rows)),
                is_submitted=True, **fields,
            )  # fmt: skip
            old("annotator", "Revision").objects.filter(pk=row.pk).update(saved_at=NOON)
            annotation.current = row
            annotation.save()
            return row

        def correction(annotation, author, seconds):  # type: ignore[no-untyped-def]
            make(
                "Correction", annotation=annotation, project=project, patch=decided, model_version=version,
                author_id=author, miou=0.5, seconds=seconds, strokes=1, pixels_changed=9, submitted_at=NOON,
            )  # fmt: skip

        revision(make("Annotation", patch=imported), 1, ann, is_import=True)
        twice = make("Annotation", patch=redrawn)
        revision(twice, 1, ann, is_import=True)
        revision(twice, 2, ann)
        revision(make("Annotation", patch=drawn), 1, ann)
        annotation = make("Annotation", patch=decided)
        first = revision(annotation, 1, ann)
        correction(annotation, ann, 10)
        reading = make(
            "Reading", project=project, patch=decided, reader_id=bea, purpose="second", state="submitted"
        )
        read = make("Annotation", reading=reading)
        revision(read, 1, bea, 64)
        correction(read, bea, 70)
        revision(annotation, 2, bea, 64)
        make(
            "DoubleAnnotation", patch=decided, project=project, state="settled", share=1.0, agreement=0.1,
            consensus_miou=0.8, first=first, reading=reading,
        )  # fmt: skip
        make("PatchClass", patch=decided, project=project, value=1, pixels=65536)
        make(
            "Event", project=project, subject="doubleannotation", subject_id=decided.pk, verb="decided",
            actor_id=lead, facts={"decision": "second", "revision": 2, "redraws": False},
        )  # fmt: skip
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(newest)
    work = {row.patch_id: row for row in PatchWork.objects.all()}
    assert [work[patch.pk].is_import for patch in patches] == [True, False, False, False]
    assert [work[patch.pk].annotator_id for patch in patches] == [ann, ann, ann, bea]
    assert work[decided.pk].submitted_at == NOON
    assert dict(PatchClass.objects.values_list("value", "pixels")) == {0: 64 * 256, 1: 192 * 256}
    counted = Correction.objects.get(annotation=annotation.pk)
    assert (counted.author_id, counted.seconds) == (bea, 70)
    checks = {row.patch_id: row for row in SpotCheck.objects.all()}
    assert checks.keys() == {redrawn.pk, drawn.pk, decided.pk}, "nobody drew what was imported"
    assert {row.submitted_that_day for row in checks.values()} == {3}
    settled = checks[decided.pk]
    assert (settled.outcome, settled.decided_by_id, checks[drawn.pk].outcome) == ("returned", lead, "open")
