"""Display copies: made once, made again for another display, ended, and taken up after a worker is lost."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import rasterio
from django.utils import timezone
from rio_cogeo.cogeo import cog_validate

from annotator.domain import display_copies
from annotator.domain.display_copies import cancel_display_copy, make_display_copy, request_display_copy
from annotator.domain.recovery import resend_lost_jobs
from annotator.domain.scenes import change_display
from annotator.enums import JobState
from annotator.errors import AlreadyActive, IllegalTransition, NotReady
from annotator.imagery.rendering import tile_stamp
from annotator.models import DisplayCopy, Scene
from tests.factories import make_project, make_scene
from tests.rasters import random_values, write_raster

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return make_scene(make_project(), write_raster(tmp_path / "scene.tif", random_values(3, 600, 600)))


def files(scene: Scene) -> list[str]:
    return sorted(path.name for path in scene.cog_path.parent.iterdir())


def test_ingest_asks_for_a_copy_which_is_a_cog_on_the_grid_of_tiles(scene):
    copy = scene.display_copies.get()
    assert (copy.state, copy.requested_by) == (JobState.QUEUED, None)
    make_display_copy(copy.pk)
    scene.refresh_from_db()
    copy.refresh_from_db()
    assert (copy.state, copy.percent) == (JobState.SUCCEEDED, 100)
    assert files(scene) == sorted([scene.cog_name, scene.display_copy_name])
    assert cog_validate(scene.display_copy_path)[:2] == (True, [])
    with rasterio.open(scene.display_copy_path) as dataset:
        assert (dataset.crs.to_epsg(), dataset.profile["compress"]) == (3857, "webp")
        assert dataset.width % (256 << len(dataset.overviews(1))) == 0
    before = DisplayCopy.objects.values().get()
    make_display_copy(copy.pk)
    assert DisplayCopy.objects.values().get() == before, "a message that comes twice does nothing"


def test_another_look_ends_the_job_and_asks_for_another_copy(scene):
    first = scene.display_copies.get()
    change_display(scene=scene, user=scene.project.created_by, stretch=[[0, 60]] * 3)
    first.refresh_from_db()
    assert (first.state, scene.display_copies.count()) == (JobState.CANCELLED, 2)
    make_display_copy(first.pk)
    assert files(scene) == [scene.cog_name]
    make_display_copy(scene.display_copies.first().pk)
    scene.refresh_from_db()
    assert scene.display_copy_stamp == tile_stamp(scene)


def test_another_name_asks_for_nothing(scene):
    make_display_copy(scene.display_copies.get().pk)
    change_display(scene=scene, user=scene.project.created_by, name="Our valley")
    assert scene.display_copies.count() == 1


def test_a_new_copy_takes_the_place_of_the_old_one(scene, django_capture_on_commit_callbacks):
    make_display_copy(scene.display_copies.get().pk)
    change_display(scene=scene, user=scene.project.created_by, stretch=[[0, 60]] * 3)
    with django_capture_on_commit_callbacks(execute=True):
        make_display_copy(scene.display_copies.first().pk)
    scene.refresh_from_db()
    assert files(scene) == sorted([scene.cog_name, scene.display_copy_name])


@pytest.mark.parametrize("share", [0.0, 0.7])
def test_a_job_that_is_cancelled_while_it_runs_stops_and_leaves_nothing(scene, monkeypatch, share):
    """While tiles are drawn, and while GDAL packs them."""
    copy = scene.display_copies.get()
    monkeypatch.setattr(display_copies, "_TOLD_EVERY_SECONDS", 0.0)
    tell = display_copies._Teller.tell

    def cancelling(self, now: float) -> None:  # type: ignore[no-untyped-def]
        if now >= share and DisplayCopy.objects.get(pk=copy.pk).is_active:
            cancel_display_copy(copy=copy, user=scene.project.created_by)
        tell(self, now)

    monkeypatch.setattr(display_copies._Teller, "tell", cancelling)
    make_display_copy(copy.pk)
    copy.refresh_from_db()
    scene.refresh_from_db()
    assert (copy.state, scene.display_copy_name, files(scene)) == (JobState.CANCELLED, "", [scene.cog_name])
    with pytest.raises(IllegalTransition):
        cancel_display_copy(copy=copy, user=scene.project.created_by)


def test_a_job_whose_worker_was_killed_is_sent_again_and_begins_anew(scene, monkeypatch):
    copy = scene.display_copies.get()
    left = scene.cog_path.with_name(f".display-{copy.pk}")
    left.mkdir()
    (left / "drawn.tif").write_bytes(b"half of it")
    DisplayCopy.objects.update(state=JobState.RUNNING, heartbeat_at=timezone.now())
    make_display_copy(copy.pk)
    assert left.exists(), "a living worker's job is left alone"
    DisplayCopy.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    sent = []
    monkeypatch.setattr("annotator.domain.recovery.send", lambda *task: sent.append(task))
    resend_lost_jobs()
    assert sent == [("make_display_copy", copy.pk)]
    make_display_copy(copy.pk)
    scene.refresh_from_db()
    assert files(scene) == sorted([scene.cog_name, scene.display_copy_name])


def test_a_copy_that_cannot_be_made_says_why(scene):
    scene.cog_path.unlink()
    copy = scene.display_copies.get()
    make_display_copy(copy.pk)
    copy.refresh_from_db()
    assert (copy.state, "cannot be read any more" in copy.message) == (JobState.FAILED, True)


def test_a_copy_is_asked_for_once_and_of_a_ready_scene(scene):
    active = scene.display_copies.get()
    with pytest.raises(AlreadyActive) as caught:
        request_display_copy(scene=scene, user=scene.project.created_by)
    assert caught.value.facts == {"active": active.pk}
    cancel_display_copy(copy=active, user=scene.project.created_by)
    again = request_display_copy(scene=scene, user=scene.project.created_by)
    assert again.requested_by == scene.project.created_by
    Scene.objects.update(state="pending")
    with pytest.raises(NotReady):
        request_display_copy(scene=scene, user=scene.project.created_by)
