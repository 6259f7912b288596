"""Projects of before sides, legends and replay were kept go on as they were."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from annotator.domain.legend_records import known_classes
from annotator.imagery.grid import quadkey, square
from annotator.models import BlockSide, Evaluation, LabelClass, ModelVersion, Project
from annotator.queries.labels import legend_of
from tests.factories import CORNER_X, CORNER_Y

BEFORE = [("annotator", "0003_queue_reasons")]


@pytest.mark.django_db(transaction=True)
def test_what_an_earlier_run_learned_from_is_never_held_out_and_its_legend_is_known() -> None:
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    executor.migrate(BEFORE)
    try:
        old = executor.loader.project_state(BEFORE).apps.get_model
        owner = User.objects.create_user("before")
        project = old("annotator", "Project").objects.create(slug="old", name="Old", created_by_id=owner.pk)
        for value, name in enumerate(("other", "field")):
            old("annotator", "LabelClass").objects.create(
                project=project, value=value, name=name, color="#000000"
            )
        # Two patches of one block, one of another block, as the old fallback could divide them.
        revisions = []
        for column in (0, 1, 8):
            x = CORNER_X + column
            patch = old("annotator", "Patch").objects.create(
                project=project, quadkey=quadkey(x, CORNER_Y, 17), z=17, x=x, y=CORNER_Y,
                square=square(x, CORNER_Y, 17), state="approved",
            )  # fmt: skip
            annotation = old("annotator", "Annotation").objects.create(patch=patch)
            revisions.append(
                old("annotator", "Revision").objects.create(
                    annotation=annotation, number=1, author_id=owner.pk, mask_png=b""
                )
            )
        versions = old("annotator", "ModelVersion").objects
        base = versions.create(project=project, number=1, state="promoted")
        version = versions.create(project=project, number=2, parent=base, adapter_name="old")
        old("annotator", "TrainingRun").objects.create(
            project=project,
            parent=base,
            candidate=version,
            state="succeeded",
            training_revisions=[revisions[1].pk],
            holdout_revisions=[revisions[0].pk, revisions[2].pk],
        )
        old("annotator", "Evaluation").objects.create(model_version=version, patch_count=2, miou=0.5)
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(newest)
    sides = dict(BlockSide.objects.values_list("block", "side"))
    shared, apart = (quadkey(CORNER_X + column, CORNER_Y, 17)[:-1] for column in (0, 8))
    assert sides.keys() == {shared, apart}
    assert sides[shared] in {"training", "validation"}
    assert sides[apart] == "holdout"
    created_at = Project.objects.get(pk=project.pk).created_at
    assert {one.added_at for one in LabelClass.objects.all()} == {created_at}
    assert [row["name"] for row in Evaluation.objects.get().legend] == ["other", "field"]
    made = ModelVersion.objects.get(pk=version.pk)
    assert [one.value for one in known_classes(made, legend_of(project.pk))] == [0, 1]
