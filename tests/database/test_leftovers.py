"""What killed workers left of training runs goes; what a version or a run at work needs stays."""

from pathlib import Path

import pytest

from annotator.domain.leftovers import remove_leftovers
from annotator.enums import RunState
from annotator.models import ModelVersion, TrainingRun
from tests.campaigns import Campaign

pytestmark = pytest.mark.django_db


def test_leftovers_of_ended_runs_go(run: TrainingRun, labelled: Campaign, settings) -> None:  # type: ignore[no-untyped-def]
    media, project = Path(settings.MEDIA_ROOT), labelled.project
    ended = TrainingRun.objects.create(
        project=project, parent=run.parent, state=RunState.CANCELLED, requested_by=labelled.people["ml_staff"]
    )

    def folder(name: str) -> Path:
        (media / name).mkdir(parents=True)
        return media / name

    named = f"project-{project.pk}-run-{ended.pk}"
    gone = [folder(f"training/run-{ended.pk}"), folder(f"adapters/{named}-aaaaaaaa")]
    kept = [
        folder(f"training/run-{run.pk}"),
        folder(f"adapters/project-{project.pk}-run-{run.pk}-bbbbbbbb"),
        folder(f"adapters/{named}-cccccccc"),
        folder("adapters/brought-by-hand"),
    ]
    ModelVersion.objects.create(
        project=project, number=9, adapter_name=f"{named}-cccccccc", parent=run.parent, temperature=1.0
    )
    assert remove_leftovers() == 2
    assert [path.exists() for path in gone] == [False, False]
    assert all(path.exists() for path in kept)
    assert remove_leftovers() == 0
