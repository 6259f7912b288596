"""Ingest: from a scene's source to its COG, its description and its patches; ended, and tried again."""

from __future__ import annotations

import logging
import shutil
import time
import uuid
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from annotator.domain.dispatch import enqueue
from annotator.domain.display_copies import renew_display_copy
from annotator.domain.events import move, record_event
from annotator.domain.leases import signs_of_life, take_lease
from annotator.domain.locks import lock_project
from annotator.domain.patches import make_patches
from annotator.enums import SCENE_TRANSITIONS, SceneState
from annotator.errors import FileGone, IllegalTransition, MilpaError
from annotator.imagery.grid import propose_patch_zoom
from annotator.imagery.ingest import Tell, check_overlap, ingest_scene, step_of
from annotator.imagery.inspect import RasterFacts
from annotator.imagery.problems import NoOverlap, NoSpaceLeft
from annotator.imagery.sources import fetch_source, is_remote, local_files, sources_in
from annotator.models import Scene

logger = logging.getLogger(__name__)
_TOLD_EVERY_SECONDS = 1.0
# Of a scene that is fetched; how long that takes nobody knows before.
_FETCHING_SHARE = 0.4
# The file itself may be sound.
_WORTH_ANOTHER_TRY = (NoOverlap, NoSpaceLeft)


class _Ended(Exception):
    """Somebody ended the ingest while it ran, or another worker took it up."""


def ingest(scene_id: int) -> None:
    """Turns a waiting scene into a ready one with its patches, or into a failed one with the reason.

    Begins anew from the source where a lost worker left it; what that one made is removed.
    """
    scene = take_lease(
        Scene,
        scene_id,
        waiting=SceneState.PENDING,
        working=(SceneState.INGESTING,),
        becomes=SceneState.INGESTING,
        give_up=_fail,
    )
    if scene is None:
        return
    scene.attempt, scene.percent = uuid.uuid4().hex[:8], 0
    scene.save(update_fields=["attempt", "percent"])
    record_event(scene, "ingest started", actor=None, to_state=SceneState.INGESTING)
    try:
        with signs_of_life(_ours(scene)):
            _ingest(scene)
    except _Ended:
        logger.info("the ingest of scene %s was ended or taken over by somebody", scene_id)
        return
    except MilpaError as error:
        _fail(scene, error.detail)
        if not isinstance(error, _WORTH_ANOTHER_TRY):
            _remove_upload(scene)
    except Exception:
        _fail(scene, "The scene could not be prepared. The worker's log has the details; try again.")
        raise
    else:
        _remove_upload(scene)


@transaction.atomic
def cancel_ingest(*, scene: Scene, user: User) -> Scene:
    """Ends the ingest within seconds; it can be tried again. Raises IllegalTransition."""
    scene = Scene.objects.select_for_update().get(pk=scene.pk)
    if not scene.is_active:
        raise IllegalTransition(
            f"The scene is {scene.get_state_display()}; there is nothing to cancel.", state=scene.state
        )
    scene.message = f"Cancelled at {scene.percent} %."
    move(scene, SceneState.CANCELLED, SCENE_TRANSITIONS, "cancelled", actor=user, fields=("message",))
    return scene


@transaction.atomic
def retry_ingest(*, scene: Scene, user: User) -> Scene:
    """Sends a scene that failed or was cancelled to a worker again.

    Raises IllegalTransition for one in another state, FileGone where its file was uploaded and is not kept any more.
    """
    scene = Scene.objects.select_for_update().get(pk=scene.pk)
    if scene.state not in (SceneState.FAILED, SceneState.CANCELLED):
        raise IllegalTransition(
            f"The scene is {scene.get_state_display()}; only one that failed or was cancelled is tried again.",
            state=scene.state,
        )
    if not scene.can_be_tried_again:
        raise FileGone("The file that was uploaded is not kept any more. Add the scene again.")
    scene.message, scene.percent, scene.takeovers, scene.furthest = "", 0, 0, 0
    scene.heartbeat_at = timezone.now()
    changed = ("message", "percent", "takeovers", "furthest", "heartbeat_at")
    move(scene, SceneState.PENDING, SCENE_TRANSITIONS, "tried again", actor=user, fields=changed)
    enqueue("ingest_scene", scene.pk)
    return scene


