"""Tiles out of a display copy: the bytes of its own blocks, found by GDAL and read without it."""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from pathlib import Path

from rasterio import open as open_dataset
from rasterio.errors import RasterioIOError

from annotator.imagery.display_copy import WORLD_SIDE_M
from annotator.imagery.grid import TILE_PX

#: A block that nothing lies in, which the copy does not hold.
EMPTY = b""

_PLACES_KEPT = 16_384
_COPIES_KEPT = 16


class _Copy:
    """An open display copy: which zoom levels it has, and where its blocks lie in the file.

    The threads of a process share it: GDAL is asked by one at a time, and only where a block lies.
    """

    _file = -1

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)
        self._dataset = open_dataset(path)
        tile_m = self._dataset.transform.a * TILE_PX
        self._zoom = round(math.log2(WORLD_SIDE_M / tile_m))
        self._left = round((self._dataset.transform.c + WORLD_SIDE_M / 2) / tile_m)
        self._top = round((WORLD_SIDE_M / 2 - self._dataset.transform.f) / tile_m)
        self._cols, self._rows = self._dataset.width // TILE_PX, self._dataset.height // TILE_PX
        self._levels = len(self._dataset.overviews(1))
        self._places: dict[tuple[int, int, int], tuple[int, int]] = {}
        self._asking = threading.Lock()

    def block(self, x: int, y: int, z: int) -> bytes | None:
        up = self._zoom - z
        if not 0 <= up <= self._levels:
            return None
        col, row = x - (self._left >> up), y - (self._top >> up)
        if not (0 <= col < self._cols >> up and 0 <= row < self._rows >> up):
            return EMPTY
        offset, length = self._place(col, row, up)
        return os.pread(self._file, length, offset) if length else EMPTY

    def _place(self, col: int, row: int, up: int) -> tuple[int, int]:
        key = (col, row, up)
        place = self._places.get(key)
        if place is None:
            # An overview is named here: opened by itself, it would tell the places of full resolution.
            level = {"ovr": up - 1} if up else {}
            with self._asking:
                offset, length = (
                    self._dataset.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=1, **level)
                    for what in ("OFFSET", "SIZE")
                )
            place = (int(offset or 0), int(length or 0))
            if len(self._places) >= _PLACES_KEPT:
                self._places.clear()
            self._places[key] = place
        return place

    def __del__(self) -> None:
        # Not when it leaves the cache: another thread may be reading from it.
        if self._file >= 0:
            os.close(self._file)


_copies: OrderedDict[tuple[str | int, ...], _Copy] = OrderedDict()
_opening = threading.Lock()


def block_of(path: Path, x: int, y: int, z: int) -> bytes | None:
    """The tile as the WebP image that the copy holds, `EMPTY` where nothing is; None beyond its zoom levels.

    None, too, when the copy cannot be read: the scene itself can still be drawn.
    """
    try:
        return _copy_at(path).block(x, y, z)
    except (OSError, RasterioIOError):
        return None


def _copy_at(path: Path) -> _Copy:
    status = os.stat(path)
    # A file that was replaced is another one, and a forked process needs handles of its own.
    key = (str(path), status.st_ino, status.st_mtime_ns, os.getpid())
    copy = _copies.get(key)
    if copy is None:
        with _opening:
            copy = _copies.setdefault(key, _Copy(path))
            while len(_copies) > _COPIES_KEPT:
                _copies.popitem(last=False)
    return copy
