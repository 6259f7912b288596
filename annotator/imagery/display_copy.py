"""A scene's display copy: a COG in Web Mercator whose blocks are the scene's map tiles, as they are sent."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from affine import Affine
from PIL import Image
from rasterio import open as open_dataset
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from annotator.imagery.cog import Progress, write_cog
from annotator.imagery.grid import TILE_PX

#: Draws the scene on the tile x, y, z in so many pixels a side; None where there is nothing of it.
Draw = Callable[[int, int, int, int], Image.Image | None]

WORLD_SIDE_M = 2 * math.pi * 6_378_137
MAX_LEVELS = 12

# Tiles are drawn sixteen at a time: what drawing costs beside the pixels is then paid once for all of them.
_LEVELS_AT_ONCE = 2
_DRAWING_SHARE = 0.4
# Without these, an overview's blocks would not be the tiles of its zoom level, or not be whole WebP images.
_COG_OPTIONS: dict[str, object] = {
    "BLOCKSIZE": TILE_PX,
    "COMPRESS": "WEBP",
    "QUALITY": "80",
    "OVERVIEWS": "IGNORE_EXISTING",
    "OVERVIEW_RESAMPLING": "AVERAGE",
    "SPARSE_OK": "TRUE",
    "BIGTIFF": "IF_SAFER",
    "NUM_THREADS": "ALL_CPUS",
}

_Range = tuple[int, int, int, int]


def write_display_copy(
    draw: Draw,
    bounds_m: tuple[float, float, float, float],
    zoom: int,
    target: Path,
    *,
    work_folder: Path,
    on_progress: Progress,
) -> None:
    """Writes the tiles of that zoom, and of the levels above it until a few hold all, as a COG of WebP blocks.

    ``bounds_m`` are west, south, east and north in Web Mercator metres.
    It needs memory for a few tiles, and in ``work_folder``, which is emptied first and removed at the end, the room
    of the uncompressed pixels at most. ``target`` appears whole or not at all.
    """
    shutil.rmtree(work_folder, ignore_errors=True)
    work_folder.mkdir(parents=True)
    try:
        tiles, levels = _aligned(_tiles_of(bounds_m, zoom), zoom)
        drawn, unfinished = work_folder / "drawn.tif", work_folder / "copy.tif"
        _draw_all(draw, tiles, zoom, drawn, lambda share: on_progress(share * _DRAWING_SHARE))
        write_cog(
            str(drawn),
            "GTiff",
            unfinished,
            _COG_OPTIONS | {"OVERVIEW_COUNT": levels},
            lambda share: on_progress(_DRAWING_SHARE + share * (1 - _DRAWING_SHARE)),
        )
        unfinished.replace(target)
    finally:
        shutil.rmtree(work_folder, ignore_errors=True)


def _tiles_of(bounds_m: tuple[float, float, float, float], zoom: int) -> _Range:
    """First column and row, and the ones after the last."""
    west, south, east, north = bounds_m
    tile_m, half = WORLD_SIDE_M / 2**zoom, WORLD_SIDE_M / 2
    edges = ((west + half) / tile_m, (half - north) / tile_m, (east + half) / tile_m, (half - south) / tile_m)
    first, last = (max(0, math.floor(edge)) for edge in edges[:2]), (math.ceil(edge) for edge in edges[2:])
    left, top, right, bottom = *first, *(min(2**zoom, edge) for edge in last)
    return left, top, right, bottom


def _aligned(tiles: _Range, zoom: int) -> tuple[_Range, int]:
    """The tiles filled up to whole ancestors, two by two at most, and how many levels above those are."""
    levels = 0
    while (
        levels < min(zoom, MAX_LEVELS)
        and max(((tiles[i + 2] - 1) >> levels) - (tiles[i] >> levels) for i in (0, 1)) > 1
    ):
        levels += 1
    # Whole groups are drawn, so that each tile is drawn once.
    levels = max(levels, min(zoom, _LEVELS_AT_ONCE))
    left, top = (tiles[i] >> levels << levels for i in (0, 1))
    right, bottom = (((tiles[i] - 1 >> levels) + 1) << levels for i in (2, 3))
    return (left, top, right, bottom), levels


def _draw_all(draw: Draw, tiles: _Range, zoom: int, target: Path, on_progress: Progress) -> None:
    left, top, right, bottom = tiles
    px_m = WORLD_SIDE_M / TILE_PX / 2**zoom
    origin = (left * TILE_PX * px_m - WORLD_SIDE_M / 2, WORLD_SIDE_M / 2 - top * TILE_PX * px_m)
    with open_dataset(
        target,
        "w",
        driver="GTiff",
        width=(right - left) * TILE_PX,
        height=(bottom - top) * TILE_PX,
        count=4,
        dtype="uint8",
        crs="EPSG:3857",
        transform=Affine(px_m, 0, origin[0], 0, -px_m, origin[1]),
        tiled=True,
        blockxsize=TILE_PX,
        blockysize=TILE_PX,
        interleave="pixel",
        photometric="RGB",
        compress="LZW",
        bigtiff="IF_SAFER",
        sparse_ok=True,
    ) as dataset:
        dataset.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
        groups = list(_groups(tiles, min(zoom, _LEVELS_AT_ONCE)))
        for done, (x, y, up) in enumerate(groups):
            on_progress(done / len(groups))
            size_px = TILE_PX << up
            picture = draw(x, y, zoom - up, size_px)
            if picture is not None:
                place = Window(((x << up) - left) * TILE_PX, ((y << up) - top) * TILE_PX, size_px, size_px)
                dataset.write(np.asarray(picture.convert("RGBA")).transpose(2, 0, 1), window=place)


def _groups(tiles: _Range, up: int) -> Iterator[tuple[int, int, int]]:
    left, top, right, bottom = (edge >> up for edge in tiles)
    for y in range(top, bottom):
        for x in range(left, right):
            yield x, y, up
