from __future__ import annotations

import re
import shutil
import uuid
from datetime import date
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from annotator.domain.dispatch import enqueue
from annotator.domain.display_copies import renew_display_copy
from annotator.domain.events import record_event
from annotator.enums import SceneState
from annotator.errors import BadScene
from annotator.imagery.inspect import check_raster, propose_stretch
from annotator.imagery.sources import is_remote, local_files, sources_in
from annotator.models import Project, Scene


def add_scene(
    *,
    project: Project,
    user: User,
    upload: UploadedFile[bytes] | None = None,
    source: str = "",
    name: str = "",
    acquired_on: date | None = None,
) -> Scene:
    """Takes a scene by upload or by path or URL; what can be checked at once is, the rest goes on in Celery.

    Raises BadScene, with the remedy, for a file that cannot be used; nothing is kept of it then.
    """
    if (upload is None) == (not source):
        raise BadScene("Choose a file to upload, or give a path or URL; one of the two.")
    if upload is not None:
        kept = _keep_upload(upload)
        try:
            check_raster(kept)
            return _add(
                project, user, str(kept), name or Path(upload.name or "scene").stem, acquired_on, True
            )
        except BaseException:
            kept.unlink(missing_ok=True)
            raise
    named = sources_in(source)
    if not named:
        raise BadScene("Give a path or URL, or several, one a line.")
    for one in named:
        if not is_remote(one):
            for path in local_files(one):
                check_raster(path)
    return _add(
        project, user, "\n".join(named), name or Path(named[0].split("?")[0]).stem, acquired_on, False
    )


def _keep_upload(upload: UploadedFile[bytes]) -> Path:
    if (upload.size or 0) > settings.SCENE_UPLOAD_MAX_BYTES:
        raise BadScene(
            f"The file has {(upload.size or 0) / 1e9:.1f} GB; uploads end at "
            f"{settings.SCENE_UPLOAD_MAX_BYTES / 1e9:.1f} GB. Put it on the server and add it by path."
        )
    folder = Path(settings.MEDIA_ROOT) / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    # The name that the file had stays in this one, as there may be a date in it.
    had = re.sub(r"[^A-Za-z0-9._-]+", "_", upload.name or "")[:200]
    kept = folder / f"{uuid.uuid4().hex}-{had}"
    try:
        with kept.open("wb") as target:
            shutil.copyfileobj(upload, target, 1 << 20)
    except OSError as error:
        kept.unlink(missing_ok=True)
        raise BadScene(f"The file could not be stored ({error.strerror}). Free some disk space.") from error
    return kept


@transaction.atomic
def _add(
    project: Project, user: User, source: str, name: str, acquired_on: date | None, is_upload: bool
) -> Scene:
    scene = Scene.objects.create(
        project=project,
        name=name[:120],
        source=source,
        source_is_upload=is_upload,
        acquired_on=acquired_on,
        added_by=user,
        heartbeat_at=timezone.now(),
    )
    record_event(scene, "added", actor=user, to_state=SceneState.PENDING)
    enqueue("ingest_scene", scene.pk)
    return scene


@transaction.atomic
def change_display(
    *,
    scene: Scene,
    user: User,
    display_bands: list[int] | None = None,
    stretch: list[list[float]] | None = None,
    name: str | None = None,
    acquired_on: date | None = None,
) -> Scene:
    """Chooses the bands shown as red, green and blue and the range of values that the display covers.

    Other bands without a stretch get the one that suits them. Raises BadScene.
    """
    scene = Scene.objects.select_for_update().get(pk=scene.pk)
    if display_bands is not None:
        if len(display_bands) != 3 or not all(1 <= b <= (scene.band_count or 0) for b in display_bands):
            raise BadScene(f"Name three bands between 1 and {scene.band_count}, for red, green and blue.")
        if stretch is None and display_bands != list(scene.display_bands):
            # The old one was made for the values of other bands.
            stretch = propose_stretch(scene.cog_path, display_bands)
        scene.display_bands = display_bands
    if stretch is not None:
        if len(stretch) != 3 or not all(len(pair) == 2 and pair[0] < pair[1] for pair in stretch):
            raise BadScene("Give a [low, high] pair for red, green and blue, each low below its high.")
        scene.stretch = stretch
    if name:
        scene.name = name
    if acquired_on is not None:
        scene.acquired_on = acquired_on
    scene.save()
    record_event(scene, "display changed", actor=user, bands=scene.display_bands, stretch=scene.stretch)
    if scene.state == SceneState.READY:
        renew_display_copy(scene=scene, user=user)
    return scene
