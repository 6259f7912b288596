"""Files of scenes and imports that no row names go after a day; what a row needs, and what is not ours, stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from annotator.domain.left_files import remove_left_files
from annotator.enums import ImportState, JobState, SceneState
from annotator.models import DisplayCopy, LabelImport, Scene
from tests.factories import make_project, make_scene

pytestmark = pytest.mark.django_db
DAY_S = 24 * 3600


def test_files_that_no_row_names_go_when_they_are_a_day_old(settings) -> None:  # type: ignore[no-untyped-def]
    media, project = Path(settings.MEDIA_ROOT), make_project()
    user = project.created_by

    def file(name: str, age_s: float = 2 * DAY_S) -> Path:
        path = media / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (time.time() - age_s,) * 2)
        return path

    def folder(name: str) -> Path:
        path = file(f"{name}/cog.tif").parent
        os.utime(path, (time.time() - 2 * DAY_S,) * 2)
        return path

    def uploaded(name: str, state: SceneState) -> Scene:
        source = str(media / "incoming" / name)
        return Scene.objects.create(
            project=project, name=name, source=source, source_is_upload=True, state=state, added_by=user
        )

    ready = make_scene(project)
    ready.cog_name, ready.display_copy_name = "1-1-aaaaaaaa.tif", "1-1-bbbbbbbb.display.tif"
    ready.save()
    copy = DisplayCopy.objects.create(project=project, scene=ready, state=JobState.RUNNING)
    at_work = uploaded("f0-waits.tif", SceneState.INGESTING)
    uploaded("f1-failed.tif", SceneState.FAILED)
    forgotten = uploaded("f2-forgotten.tif", SceneState.CANCELLED)
    Scene.objects.filter(pk=forgotten.pk).update(changed_at="2020-01-01T00:00Z")
    LabelImport.objects.create(
        project=project, requested_by=user, stored_name="a.json", state=ImportState.UPLOADED
    )
    gone = [
        file("scenes/1-1-cccccccc.tif"), file("scenes/1-1-dddddddd.display.tif"), file(f"scenes/.{'e' * 32}.tif"),
        folder(f"scenes/.ingest-{ready.pk}-aaaaaaaa"), folder(f"scenes/.display-{copy.pk + 1}"),
        file("incoming/f2-forgotten.tif"), file("incoming/scene-7-0.download"), file("imports/b.json"),
    ]  # fmt: skip
    kept = [
        file("scenes/1-1-aaaaaaaa.tif"), file("scenes/1-1-bbbbbbbb.display.tif"), file("scenes/by-hand.tif"),
        folder(f"scenes/.ingest-{at_work.pk}-aaaaaaaa"), folder(f"scenes/.display-{copy.pk}"),
        file("incoming/f0-waits.tif"), file("incoming/f1-failed.tif"), file("incoming/young.tif", age_s=60),
        file("imports/a.json"), file("imports/young.json", age_s=60), file("scenes/1-1-ffffffff.tif", age_s=60),
    ]  # fmt: skip
    assert remove_left_files() == len(gone)
    assert [path.name for path in gone if path.exists()] == []
    assert [path.name for path in kept if not path.exists()] == []
    assert remove_left_files() == 0