def _ours(scene: Scene) -> QuerySet[Scene]:
    """The row, as long as the ingest is this worker's."""
    return Scene.objects.filter(pk=scene.pk, attempt=scene.attempt, state=SceneState.INGESTING)


def _ingest(scene: Scene) -> None:
    folder = Path(settings.MEDIA_ROOT) / "scenes"
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f".ingest-{scene.pk}-*"):
        shutil.rmtree(left, ignore_errors=True)
    # Named after the attempt: a worker that was taken for lost may still be at work beside it.
    work = folder / f".ingest-{scene.pk}-{scene.attempt}"
    work.mkdir()
    cog = folder / f"{scene.project_id}-{scene.pk}-{scene.attempt}.tif"
    try:
        facts = _make_cog(scene, cog, work)
        check_overlap(facts.footprint, scene.project)
        _finish(scene, facts, cog.name)
    except BaseException:
        cog.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _make_cog(scene: Scene, cog: Path, work: Path) -> RasterFacts:
    tell = _teller(scene)
    named = [] if scene.source_is_upload else sources_in(scene.source)
    fetching = _FETCHING_SHARE if any(is_remote(one) for one in named) else 0.0
    files = [Path(scene.source)] if scene.source_is_upload else []
    for number, one in enumerate(named):
        if not is_remote(one):
            files += local_files(one)
            continue
        files.append(work / f"{number}.download")
        text, share = f"Fetching file {number + 1} of {len(named)}.", fetching / len(named)
        fetch_source(one, files[-1], step_of(tell, text, number * share, share))
    return ingest_scene(
        *files,
        cog_path=cog,
        work_folder=work,
        on_progress=lambda text, share: tell(text, fetching + (1 - fetching) * share),
        file_name=_original_name(scene),
    )


def _original_name(scene: Scene) -> str:
    """What the file was called before it came here."""
    if scene.source_is_upload:
        return Path(scene.source).name.partition("-")[2]
    first = sources_in(scene.source)[0]
    return Path(unquote(urlsplit(first).path) if is_remote(first) else first).name


def _teller(scene: Scene) -> Tell:
    """Writes each step, its share about once a second, and the heartbeat; raises _Ended when it is not ours."""
    last: tuple[str, float] = ("", 0.0)

    def tell(text: str, share: float) -> None:
        nonlocal last
        now = time.monotonic()
        if text == last[0] and now - last[1] < _TOLD_EVERY_SECONDS:
            return
        last = text, now
        if not _ours(scene).update(message=text, percent=int(share * 100), heartbeat_at=timezone.now()):
            raise _Ended

    return tell


@transaction.atomic
def _finish(scene: Scene, facts: RasterFacts, cog_name: str) -> None:
    project = lock_project(scene.project_id)
    found = _ours(scene).select_for_update().first()
    if found is None:
        raise _Ended
    scene = found
    for name in (
        "footprint", "crs", "gsd_m", "band_count", "band_names", "pixel_type", "nodata",
        "width_px", "height_px", "display_bands", "stretch",
    ):  # fmt: skip
        setattr(scene, name, getattr(facts, name))
    scene.cog_name = cog_name
    scene.acquired_on = scene.acquired_on or facts.acquired_on
    scene.message, scene.percent = "", 100
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
    found = _ours(scene).select_for_update().first()
    if found is None:
        return
    found.message = message
    move(found, SceneState.FAILED, SCENE_TRANSITIONS, "ingest failed", actor=None, fields=("message",))


def _remove_upload(scene: Scene) -> None:
    if scene.source_is_upload:
        Path(scene.source).unlink(missing_ok=True)
