"""Masks as image files: palettes, and where a patch's pixels lie in Web Mercator."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import rasterio
from PIL import Image
from rasterio.transform import Affine

from annotator.exports.contents import ApprovedPatch, Contents, Mask
from annotator.imagery.grid import QUAD, TILE_PX
from annotator.inference import Legend

OUTSIDE, UNSURE = 254, 255
UNSURE_COLOR = (128, 128, 128, 255)
MERCATOR = "EPSG:3857"
# The same bytes on every run: nothing of libtiff's depends on how many threads write.
GTIFF = {"driver": "GTiff", "dtype": "uint8", "count": 1, "tiled": True, "blockxsize": 256, "blockysize": 256}
COMPRESSION = {"compress": "deflate", "predictor": 1, "zlevel": 6}


def colors(legend: Legend) -> dict[int, tuple[int, int, int, int]]:
    """Red, green, blue and opacity of each value: the legend's, grey for unsure, nothing outside of patches."""
    said = {c.value: (*bytes.fromhex(c.color.removeprefix("#")), 255) for c in legend.classes}
    return {**said, OUTSIDE: (0, 0, 0, 0), UNSURE: UNSURE_COLOR}  # type: ignore[dict-item]


def names(legend: Legend) -> dict[int, str]:
    return {**{c.value: c.name for c in legend.classes}, OUTSIDE: "outside", UNSURE: "unsure"}


def patch_transform(patch: ApprovedPatch) -> Affine:
    """From ``(col, row)`` of the patch to Web Mercator metres."""
    west, _, east, north = QUAD.xy_bounds(patch.x, patch.y, patch.z)
    size_m = (east - west) / TILE_PX
    return Affine(size_m, 0, west, 0, -size_m, north)


def write_geotiff(path: Path, mask: Mask, transform: Affine, legend: Legend, crs: str = MERCATOR) -> None:
    """One band of class values with the legend's colours; 254 is no data."""
    rows, cols = mask.shape
    profile = {**GTIFF, **COMPRESSION, "height": rows, "width": cols, "nodata": OUTSIDE}
    with rasterio.open(path, "w", crs=crs, transform=transform, **profile) as dataset:
        dataset.write(mask, 1)
        dataset.write_colormap(1, colors(legend))


def write_png(path: Path, mask: Mask, legend: Legend) -> None:
    """An indexed PNG whose indices are the class values."""
    image = Image.fromarray(mask).convert("L")
    image.putpalette(_palette(legend))
    image.save(path, "PNG", optimize=True)


def world_file(transform: Affine) -> bytes:
    """The six lines that place an image: pixel sizes and turns, then the centre of the first pixel."""
    x, y = transform * (0.5, 0.5)
    return "".join(f"{value!r}\n" for value in (transform.a, 0.0, 0.0, transform.e, x, y)).encode()


def category_names(legend: Legend) -> bytes:
    """GDAL's side file that names the values of a raster."""
    known = names(legend)
    rows = "".join(f"<Category>{escape(known.get(value, ''))}</Category>" for value in range(256))
    return (
        f'<PAMDataset><PAMRasterBand band="1"><CategoryNames>{rows}</CategoryNames></PAMRasterBand></PAMDataset>\n'
    ).encode()


def legend_csv(contents: Contents) -> bytes:
    """The values that a mask can have, with their names and colours."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["value", "name", "color"])
    by_value = colors(contents.legend)
    for value, name in names(contents.legend).items():
        if value != OUTSIDE:
            rows.writerow([value, name, "#" + bytes(by_value[value][:3]).hex()])
    return text.getvalue().encode()


def _palette(legend: Legend) -> list[int]:
    table = np.zeros((256, 3), np.uint8)
    for value, color in colors(legend).items():
        table[value] = color[:3]
    return table.ravel().tolist()
