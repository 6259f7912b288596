"""Open files of scenes, kept by each thread: opening one takes longer than reading a tile from it."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from rasterio.env import set_gdal_config

OPEN_OPTIONS = {
    # Looking for files beside the COG costs more than reading from it.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    # Values and mask are read one after the other; without its block cache GDAL would warp the tile twice.
    "GDAL_VRT_WARP_USE_DATASET_RASTERIO": "NO",
}

_FILES_PER_THREAD = 16
_BLOCK_CACHE_BYTES = 256 * 2**20

# Unless told otherwise, GDAL's cache of unpacked blocks takes a share of the machine's memory in each process.
if "GDAL_CACHEMAX" not in os.environ:
    set_gdal_config("GDAL_CACHEMAX", _BLOCK_CACHE_BYTES)


class Closable(Protocol):
    """What can be closed."""

    def close(self) -> None: ...


HandleT = TypeVar("HandleT", bound=Closable)


class Handles(threading.local, Generic[HandleT]):
    """The files that a thread read last; GDAL's handles must not be shared between threads."""

    def __init__(self, opened: Callable[[Path], HandleT]) -> None:
        self._opened = opened
        self._kept: OrderedDict[tuple[str | int, ...], HandleT] = OrderedDict()

    def of(self, path: Path) -> HandleT:
        """The file's handle, opened anew where the file was replaced. Raises what opening it raises."""
        status = os.stat(path)
        # A file that was replaced needs a new handle, and so does a forked process.
        key = (str(path), status.st_ino, status.st_mtime_ns, os.getpid())
        handle = self._kept.pop(key, None) or self._opened(path)
        self._kept[key] = handle
        if len(self._kept) > _FILES_PER_THREAD:
            self._kept.popitem(last=False)[1].close()
        return handle
