"""From a raster file to the Cloud-Optimized GeoTIFF that tiles are read from."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from django.contrib.gis.geos import MultiPolygon
from rasterio import open as open_dataset
from rasterio.enums import ColorInterp, Interleaving
from rasterio.env import Env
from rasterio.io import DatasetReader, MemoryFile
from rasterio.shutil import copy as copy_raster
from rasterio.windows import Window
from rio_cogeo.cogeo import cog_validate

from annotator.enums import SceneState
from annotator.imagery.cog import Progress, write_cog
from annotator.imagery.inspect import RasterFacts, check_raster, guess_acquired_on, inspect_raster
from annotator.imagery.mosaic import open_mosaic
from annotator.imagery.opening import open_raster, sample_windows
from annotator.imagery.problems import NoOverlap, NoSpaceLeft
from annotator.models import Project

#: Told what is being done, and the share of all that is done, from 0 to 1; what it raises ends the work.
Tell = Callable[[str, float], None]

BLOCK_PX = 256

# Room that is left to the database and to other scenes.
_SPARE_BYTES = 64 * 2**20
# Of the time that a conversion takes, of which reading, decoding only, is the smaller part.
_READING_SHARE = 0.3
_WRITING_SHARE = 0.65
# Little beside GDAL's own cache, and many lines or tiles at once.
_READ_BYTES = 16 * 2**20
_COG_OPTIONS: dict[str, object] = {
    "COMPRESS": "DEFLATE",
    "PREDICTOR": "YES",
    "BLOCKSIZE": BLOCK_PX,
    "OVERVIEW_RESAMPLING": "AVERAGE",
    "BIGTIFF": "IF_SAFER",
    "NUM_THREADS": "ALL_CPUS",
}


def ingest_scene(
    *paths: Path, cog_path: Path, work_folder: Path, on_progress: Tell, file_name: str = ""
) -> RasterFacts:
    """Makes the scene's COG at ``cog_path`` and tells what it holds.

    Several files become one mosaic. The grid and the values stay the source's; a file that is a COG already is
    copied as it is. ``on_progress`` gets a sentence at each step, and it again as the step goes on. ``file_name``
    is what the first file was called before it came here, in which there may be a date. What is unfinished lies in
    ``work_folder``, on the same disk; the COG appears whole or not at all, so the call can be repeated. It needs
    memory for a few blocks. Raises `BadScene`, each kind with its own code and remedy.
    """
    for number, path in enumerate(paths, start=1):
        on_progress(
            f"Checking file {number} of {len(paths)}." if len(paths) > 1 else "Checking the file.", 0.0
        )
        check_raster(path)
    with disk_full_told(cog_path, sum(path.stat().st_size for path in paths)):
        for folder in (cog_path.parent, work_folder):
            folder.mkdir(parents=True, exist_ok=True)
        unfinished = work_folder / "cog.tif"
        with open_raster(paths[0]) if len(paths) == 1 else open_mosaic(paths) as source:
            acquired_on = guess_acquired_on(source, file_name or paths[0].name)
            meanings = _meanings(source)
            _read_all(source, step_of(on_progress, "Reading every pixel once.", 0, _READING_SHARE))
            if meanings == source.colorinterp and len(paths) == 1 and _is_tiled_cog(paths[0], source):
                _copy(
                    paths[0], unfinished, step_of(on_progress, "Copying it.", _READING_SHARE, _WRITING_SHARE)
                )
            else:
                step = step_of(
                    on_progress, "Making tiles and overviews of it.", _READING_SHARE, _WRITING_SHARE
                )
                _convert(source, meanings, unfinished, step)
        on_progress("Looking at the pixels.", _READING_SHARE + _WRITING_SHARE)
        facts = inspect_raster(unfinished)
        unfinished.replace(cog_path)
    return dataclasses.replace(facts, acquired_on=acquired_on)


def step_of(tell: Tell, text: str, start: float, share: float) -> Progress:
    """Tells of a step that begins at ``start`` and is ``share`` of the whole."""
    tell(text, start)
    return lambda done: tell(text, start + share * done)


def check_overlap(footprint: MultiPolygon, project: Project) -> None:
    """Raises NoOverlap for a scene away from the project's area of interest or, without one, from its scenes."""
    if project.area_of_interest:
        if not project.area_of_interest.intersects(footprint):
            raise NoOverlap(
                "The scene does not overlap the project's area of interest. Choose a scene of that area, or "
                "draw the area anew."
            )
        return
    ready = project.scenes.filter(state=SceneState.READY)
    if ready.exists() and not ready.filter(footprint__intersects=footprint).exists():
        raise NoOverlap(
            "The scene does not overlap the project's other scenes. Make a project for the other place, or "
            "draw an area of interest that covers both."
        )


