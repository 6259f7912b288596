"""Objects of each patch in the form of COCO (https://cocodataset.org/#format-data), one file a side of the split."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask
from rasterio.features import shapes
from scipy import ndimage

from annotator.enums import Side
from annotator.exports.chips import IMAGES, part_files, write_image
from annotator.exports.contents import (
    ApprovedPatch,
    Contents,
    Mask,
    Member,
    Part,
    common_members,
    json_bytes,
    line_bytes,
    shards,
)
from annotator.exports.pixels import UNSURE
from annotator.imagery.grid import TILE_PX

RLE, POLYGONS = "rle", "polygons"
LINES = "objects.jsonl"
Document = dict[str, Any]


class Coco:
    """``segmentation``: ``rle``, exact for every object, or ``polygons``, as exact; see `_outlines`."""

    options = {"segmentation": RLE, "images": True}

    def parts(self, contents: Contents) -> Iterator[Part]:
        for name, patches in shards(contents):
            yield Part(name, len(patches), partial(_write_part, contents, patches))

    def members(self, contents: Contents, work: Path) -> Iterator[Member]:
        for member in part_files(contents, work):
            if member.name != LINES:
                yield member
        for side in Side:
            if any(patch.side == side for patch in contents.patches):
                yield Member(f"annotations/instances_{side}.json", _file_of(contents, work, side))
        yield from common_members(contents)


def objects_of(mask: Mask, class_values: list[int], segmentation: str) -> list[Document]:
    """The connected pieces of each class but the null class, and the unsure pixels as one crowd, without ids.

    Pieces are connected over the sides of their pixels. Evaluation by COCO leaves crowds out, as training and
    scoring leave out what is unsure.
    """
    found = []
    for value in class_values:
        if value == 0:
            continue
        labels, count = ndimage.label(mask == value)
        found += [_object(labels == piece, value, segmentation) for piece in range(1, count + 1)]
    unsure = mask == UNSURE
    if unsure.any():
        found.append({**_object(unsure, UNSURE, RLE), "iscrowd": 1})
    return found


def _object(inside: np.ndarray[Any, np.dtype[np.bool_]], value: int, segmentation: str) -> Document:
    rows, cols = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    box = [cols[0], rows[0], cols[-1] - cols[0] + 1, rows[-1] - rows[0] + 1]
    return {
        "category_id": value,
        "area": int(inside.sum()),
        "bbox": [float(number) for number in box],
        "iscrowd": 0,
        "segmentation": _outlines(inside) if segmentation == POLYGONS else _rle(inside),
    }


def _rle(inside: np.ndarray[Any, np.dtype[np.bool_]]) -> Document:
    encoded = coco_mask.encode(np.asfortranarray(inside, dtype=np.uint8))
    return {"size": list(encoded["size"]), "counts": encoded["counts"].decode("ascii")}


def _outlines(inside: np.ndarray[Any, np.dtype[np.bool_]]) -> list[list[float]]:
    """Rings ``[x, y, x, y, …]`` along the pixels' edges, whose union is the piece.

    The polygons of COCO have no holes: a list of rings is their union. A piece with a hole is cut through the
    hole until no piece has any, so that what is decoded is the piece, pixel for pixel.
    """
    rings: list[list[float]] = []
    waiting = [inside]
    while waiting:
        piece = waiting.pop()
        for outline, _ in shapes(piece.astype(np.uint8), mask=piece, connectivity=4):
            outer, *holes = outline["coordinates"]
            if not holes:
                rings.append([float(number) for point in outer[:-1] for number in point])
                continue
            only = _filled(piece, outer)
            cut = int(holes[0][0][0]) + 1
            left = np.arange(TILE_PX) < cut
            waiting += [only & left, only & ~left]
    return sorted(rings)


def _filled(
    piece: np.ndarray[Any, np.dtype[np.bool_]], outer: list[tuple[float, float]]
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """The one connected part of ``piece`` whose outline begins at that corner."""
    labels, _ = ndimage.label(piece)
    # The first corner of an outline is the upper left one of a pixel of the part, or lies beside one.
    x, y = int(outer[0][0]), int(outer[0][1])
    return np.asarray(labels == labels[y, x])


def _write_part(contents: Contents, patches: tuple[ApprovedPatch, ...], folder: Path) -> None:
    folder.mkdir()
    values, segmentation = list(contents.legend.values), contents.parameters["segmentation"]
    with (folder / LINES).open("wb") as file:
        for mask in contents.read_masks(patches):
            file.write(line_bytes(objects_of(mask, values, segmentation)))
    write_image(contents, patches, folder)


def _file_of(contents: Contents, work: Path, side: str) -> Iterator[bytes]:
    """The file of a side, piece after piece; ids count up over all sides, so that files can be put together."""
    head = {
        "info": {"description": contents.project["name"], "version": contents.name, "side": side},
        "licenses": [],
        "categories": _categories(contents),
    }
    yield json_bytes(head)[:-3]
    yield b',\n  "images": ['
    before = b"\n"
    for number, patch in enumerate(contents.patches, start=1):
        if patch.side == side:
            yield before + line_bytes(_image(number, patch))[:-1]
            before = b",\n"
    yield b'\n  ],\n  "annotations": ['
    before = b"\n"
    for one in _annotations(contents, work, side):
        yield before + line_bytes(one)[:-1]
        before = b",\n"
    yield b"\n  ]\n}\n"


def _categories(contents: Contents) -> list[Document]:
    known = [
        {"id": c.value, "name": c.name, "supercategory": "boundary" if c.is_boundary else "land"}
        for c in contents.legend.classes
        if not c.is_null
    ]
    return [*known, {"id": UNSURE, "name": "unsure", "supercategory": "unsure"}]


def _image(number: int, patch: ApprovedPatch) -> Document:
    return {
        "id": number,
        "file_name": f"{IMAGES}/{patch.quadkey}.png",
        "width": TILE_PX,
        "height": TILE_PX,
        "quadkey": patch.quadkey,
        "side": patch.side,
        "revision": patch.revision,
        "author": patch.author,
        "model_version": patch.model_version,
    }


def _annotations(contents: Contents, work: Path, side: str) -> Iterator[Document]:
    last, number = 0, 0
    for name, patches in shards(contents):
        with (work / name / LINES).open(encoding="utf-8") as file:
            for patch, line in zip(patches, file, strict=True):
                number += 1
                objects = json.loads(line)
                if patch.side == side:
                    for index, one in enumerate(objects, start=last + 1):
                        yield {"id": index, "image_id": number, **one}
                last += len(objects)
