from __future__ import annotations

import logging
import re
import shutil
import uuid
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from annotator.domain.dispatch import enqueue
from annotator.domain.display_copies import renew_display_copy
from annotator.domain.events import move, record_event
from annotator.domain.locks import lock_project
from annotator.domain.patches import make_patches
from annotator.enums import SCENE_TRANSITIONS, SceneState
from annotator.errors import BadScene, MilpaError
from annotator.imagery.grid import propose_patch_zoom
from annotator.imagery.ingest import check_overlap, ingest_scene
from annotator.imagery.inspect import RasterFacts, check_raster, propose_stretch
from annotator.imagery.sources import fetch_source, is_remote, local_files, sources_in
from annotator.models import Project, Scene

logger = logging.getLogger(__name__)

MOST_NAME_LETTERS = 40


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
    )
    record_event(scene, "added", actor=user, to_state=SceneState.PENDING)
    enqueue("ingest_scene", scene.pk)
    return scene


def ingest(scene_id: int) -> None:
    """Turns a waiting scene into a ready one with its patches, or into a failed one with the reason.

    May be called again after a crash: it starts over from the source.
    """
    scene = _start(scene_id)
    if scene is None:
        return
    try:
        facts, cog_name = _make_cog(scene)
        try:
            _finish(scene, facts, cog_name)
        except BaseException:
            (Path(settings.MEDIA_ROOT) / "scenes" / cog_name).unlink(missing_ok=True)
            raise
    except MilpaError as error:
        _fail(scene, error.detail)
    except Exception:
        logger.exception("ingest of scene %s failed", scene_id)
        _fail(
            scene, "The scene could not be prepared. The server's log has the details; try adding it again."
        )
    if scene.source_is_upload:
        Path(scene.source).unlink(missing_ok=True)


@transaction.atomic
def _start(scene_id: int) -> Scene | None:
    scene = Scene.objects.select_for_update().get(pk=scene_id)
    limit = timezone.now() - timedelta(seconds=settings.SCENE_LOST_AFTER_SECONDS)
    is_lost = scene.state == SceneState.INGESTING and scene.changed_at < limit
    if scene.state != SceneState.PENDING and not is_lost:
        return None
    scene.message = "The file is being checked and turned into a COG."
    move(scene, SceneState.INGESTING, SCENE_TRANSITIONS, "ingest started", actor=None, fields=("message",))
    return scene


def _make_cog(scene: Scene) -> tuple[RasterFacts, str]:
    folder = Path(settings.MEDIA_ROOT) / "scenes"
    folder.mkdir(parents=True, exist_ok=True)
    fetched: list[Path] = []
    try:
        files = [Path(scene.source)] if scene.source_is_upload else _files_of(scene, fetched)
        cog_name = f"{scene.project_id}-{scene.pk}-{uuid.uuid4().hex[:8]}.tif"
        facts = ingest_scene(
            *files,
            cog_path=folder / cog_name,
            on_progress=lambda text: _tell(scene, text),
            file_name=_original_name(scene),
        )
        try:
            check_overlap(facts.footprint, scene.project)
        except BadScene:
            (folder / cog_name).unlink()
            raise
        return facts, cog_name
    finally:
        for path in fetched:
            path.unlink(missing_ok=True)


def _files_of(scene: Scene, fetched: list[Path]) -> list[Path]:
    """The files of the scene's source, in its order; those that were brought here are added to ``fetched``."""
    files: list[Path] = []
    for number, named in enumerate(sources_in(scene.source)):
        if not is_remote(named):
            files += local_files(named)
            continue
        brought = Path(settings.MEDIA_ROOT) / "incoming" / f"scene-{scene.pk}-{number}.download"
        brought.parent.mkdir(parents=True, exist_ok=True)
        fetched.append(brought)
        _tell(scene, f"Fetching file {number + 1}.")
        fetch_source(named, brought)
        files.append(brought)
    return files


def _original_name(scene: Scene) -> str:
    """What the file was called before it came here."""
    if scene.source_is_upload:
        return Path(scene.source).name.partition("-")[2]
    first = sources_in(scene.source)[0]
    return Path(unquote(urlsplit(first).path) if is_remote(first) else first).name


def _tell(scene: Scene, text: str) -> None:
    Scene.objects.filter(pk=scene.pk).update(message=text, changed_at=timezone.now())


@transaction.atomic
def _finish(scene: Scene, facts: RasterFacts, cog_name: str) -> None:
    project = lock_project(scene.project_id)
    scene = Scene.objects.select_for_update().get(pk=scene.pk)
    for name in (
        "footprint", "crs", "gsd_m", "band_count", "band_names", "pixel_type", "nodata",
        "width_px", "height_px", "display_bands", "stretch",
    ):  # fmt: skip
        setattr(scene, name, getattr(facts, name))
    scene.cog_name = cog_name
    scene.acquired_on = scene.acquired_on or facts.acquired_on
    scene.message = ""
    if project.patch_zoom is None:
        project.patch_zoom = propose_patch_zoom(facts.gsd_m, facts.footprint.centroid.y)
        project.save(update_fields=["patch_zoom"])
    made = make_patches(project=project, footprint=facts.footprint)
    scene.save()
    move(scene, SceneState.READY, SCENE_TRANSITIONS, "ingested", actor=None, patches_made=made)
    renew_display_copy(scene=scene, user=None)
    enqueue("rank_patches", project.pk)


@transaction.atomic
def _fail(scene: Scene, message: str) -> None:
    scene = Scene.objects.select_for_update().get(pk=scene.pk)
    if scene.state != SceneState.INGESTING:
        return
    scene.message = message
    move(scene, SceneState.FAILED, SCENE_TRANSITIONS, "ingest failed", actor=None, fields=("message",))


@transaction.atomic
def _name_bands(scene: Scene, names: list[str]) -> None:
    names = [name.strip() for name in names]
    if len(names) != scene.band_count:
        raise BadScene(f"The scene has {scene.band_count} bands: name each of them, in their order.")
    if any(len(name) > MOST_NAME_LETTERS for name in names):
        raise BadScene(f"The name of a band has {MOST_NAME_LETTERS} letters at most.")
    scene.band_names = names
    scene.band_names_number += 1


def change_display(
    *,
    scene: Scene,
    user: User,
    display_bands: list[int] | None = None,
    stretch: list[list[float]] | None = None,
    name: str | None = None,
    acquired_on: date | None = None,
    band_names: list[str] | None = None,
) -> Scene:
    """Chooses the bands shown as red, green and blue and the range of values that the display covers.

    Other bands without a stretch get the one that suits them. ``band_names`` are told for all bands, in their order:
    roles such as nir follow from them. Raises BadScene.
    """
    scene = Scene.objects.select_for_update().get(pk=scene.pk)
    if band_names is not None and band_names != list(scene.band_names):
        _name_bands(scene, band_names)
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
    record_event(
        scene,
        "display changed",
        actor=user,
        bands=scene.display_bands,
        stretch=scene.stretch,
        **({"band_names": scene.band_names} if band_names is not None else {}),
    )
    if scene.state == SceneState.READY:
        renew_display_copy(scene=scene, user=user)
    return scene
