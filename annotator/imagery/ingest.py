"""From a raster file to the Cloud-Optimized GeoTIFF that tiles are read from."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from django.contrib.gis.geos import MultiPolygon
from rasterio import open as open_dataset
from rasterio.enums import ColorInterp
from rasterio.env import Env
from rasterio.io import DatasetReader, MemoryFile
from rasterio.shutil import copy as copy_raster
from rio_cogeo.cogeo import cog_validate

from annotator.enums import SceneState
from annotator.imagery.inspect import RasterFacts, check_raster, guess_acquired_on, inspect_raster
from annotator.imagery.mosaic import open_mosaic
from annotator.imagery.opening import open_raster, sample_windows
from annotator.imagery.problems import NoOverlap, NoSpaceLeft
from annotator.models import Project

BLOCK_PX = 256

# Room that is left to the database and to other scenes.
_SPARE_BYTES = 64 * 2**20


def ingest_scene(
    *paths: Path, cog_path: Path, on_progress: Callable[[str], None], file_name: str = ""
) -> RasterFacts:
    """Makes the scene's COG at ``cog_path`` and tells what it holds.

    Several files become one mosaic. The grid and the values stay the source's; a file that is a COG already is
    copied as it is. ``on_progress`` gets a sentence at each step. ``file_name`` is what the first file was called
    before it came here, in which there may be a date. The COG appears whole or not at all, so the call can be
    repeated. Raises `BadScene`, each kind with its own code and remedy.
    """
    for number, path in enumerate(paths, start=1):
        on_progress(f"Checking file {number} of {len(paths)}." if len(paths) > 1 else "Checking the file.")
        check_raster(path)
    with disk_full_told(cog_path, sum(path.stat().st_size for path in paths)):
        cog_path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = cog_path.with_name(f".{uuid.uuid4().hex}.tif")
        try:
            with open_raster(paths[0]) if len(paths) == 1 else open_mosaic(paths) as source:
                acquired_on = guess_acquired_on(source, file_name or paths[0].name)
                meanings = _meanings(source)
                on_progress("Reading every pixel once.")
                _read_all(source)
                if meanings == source.colorinterp and len(paths) == 1 and _is_tiled_cog(paths[0], source):
                    shutil.copyfile(paths[0], unfinished)
                else:
                    on_progress("Making tiles and overviews of it.")
                    _convert(source, meanings, unfinished)
            on_progress("Looking at the pixels.")
            facts = inspect_raster(unfinished)
            unfinished.replace(cog_path)
        finally:
            unfinished.unlink(missing_ok=True)
    return dataclasses.replace(facts, acquired_on=acquired_on)


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


def _read_all(source: DatasetReader) -> None:
    # Damage in the middle shows only here; a copy would carry it along, and a conversion fails on it with an
    # error that does not tell it from a full disk.
    for band in source.indexes:
        source.checksum(band)


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


def _convert(source: DatasetReader, meanings: tuple[ColorInterp, ...], target: Path) -> None:
    if meanings == source.colorinterp:
        _write_cog(source, target)
        return
    # By way of a virtual file in memory, as the meanings of the bands cannot be changed in somebody's file.
    with MemoryFile(ext=".vrt") as memory:
        copy_raster(source, memory.name, driver="VRT")
        with open_dataset(memory.name, "r+") as described:
            described.colorinterp = meanings
        with open_dataset(memory.name) as described:
            _write_cog(described, target)


def _write_cog(source: DatasetReader, target: Path) -> None:
    try:
        with Env(GDAL_TIFF_INTERNAL_MASK=True):
            copy_raster(
                source,
                target,
                driver="COG",
                COMPRESS="DEFLATE",
                PREDICTOR="YES",
                BLOCKSIZE=BLOCK_PX,
                OVERVIEW_RESAMPLING="AVERAGE",
                BIGTIFF="IF_SAFER",
                NUM_THREADS="ALL_CPUS",
            )
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
