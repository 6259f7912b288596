"""Labels that exist already, opened and checked: polygons, label rasters, chips and COCO, on the one grid."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from annotator.errors import BadLabels
from annotator.imagery.chip_files import ChipReader, Chips, has_chips, open_chips
from annotator.imagery.coco_masks import Encoded, decoded, encoded
from annotator.imagery.grid import quadkey
from annotator.imagery.label_rasters import look_at_raster
from annotator.imagery.labels import SIZE_PX, read_label_tile
from annotator.imagery.vector_files import VECTOR_SUFFIXES, Reading, VectorLabels, read_vectors

RASTER_SUFFIXES = (".tif", ".tiff")
MAX_COCO_BYTES = 128 * 2**20
ALL = ""
"""The attribute that every file has, with one value: whatever is labelled at all."""
NOTHING = -1
"""The code of pixels that the file has no label for."""

Codes = NDArray[np.int32]
# ``(x, y, z)`` of a tile to the codes of its pixels, and where the file covers it.
ReadTile = Callable[[int, int, int], tuple[Codes, NDArray[np.bool_]]]


@dataclass(frozen=True)
class LabelFile:
    """``attributes``: how often each value of each attribute is met. ``dropped``: how many features were left out
    by the reason why, ``repaired`` those that were put right. ``of`` gives the reader of one attribute, whose codes
    count its values in order; polygons may be wanted with an outline of so many pixels, whose code is one more.
    """

    kind: str
    attributes: Mapping[str, Mapping[str, int]]
    of: Callable[[str, int], ReadTile]
    dropped: Mapping[str, int] = field(default_factory=dict)
    repaired: int = 0
    is_filled: bool = False
    """Whether the file says a class for all land that it covers, as rasters do."""
    bounds: tuple[float, float, float, float] | None = None
    """West, south, east, north in EPSG:3857, where the file says its place in coordinates."""
    tiles: frozenset[str] | None = None
    """The quadkeys of the tiles that the file has masks of, where it has them tile by tile."""
    attributes_left_out: tuple[str, ...] = ()
    """The attributes with too many values, or none, to tell a class."""
    meeting: Callable[[NDArray[np.object_]], NDArray[np.int64]] | None = None
    """Of polygons, the numbers of those that meet any of some boxes in EPSG:3857; else None."""

    def values(self, attribute: str) -> list[str]:
        """The attribute's values in the order of their codes."""
        return list(self.attributes[attribute])


def open_labels(path: Path, reading: Reading) -> LabelFile:
    """The labels of a file, by its ending. Raises BadLabels with what to do about it."""
    suffix = path.suffix.lower()
    if suffix in RASTER_SUFFIXES:
        return _raster(path)
    if suffix == ".json" and _is_coco(path):
        return _coco(path)
    if suffix == ".zip" and has_chips(path):
        return _chips(open_chips(path))
    if suffix in VECTOR_SUFFIXES:
        return _polygons(read_vectors(path, reading))
    raise BadLabels(
        f"Labels of the kind “{suffix or path.name}” are not read. Give a GeoJSON, GeoPackage, KML or "
        "GeoParquet file, a Shapefile in a ZIP, a ZIP of chips as exports write it, a GeoTIFF of class values, or "
        "the JSON of COCO."
    )


def _polygons(labels: VectorLabels) -> LabelFile:
    def of(attribute: str, outline_px: int) -> ReadTile:
        codes = np.zeros(len(labels.outlines), np.int32)
        if attribute != ALL:
            codes = labels.attributes[attribute].codes.astype(np.int32)
        outline_code = len(labels.attributes[attribute].counts) if attribute != ALL else 1
        return lambda x, y, z: labels.tile(x, y, z, codes, outline_px, outline_code)

    counts = {name: attribute.counts for name, attribute in labels.attributes.items()}
    attributes = {ALL: {ALL: len(labels.outlines)}, **counts}
    west, south, east, north = shapely.total_bounds(labels.outlines).tolist()
    return LabelFile(
        "polygons",
        attributes,
        of,
        labels.dropped,
        labels.repaired,
        bounds=(west, south, east, north),
        attributes_left_out=labels.left_out,
        meeting=labels.meeting,
    )


