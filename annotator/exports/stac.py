"""A STAC collection of the masks, each an Item with the label extension.

STAC 1.1, label 1.0.1 (https://github.com/stac-extensions/label), classification 2.0.0 and file 2.1.0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from annotator import inference
from annotator.exports.chips import square_geometry
from annotator.exports.contents import (
    ApprovedPatch,
    Contents,
    Member,
    Part,
    common_members,
    json_bytes,
    shards,
)
from annotator.exports.pixels import names, patch_transform, write_geotiff
from annotator.imagery.grid import lonlat_bounds

LABEL = "https://stac-extensions.github.io/label/v1.0.1/schema.json"
EXTENSIONS = [
    LABEL,
    "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
]
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
SHA256_MULTIHASH = "1220"
Document = dict[str, Any]


class Stac:
    """``collection.json``, and an Item with a GeoTIFF for each patch."""

    options: dict[str, Any] = {}

    def parts(self, contents: Contents) -> Iterator[Part]:
        for name, patches in shards(contents):
            yield Part(name, len(patches), partial(_write_masks, contents, patches))

    def members(self, contents: Contents, work: Path) -> Iterator[Member]:
        yield Member("collection.json", [json_bytes(collection(contents))])
        for name, patches in shards(contents):
            for patch in patches:
                path = work / name / f"{patch.quadkey}.tif"
                yield Member(f"items/{patch.quadkey}/{path.name}", path)
                yield Member(
                    f"items/{patch.quadkey}/{patch.quadkey}.json",
                    [json_bytes(item(contents, patch, path))],
                )
        yield from common_members(contents)


def collection(contents: Contents) -> Document:
    """The collection, whose extent is that of its patches and of the times at which they were drawn."""
    boxes = [lonlat_bounds(patch.x, patch.y, patch.z) for patch in contents.patches]
    west, south, east, north = zip(*boxes, strict=True)
    box = [round(edge, 7) for edge in (min(west), min(south), max(east), max(north))]
    first = min(patch.saved_at for patch in contents.patches)
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": [LABEL],
        "id": contents.name,
        "title": contents.project["name"],
        "description": contents.project["description"] or f"Approved masks of {contents.project['name']}.",
        "license": "other",
        "extent": {"spatial": {"bbox": [box]}, "temporal": {"interval": [[first, contents.latest]]}},
        "summaries": {"label:type": ["raster"], "label:classes": [_label_classes(contents)]},
        "links": [
            {"rel": "root", "href": "./collection.json", "type": "application/json"},
            *(
                {
                    "rel": "item",
                    "href": f"./items/{patch.quadkey}/{patch.quadkey}.json",
                    "type": "application/geo+json",
                }
                for patch in contents.patches
            ),
        ],
    }


def item(contents: Contents, patch: ApprovedPatch, path: Path) -> Document:
    """The Item of a patch; ``path`` is its GeoTIFF."""
    content = path.read_bytes()
    with rasterio.open(path) as dataset:
        values, counts = np.unique(dataset.read(1), return_counts=True)
    known = names(contents.legend)
    up = {"href": "../../collection.json", "type": "application/json"}
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": EXTENSIONS,
        "id": patch.quadkey,
        "collection": contents.name,
        "geometry": square_geometry(patch),
        "bbox": [round(edge, 7) for edge in lonlat_bounds(patch.x, patch.y, patch.z)],
        "properties": {
            "datetime": patch.saved_at,
            "label:type": "raster",
            "label:description": f"Class of each pixel of the patch {patch.quadkey}, approved by a reviewer.",
            "label:properties": None,
            "label:classes": [_label_classes(contents)],
            "label:tasks": ["segmentation"],
            "label:methods": ["manual"],
            "label:overviews": [
                {
                    "counts": [
                        {"name": known[int(value)], "count": int(count)}
                        for value, count in zip(values, counts, strict=True)
                    ],
                }
            ],
            "milpa:side": patch.side,
            "milpa:revision": patch.revision,
            "milpa:author": patch.author,
            "milpa:model_version": patch.model_version,
            "milpa:scene": patch.scene,
        },
        "links": [{"rel": rel, **up} for rel in ("root", "parent", "collection")],
        "assets": {
            "labels": {
                "href": f"./{path.name}",
                "type": COG,
                "title": "Class values; 255 is unsure",
                "roles": ["data", "labels"],
                "classification:classes": inference.stac_classes(contents.legend),
                "file:size": len(content),
                "file:checksum": SHA256_MULTIHASH + hashlib.sha256(content).hexdigest(),
            }
        },
    }


def _label_classes(contents: Contents) -> Document:
    return {"name": None, "classes": [c.name for c in contents.legend.classes]}


def _write_masks(contents: Contents, patches: tuple[ApprovedPatch, ...], folder: Path) -> None:
    folder.mkdir()
    for patch, mask in zip(patches, contents.read_masks(patches), strict=True):
        write_geotiff(folder / f"{patch.quadkey}.tif", mask, patch_transform(patch), contents.legend)
