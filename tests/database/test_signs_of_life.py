"""A round tells that it goes on while nothing else does, and no longer once the run is somebody else's."""

from __future__ import annotations

import time

import pytest

from annotator.domain.leases import signs_of_life
from annotator.enums import RunState
from annotator.models import TrainingRun
from annotator.queries.versions import promoted_version
from tests.factories import make_project

pytestmark = pytest.mark.django_db(transaction=True)


def heartbeat_within(run: TrainingRun, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        run.refresh_from_db()
        if run.heartbeat_at is not None:
            return True
        time.sleep(0.02)
    return False


def test_signs_of_life_are_those_of_whoever_has_the_run(settings) -> None:  # type: ignore[no-untyped-def]
    settings.JOB_LOST_AFTER_SECONDS = 0.2
    project = make_project()
    run = TrainingRun.objects.create(
        project=project, parent=promoted_version(project.pk), state=RunState.TRAINING, attempt="one"
    )
    with signs_of_life(TrainingRun.objects.filter(pk=run.pk, attempt="one")):
        assert heartbeat_within(run, 20)
    TrainingRun.objects.update(heartbeat_at=None, attempt="another")
    with signs_of_life(TrainingRun.objects.filter(pk=run.pk, attempt="one")):
        assert not heartbeat_within(run, 0.5)
