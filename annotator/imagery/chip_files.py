"""The chips of an export on their way back: a ZIP of one indexed PNG a patch, called by its quadkey."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from annotator.errors import BadLabels
from annotator.imagery.grid import QUAD, quadkey, tile_of
from annotator.imagery.labels import SIZE_PX
from annotator.imagery.zip_files import check_unpacked, open_zip

# A mask of random values takes 66 kB.
MAX_CHIP_BYTES = 2**18
MAX_LEGEND_BYTES = 2**18
MAX_WORLD_FILE_BYTES = 2**12
_CHIP = re.compile(r"(?P<folder>.*/|)masks/(?P<key>[^/]+)\.png", re.IGNORECASE)

Values = NDArray[np.uint8]
Legend = Mapping[int, tuple[str, bytes]]


class _Unusable(Exception):
    """The reason why a chip is left out."""


@dataclass(frozen=True)
class Chips:
    """``entries``: the usable chips by quadkey, all of one zoom. ``legend``: name and colour of the values that
    `legend.csv` tells of. ``counts``: how many pixels have each value. ``dropped``: chips left out, by reason."""

    path: Path
    entries: Mapping[str, zipfile.ZipInfo]
    legend: Legend
    counts: Mapping[int, int]
    dropped: Mapping[str, int]

    def name_of(self, value: int) -> str:
        """What the value is called: as the legend has it, else by its number."""
        if not self.legend:
            return str(value)
        return self.legend[value][0] if value in self.legend else f"value {value}"


class ChipReader:
    """Reads chips one at a time, out of an archive that stays open as long as the reader is held."""

    def __init__(self, chips: Chips) -> None:
        self._chips = chips
        self._archive = zipfile.ZipFile(chips.path)

    def tile(self, x: int, y: int, z: int) -> Values | None:
        """The values, uint8 ``(256, 256)``, of the tile's chip; None without one."""
        entry = self._chips.entries.get(quadkey(x, y, z))
        return None if entry is None else _values(self._archive, entry, self._chips.legend)


def has_chips(path: Path) -> bool:
    """Whether a ZIP holds PNGs in a folder ``masks``, and no Shapefile."""
    with open_zip(path) as archive:
        names = archive.namelist()
    is_shapefile = any(name.lower().endswith(".shp") for name in names)
    return not is_shapefile and any(map(_CHIP.fullmatch, names))


def open_chips(path: Path) -> Chips:
    """The chips of a ZIP, each read once and let go again. Raises BadLabels for an archive of which nothing can be
    used, and for one whose parts contradict each other."""
    with open_zip(path) as archive:
        found, folder = _found(archive)
        by_name = {entry.filename: entry for entry in archive.infolist()}
        placed = {key: by_name.get(entry.filename[:-3] + "pgw") for key, entry in found.items()}
        legend_entry = by_name.get(f"{folder}legend.csv")
        check_unpacked([*found.values(), *(e for e in [legend_entry, *placed.values()] if e is not None)])
        legend = _legend(archive, legend_entry) if legend_entry is not None else {}
        counts = np.zeros(256, np.int64)
        dropped: Counter[str] = Counter()
        usable = {}
        for key, entry in found.items():
            try:
                _check_name(key, archive, placed[key])
                values = _values(archive, entry, legend)
            except _Unusable as reason:
                dropped[str(reason)] += 1
            else:
                usable[key] = entry
                counts += np.bincount(values.ravel(), minlength=256)
    if not usable:
        told = "; ".join(f"{count} of them: {reason}" for reason, count in dropped.items())
        raise BadLabels(f"None of the chips in the ZIP can be used ({told}). Export them again.")
    if len(zooms := sorted({len(key) for key in usable})) > 1:
        raise BadLabels(
            f"The ZIP has chips of the zooms {', '.join(map(str, zooms))}. Bring those of one zoom at a time."
        )
    return Chips(
        path, usable, legend, {value: int(counts[value]) for value in np.flatnonzero(counts)}, dropped
    )