def _raster(path: Path) -> LabelFile:
    raster = look_at_raster(path)
    counts = raster.counts

    def of(attribute: str, outline_px: int) -> ReadTile:
        lookup = np.full(256, NOTHING, np.int32)
        if attribute == ALL:
            lookup[list(counts)] = 0
        else:
            lookup[list(counts)] = np.arange(len(counts))

        def read(x: int, y: int, z: int) -> tuple[Codes, NDArray[np.bool_]]:
            values, covered = read_label_tile(path, x, y, z)
            return np.where(covered, lookup[values], NOTHING).astype(np.int32), covered

        return read

    return LabelFile(
        "raster",
        {ALL: {ALL: sum(counts.values())}, "value": {str(value): count for value, count in counts.items()}},
        of,
        is_filled=True,
        bounds=raster.bounds,
    )


def _chips(chips: Chips) -> LabelFile:
    """Told by the names of the classes where the ZIP has a legend, else by their values."""
    attribute = "class" if chips.legend else "value"
    counts: Counter[str] = Counter()
    for value, count in chips.counts.items():
        counts[chips.name_of(value)] += count
    order = {name: code for code, name in enumerate(counts)}

    def of(wanted: str, outline_px: int) -> ReadTile:
        lookup = np.zeros(256, np.int32)
        for value in chips.counts if wanted != ALL else ():
            lookup[value] = order[chips.name_of(value)]
        reader = ChipReader(chips)

        def read(x: int, y: int, z: int) -> tuple[Codes, NDArray[np.bool_]]:
            values = reader.tile(x, y, z)
            if values is None:
                return np.full((SIZE_PX, SIZE_PX), NOTHING, np.int32), np.zeros((SIZE_PX, SIZE_PX), bool)
            return lookup[values], np.ones((SIZE_PX, SIZE_PX), bool)

        return read

    return LabelFile(
        "chips",
        {ALL: {ALL: sum(counts.values())}, attribute: dict(counts)},
        of,
        chips.dropped,
        is_filled=True,
        tiles=frozenset(chips.entries),
    )


def _is_coco(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(2**20)
    return b'"annotations"' in head or (b'"images"' in head and b'"FeatureCollection"' not in head)


def _coco(path: Path) -> LabelFile:
    """Images are told to patches by the quadkey that their file is called by."""
    if path.stat().st_size > MAX_COCO_BYTES:
        raise BadLabels("The JSON is larger than 128 MiB. Import it in parts, some images each.")
    try:
        document = json.loads(path.read_text("utf-8"))
        images = {image["id"]: _key_of(image) for image in document["images"]}
        names = {cat["id"]: str(cat["name"]) for cat in document["categories"]}
        objects: dict[str, list[tuple[int, Encoded]]] = {key: [] for key in images.values() if key}
        counts = Counter(dict.fromkeys(names.values(), 0))
        dropped: Counter[str] = Counter()
        codes = {name: code for code, name in enumerate(counts)}
        for one in document["annotations"]:
            key = images[one["image_id"]]
            if key is None or not one.get("segmentation"):
                dropped["its image is called by no quadkey" if key is None else "it has no segmentation"] += 1
                continue
            counts[names[one["category_id"]]] += 1
            objects[key].append((codes[names[one["category_id"]]], encoded(one["segmentation"])))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadLabels(
            f"The file is no COCO data set that can be read ({error!r}). Export it again."
        ) from error
    if not objects:
        raise BadLabels(
            "None of the images is called by the quadkey of a patch, such as “12331002130021000.png”, so nobody can "
            "tell where they lie. Rename them, or bring the labels as GeoJSON."
        )

    def of(attribute: str, outline_px: int) -> ReadTile:
        def read(x: int, y: int, z: int) -> tuple[Codes, NDArray[np.bool_]]:
            result = np.full((SIZE_PX, SIZE_PX), NOTHING, np.int32)
            here = objects.get(quadkey(x, y, z))
            for code, segmentation in here or ():
                result[decoded(segmentation)] = 0 if attribute == ALL else code
            return result, np.full((SIZE_PX, SIZE_PX), here is not None)

        return read

    attributes = {ALL: {ALL: sum(counts.values())}, "category": dict(counts)}
    return LabelFile("coco", attributes, of, dropped, is_filled=True, tiles=frozenset(objects))


def _key_of(image: Mapping[str, Any]) -> str | None:
    """The quadkey that an image of a patch's size is called by."""
    key = str(image.get("quadkey") or Path(str(image["file_name"])).stem)
    whole = (image["width"], image["height"]) == (SIZE_PX, SIZE_PX)
    return key if whole and key and set(key) <= set("0123") else None
