"""A list of three costs the database as much as a list of one, whoever made its rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from django.utils import timezone

from annotator.domain.assignments import assign_area
from annotator.domain.gold import mark_gold
from annotator.domain.invitations import make_invitation
from annotator.domain.parcels import draw_wanted_parcels
from annotator.domain.projects import add_member
from annotator.enums import ExportKind, ImportState, JobState, Role, RunState
from annotator.models import (
    Evaluation,
    Export,
    InferenceJob,
    LabelImport,
    ModelVersion,
    Project,
    TrainingRun,
)
from annotator.queries.versions import promoted_version
from tests.campaigns import query_count
from tests.factories import approve, client_of, make_member, make_patch, make_project, make_scene, make_user

pytestmark = pytest.mark.django_db
Add = Callable[[Project], object]


def add_export(project: Project) -> None:
    Export.objects.create(
        project=project,
        kind=ExportKind.CHIPS,
        state=JobState.SUCCEEDED,
        sha256="a" * 64,
        size_bytes=10,
        ended_at=timezone.now(),
        requested_by=make_user(),
    )


def add_import(project: Project) -> None:
    LabelImport.objects.create(
        project=project, file_name="a.zip", state=ImportState.FAILED, requested_by=make_user()
    )


def add_version(project: Project) -> ModelVersion:
    version = ModelVersion.objects.create(
        project=project,
        number=project.model_versions.count() + 1,
        parent=promoted_version(project.pk),
        verdict={"passed": True},
    )
    for miou in (0.4, 0.5):
        Evaluation.objects.create(model_version=version, patch_count=2, miou=miou)
    return version


def add_run(project: Project) -> None:
    candidate = add_version(project)
    run = TrainingRun.objects.create(
        project=project,
        parent=promoted_version(project.pk),
        candidate=candidate,
        state=RunState.SUCCEEDED,
        requested_by=make_user(),
    )
    for version in (run.parent, candidate):
        Evaluation.objects.create(model_version=version, training_run=run, patch_count=2, miou=0.5)


def add_job(project: Project) -> None:
    InferenceJob.objects.create(
        project=project,
        scene=make_scene(project),
        model_version=add_version(project),
        state=JobState.SUCCEEDED,
        requested_by=make_user(),
    )


def add_invitation(project: Project) -> None:
    make_invitation(project=project, user=make_user(), role=Role.ANNOTATOR, days=3)


def add_assignment(project: Project) -> None:
    people = [make_member(project), make_member(project)]
    tiles = [make_patch(project, 1000 + 4 * project.patches.count()).quadkey]
    assign_area(project=project, user=project.created_by, people=people, tiles=tiles)


def add_parcel(project: Project) -> None:
    patch = make_patch(project, 1000 + 4 * project.patches.count())
    approve(patch, project.created_by, np.ones((256, 256), np.uint8))
    draw_wanted_parcels(project.pk)


def add_gold(project: Project) -> None:
    patch = make_patch(project, 1000 + 4 * project.patches.count())
    approve(patch, make_member(project))
    mark_gold(patch=patch, user=project.created_by)


@pytest.mark.parametrize(
    ("add", "paths"),
    [
        (add_export, ("projects/{}/exports/", "api/v1/projects/{}/exports/")),
        (add_import, ("projects/{}/imports/", "api/v1/projects/{}/imports/")),
        (add_run, ("api/v1/projects/{}/training-runs/", "projects/{}/")),
        (add_version, ("api/v1/projects/{}/model-versions/",)),
        (add_job, ("api/v1/projects/{}/inference-jobs/", "api/v1/projects/{}/scenes/", "projects/{}/")),
        (add_invitation, ("api/v1/projects/{}/invitations/",)),
        (make_member, ("api/v1/projects/{}/members/", "projects/{}/members/")),
        (add_assignment, ("api/v1/projects/{}/assignments/",)),
        (make_patch, ("api/v1/projects/{}/patches/", "api/v1/projects/{}/queue/")),
        (add_gold, ("api/v1/projects/{}/gold/", "api/v1/projects/{}/desk/", "api/v1/projects/{}/events/")),
        (add_parcel, ("ogc/projects/{}/collections/parcels/items",)),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_three_rows_cost_as_much_as_one(add: Add, paths: tuple[str, ...]) -> None:
    project = make_project()
    add_member(project=project, user=project.created_by, role=Role.ML_STAFF)
    client = client_of(project.created_by)
    add(project)
    alone = [query_count(client, f"/{path.format(project.slug)}") for path in paths]
    add(project)
    add(project)
    of_three = [query_count(client, f"/{path.format(project.slug)}") for path in paths]
    assert dict(zip(paths, of_three, strict=True)) == dict(zip(paths, alone, strict=True))