def _is_tiled_cog(path: Path, source: DatasetReader) -> bool:
    if source.driver != "GTiff":
        return False
    is_valid, _, warnings = cog_validate(path, quiet=True)
    # A small file may pass without tiles; larger blocks than this make every tile slow; and what lies in
    # files beside it (a mask, a nodata value) would not come along.
    return (
        is_valid and not warnings and max(source.block_shapes[0]) <= 2 * BLOCK_PX and len(source.files) == 1
    )


def _read_all(source: DatasetReader, on_progress: Progress) -> None:
    # Damage in the middle shows only here; a copy would carry it along, and a conversion fails on it with an
    # error that does not tell it from a full disk.
    windows = list(_windows(source))
    # What lies together is decoded together.
    is_apart = source.interleaving in (Interleaving.band, Interleaving.line)
    parts = [[band] for band in source.indexes] if is_apart else [list(source.indexes)]
    for done, (bands, window) in enumerate((bands, window) for bands in parts for window in windows):
        on_progress(done / (len(windows) * len(parts)))
        source.read(bands, window=window)


def _windows(source: DatasetReader) -> Iterator[Window]:
    """The raster in parts of whole blocks where they are small, of some lines of one where it is large."""
    rows, cols = source.block_shapes[0]
    pixel_bytes = sum(np.dtype(dtype).itemsize for dtype in source.dtypes)
    cols = min(source.width, cols * max(1, _READ_BYTES // (pixel_bytes * rows * cols)))
    at_once = max(1, _READ_BYTES // (pixel_bytes * cols))
    rows = min(source.height, at_once // rows * rows or at_once)
    for top in range(0, source.height, rows):
        for left in range(0, source.width, cols):
            yield Window(left, top, min(cols, source.width - left), min(rows, source.height - top))


def _copy(source: Path, target: Path, on_progress: Progress) -> None:
    size_bytes = source.stat().st_size
    with source.open("rb") as given, target.open("wb") as copied:
        while part := given.read(_READ_BYTES):
            copied.write(part)
            on_progress(min(1.0, copied.tell() / size_bytes))


def _meanings(source: DatasetReader) -> tuple[ColorInterp, ...]:
    """What each band means, with doubtful alpha bands taken for what they are: one more band.

    Many programs, GDAL among them, call the fourth of four 8-bit bands transparency when it is near infrared.
    Real transparency is nearly everywhere all or nothing, and needs no nodata value beside it.
    """
    meanings = list(source.colorinterp)
    for band, meaning in zip(source.indexes, source.colorinterp, strict=True):
        if meaning != ColorInterp.alpha:
            continue
        name = (source.descriptions[band - 1] or "alpha").lower()
        is_named_otherwise = not any(word in name for word in ("alpha", "mask", "transparen"))
        if source.nodata is not None or is_named_otherwise or not _is_all_or_nothing(source, band):
            meanings[band - 1] = ColorInterp.undefined
    return tuple(meanings)


def _is_all_or_nothing(source: DatasetReader, band: int) -> bool:
    values = np.concatenate(
        [source.read(band, window=window).ravel() for window in sample_windows(source, band)]
    )
    return bool(np.isin(values, (0, values.max())).mean() > 0.9)


def _convert(
    source: DatasetReader, meanings: tuple[ColorInterp, ...], target: Path, on_progress: Progress
) -> None:
    if meanings == source.colorinterp:
        _write(source.name, source.driver, target, on_progress)
        return
    # By way of a virtual file in memory, as the meanings of the bands cannot be changed in somebody's file.
    with MemoryFile(ext=".vrt") as memory:
        copy_raster(source, memory.name, driver="VRT")
        with open_dataset(memory.name, "r+") as described:
            described.colorinterp = meanings
        _write(memory.name, "VRT", target, on_progress)


def _write(source: str, driver: str, target: Path, on_progress: Progress) -> None:
    try:
        with Env(GDAL_TIFF_INTERNAL_MASK=True):
            write_cog(source, driver, target, _COG_OPTIONS, on_progress)
    except Exception as error:
        if _free_bytes(target.parent) < _SPARE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise


@contextmanager
def disk_full_told(cog_path: Path, needed_bytes: int) -> Iterator[None]:
    """Refuses to begin without room for another copy of the file, and tells of a disk that fills up later."""
    sentence = (
        "There is not enough space left on the server for this scene. Ask the operator to make room on the "
        "disk of MILPA_MEDIA, then add the scene again."
    )
    if _free_bytes(cog_path) < needed_bytes + _SPARE_BYTES:
        raise NoSpaceLeft(sentence)
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise NoSpaceLeft(sentence) from error


def _free_bytes(path: Path) -> int:
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    return shutil.disk_usage(existing).free
