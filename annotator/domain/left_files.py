"""Files of scenes and imports that no row names: a killed worker left them, or they have had their time."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from annotator.enums import ACTIVE_JOB_STATES, ACTIVE_SCENE_STATES, SceneState
from annotator.models import DisplayCopy, LabelImport, Scene

# A file that is younger may be on its way into a row.
YOUNG = timedelta(days=1)
# What an ingest and a display copy make; whatever else lies beside them is not ours to remove.
_RASTER = re.compile(r"\d+-\d+-[0-9a-f]{8}(\.display)?\.tif|\.[0-9a-f]{32}\.tif.*")
_WORK = re.compile(r"\.(ingest|display)-(\d+)(-[0-9a-f]{8})?")


def remove_left_files() -> int:
    """Removes rasters, uploads and label files older than a day that no row needs. Returns how many."""
    media = Path(settings.MEDIA_ROOT)
    # Files first: one that a row takes up in between is named by the time rows are read.
    rasters = [path for path in _old(media / "scenes") if _RASTER.fullmatch(path.name)]
    works = [path for path in _old(media / "scenes") if _WORK.fullmatch(path.name)]
    uploads, labels = list(_old(media / "incoming")), list(_old(media / "imports"))
    named = {name for names in Scene.objects.values_list("cog_name", "display_copy_name") for name in names}
    imports = LabelImport.objects.filter(stored_name__in=[path.name for path in labels])
    left = [
        *_without(rasters, named),
        *(path for path in works if not _is_at_work(path.name)),
        *_without(uploads, _wanted_uploads()),
        *_without(labels, imports.values_list("stored_name", flat=True)),
    ]
    for path in left:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(left)


def _old(folder: Path) -> Iterator[Path]:
    limit = (timezone.now() - YOUNG).timestamp()
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            if path.stat().st_mtime < limit:
                yield path
        except FileNotFoundError:
            # Whoever made it removed it meanwhile.
            continue


def _without(paths: Iterable[Path], names: Iterable[str]) -> list[Path]:
    kept = set(names)
    return [path for path in paths if path.name not in kept]


def _wanted_uploads() -> set[str]:
    """Of scenes that are prepared, or may be tried again yet."""
    since = timezone.now() - timedelta(days=settings.EXPORT_KEEP_DAYS)
    ended = Q(state__in=(SceneState.FAILED, SceneState.CANCELLED), changed_at__gte=since)
    rows = Scene.objects.filter(Q(state__in=ACTIVE_SCENE_STATES) | ended, source_is_upload=True)
    return {Path(source).name for source in rows.values_list("source", flat=True)}


def _is_at_work(folder_name: str) -> bool:
    match = _WORK.fullmatch(folder_name)
    assert match is not None, "only such folders are asked about"
    if match[1] == "ingest":
        return Scene.objects.filter(pk=match[2], state=SceneState.INGESTING).exists()
    return DisplayCopy.objects.filter(pk=match[2], state__in=ACTIVE_JOB_STATES).exists()
