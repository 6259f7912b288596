"""A mask, and its imagery, as one image a patch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from PIL import Image

from annotator.exports.contents import (
    ApprovedPatch,
    Contents,
    Member,
    Part,
    common_members,
    json_bytes,
    shards,
)
from annotator.exports.pixels import MERCATOR, legend_csv, patch_transform, world_file, write_png
from annotator.imagery.grid import lonlat_bounds

IMAGES = "images"


class Chips:
    """Indexed PNGs with a world file each, in EPSG:3857; with ``images``, the imagery beside them."""

    options = {"images": True}

    def parts(self, contents: Contents) -> Iterator[Part]:
        for name, patches in shards(contents):
            yield Part(name, len(patches), partial(_write_chips, contents, patches))

    def members(self, contents: Contents, work: Path) -> Iterator[Member]:
        yield from part_files(contents, work)
        yield Member("chips.geojson", [json_bytes(_footprints(contents))])
        yield Member("chips.crs.txt", [f"{MERCATOR}\n".encode()])
        yield Member("legend.csv", [legend_csv(contents)])
        yield from common_members(contents)


def write_image(contents: Contents, patches: tuple[ApprovedPatch, ...], folder: Path) -> None:
    """The patches' imagery as PNGs in the folder, if images are wanted."""
    if not contents.parameters["images"]:
        return
    (folder / IMAGES).mkdir()
    for patch, labelled in zip(patches, contents.read_images(patches), strict=True):
        Image.fromarray(labelled.image).save(folder / IMAGES / f"{patch.quadkey}.png", "PNG")


def part_files(contents: Contents, work: Path) -> Iterator[Member]:
    """The files in the folders of the parts, with the names that they have there."""
    for name, _ in shards(contents):
        folder = work / name
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield Member(path.relative_to(folder).as_posix(), path)


def square_geometry(patch: ApprovedPatch) -> dict[str, object]:
    """The patch's square as GeoJSON, in degrees to about a centimetre."""
    west, south, east, north = (round(degrees, 7) for degrees in lonlat_bounds(patch.x, patch.y, patch.z))
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def _write_chips(contents: Contents, patches: tuple[ApprovedPatch, ...], folder: Path) -> None:
    masks = folder / "masks"
    masks.mkdir(parents=True)
    for patch, mask in zip(patches, contents.read_masks(patches), strict=True):
        write_png(masks / f"{patch.quadkey}.png", mask, contents.legend)
        (masks / f"{patch.quadkey}.pgw").write_bytes(world_file(patch_transform(patch)))
    write_image(contents, patches, folder)


def _footprints(contents: Contents) -> dict[str, object]:
    features = [
        {
            "type": "Feature",
            "id": patch.quadkey,
            "geometry": square_geometry(patch),
            "properties": {
                "mask": f"masks/{patch.quadkey}.png",
                "side": patch.side,
                "revision": patch.revision,
                "author": patch.author,
            },
        }
        for patch in contents.patches
    ]
    return {"type": "FeatureCollection", "features": features}