def _found(archive: zipfile.ZipFile) -> tuple[dict[str, zipfile.ZipInfo], str]:
    """The chips by what they are called, and the folder in the archive that they and their legend lie in."""
    found: dict[str, zipfile.ZipInfo] = {}
    folders = set()
    for entry in archive.infolist():
        match = _CHIP.fullmatch(entry.filename)
        if match is None or "__MACOSX" in entry.filename:
            continue
        if match["key"] in found:
            raise BadLabels(f"The ZIP has more than one mask called “{match['key']}”. Leave one of them out.")
        found[match["key"]] = entry
        folders.add(match["folder"])
    if len(folders) > 1:
        raise BadLabels(f"The ZIP has {len(folders)} folders with masks. Bring them one at a time.")
    return found, folders.pop()


def _legend(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Legend:
    """Name and colour of each value."""
    try:
        text = _content(archive, entry, MAX_LEGEND_BYTES).decode("utf-8-sig")
        rows = {
            int(row["value"]): (row["name"].strip(), bytes.fromhex(row["color"].strip().removeprefix("#")))
            for row in csv.DictReader(io.StringIO(text))
        }
    except (_Unusable, UnicodeDecodeError, ValueError, KeyError, AttributeError, csv.Error) as error:
        raise BadLabels(
            f"`legend.csv` cannot be read ({error!r}). Its columns are value, name and color, as exports write them. "
            "Leave it out to tell classes by their values."
        ) from error
    if any(not 0 <= value <= 255 or not name or len(color) != 3 for value, (name, color) in rows.items()):
        raise BadLabels(
            "`legend.csv` has a value beyond 0 to 255, a class without a name, or a colour other than #rrggbb. "
            "Put it right, or leave it out to tell classes by their values."
        )
    return rows


def _check_name(key: str, archive: zipfile.ZipFile, world_file: zipfile.ZipInfo | None) -> None:
    """Raises `_Unusable` for a chip that no tile is called like, and for one that says that it lies elsewhere."""
    # As deep as tiles of any map go.
    if set(key) - set("0123") or len(key) > 30:
        raise _Unusable("it is not called by a quadkey")
    if world_file is None:
        return
    west, _, east, north = QUAD.xy_bounds(*tile_of(key))
    size_m = (east - west) / SIZE_PX
    expected = [size_m, 0, 0, -size_m, west + size_m / 2, north - size_m / 2]
    try:
        told = [float(line) for line in _content(archive, world_file, MAX_WORLD_FILE_BYTES).split()]
        is_there = np.allclose(told, expected, rtol=0, atol=size_m / 1000)
    except ValueError:
        is_there = False
    if not is_there:
        raise _Unusable("its world file places it elsewhere than its name does")


def _values(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, legend: Legend) -> Values:
    content = _content(archive, entry, MAX_CHIP_BYTES)
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            if image.size != (SIZE_PX, SIZE_PX):
                raise _Unusable(f"it is not {SIZE_PX} × {SIZE_PX} px")
            if image.mode not in ("P", "L"):
                raise _Unusable(
                    "its pixels are no numbers of classes: it is neither indexed nor grey of 8 bits"
                )
            palette = bytes(image.getpalette() or ()) if image.mode == "P" else b""
            values = np.asarray(image, np.uint8)
    # Pillow says SyntaxError of chunks that are cut off or wrong.
    except (OSError, SyntaxError, ValueError) as error:
        raise _Unusable("it is damaged, or no PNG") from error
    for value in np.flatnonzero(np.bincount(values.ravel(), minlength=256)).tolist() if palette else ():
        if value in legend and palette[3 * value : 3 * value + 3] != legend[value][1]:
            raise _Unusable("its palette is not that of legend.csv: its classes were numbered anew")
    return values


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit_bytes: int) -> bytes:
    """The file unpacked; of one that says that it is larger than the limit nothing is read."""
    if entry.file_size > limit_bytes:
        raise _Unusable(f"it is larger than {limit_bytes // 1024} kB")
    with archive.open(entry) as packed:
        return packed.read(limit_bytes)
