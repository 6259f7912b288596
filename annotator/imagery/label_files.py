"""Labels that exist already, opened and checked: polygons, label rasters, chips and COCO, on the one grid."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from rasterio.warp import transform_bounds

from annotator.errors import BadLabels
from annotator.imagery.chip_files import ChipReader, Chips, has_chips, open_chips
from annotator.imagery.grid import quadkey
from annotator.imagery.labels import SIZE_PX, read_label_tile
from annotator.imagery.vector_files import VECTOR_SUFFIXES, Reading, VectorLabels, read_vectors

RASTER_SUFFIXES = (".tif", ".tiff")
MAX_RASTER_PIXELS = 2_500_000_000
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
            order = {value: code for code, value in enumerate(labels.attributes[attribute])}
            codes = np.array([order[value] for value in labels.values[attribute]], np.int32)
        outline_code = len(labels.attributes[attribute]) if attribute != ALL else 1
        return lambda x, y, z: labels.tile(x, y, z, codes, outline_px, outline_code)

    attributes = {ALL: {ALL: len(labels.outlines)}, **labels.attributes}
    west, south, east, north = shapely.total_bounds(labels.outlines).tolist()
    return LabelFile(
        "polygons",
        attributes,
        of,
        labels.dropped,
        labels.repaired,
        bounds=(west, south, east, north),
    )


def _raster(path: Path) -> LabelFile:
    with path.open("rb") as file:
        if file.read(4) not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            raise BadLabels("The file is no TIFF. Convert it with `gdal_translate in out.tif`.")
    try:
        with rasterio.open(path, driver="GTiff") as dataset:
            if dataset.crs is None:
                raise BadLabels(
                    "The raster does not say where it lies. Give it its CRS and place: "
                    "`gdal_translate -a_srs EPSG:… -a_ullr west north east south in.tif out.tif`."
                )
            if dataset.count > 2 or np.dtype(dataset.dtypes[0]).kind not in "ui":
                raise BadLabels(
                    "A label raster has one band of whole numbers, the values of classes. Convert it: "
                    "`gdal_translate -b 1 -ot Byte in.tif out.tif`."
                )
            if dataset.width * dataset.height > MAX_RASTER_PIXELS:
                raise BadLabels("The raster is too large. Cut it into parts with `gdal_translate -srcwin`.")
            counts: Counter[int] = Counter()
            for _, window in dataset.block_windows(1):
                values, found = np.unique(dataset.read(1, window=window), return_counts=True)
                counts.update(dict(zip(values.tolist(), found.tolist(), strict=True)))
            nodata = dataset.nodata or None
            west, south, east, north = transform_bounds(dataset.crs, "EPSG:3857", *dataset.bounds)
    except rasterio.errors.RasterioError as error:
        raise BadLabels(
            "The raster is damaged or was cut off. Compare its size with the original's."
        ) from error
    counts.pop(nodata, None)  # type: ignore[arg-type]
    if counts and not 0 <= min(counts) <= max(counts) <= 255:
        raise BadLabels("The raster has values beyond 0 to 255. Number its classes anew, from 0 on.")
    ordered = {str(value): counts[value] for value in sorted(counts)}

    def of(attribute: str, outline_px: int) -> ReadTile:
        lookup = np.full(256, NOTHING, np.int32)
        if attribute == ALL:
            lookup[sorted(counts)] = 0
        else:
            lookup[sorted(counts)] = np.arange(len(counts))

        def read(x: int, y: int, z: int) -> tuple[Codes, NDArray[np.bool_]]:
            values, covered = read_label_tile(path, x, y, z)
            return np.where(covered, lookup[values], NOTHING).astype(np.int32), covered

        return read

    return LabelFile(
        "raster",
        {ALL: {ALL: sum(counts.values())}, "value": ordered},
        of,
        is_filled=True,
        bounds=(west, south, east, north),
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
        objects: dict[str, list[tuple[int, Any]]] = {key: [] for key in images.values() if key}
        counts = Counter(dict.fromkeys(names.values(), 0))
        dropped: Counter[str] = Counter()
        codes = {name: code for code, name in enumerate(counts)}
        for one in document["annotations"]:
            key = images[one["image_id"]]
            if key is None or not one.get("segmentation"):
                dropped["its image is called by no quadkey" if key is None else "it has no segmentation"] += 1
                continue
            counts[names[one["category_id"]]] += 1
            objects[key].append((codes[names[one["category_id"]]], one["segmentation"]))
    except (UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
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
                result[_decoded(segmentation)] = 0 if attribute == ALL else code
            return result, np.full((SIZE_PX, SIZE_PX), here is not None)

        return read

    attributes = {ALL: {ALL: sum(counts.values())}, "category": dict(counts)}
    return LabelFile("coco", attributes, of, dropped, is_filled=True, tiles=frozenset(objects))


def _key_of(image: Mapping[str, Any]) -> str | None:
    """The quadkey that an image of a patch's size is called by."""
    key = str(image.get("quadkey") or Path(str(image["file_name"])).stem)
    whole = (image["width"], image["height"]) == (SIZE_PX, SIZE_PX)
    return key if whole and key and set(key) <= set("0123") else None


def _decoded(segmentation: Any) -> NDArray[np.bool_]:
    try:
        if isinstance(segmentation, list):
            encoded = coco_mask.merge(coco_mask.frPyObjects(segmentation, SIZE_PX, SIZE_PX))
        elif list(segmentation["size"]) != [SIZE_PX, SIZE_PX]:
            raise ValueError("a run-length mask of another size than its image")
        elif isinstance(segmentation["counts"], list):
            if sum(segmentation["counts"]) != SIZE_PX * SIZE_PX:
                raise ValueError("run lengths that do not fill the image")
            encoded = coco_mask.frPyObjects(segmentation, SIZE_PX, SIZE_PX)
        else:
            encoded = {"size": [SIZE_PX, SIZE_PX], "counts": segmentation["counts"].encode("ascii")}
        return np.asarray(coco_mask.decode(encoded), dtype=bool)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise BadLabels(
            f"A segmentation of the COCO file cannot be decoded ({error}). Export it again."
        ) from error
