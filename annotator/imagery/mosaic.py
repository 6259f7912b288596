"""Several files of one acquisition as one raster, without copying a pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
from rasterio import open as open_dataset
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader, MemoryFile

from annotator.imagery.opening import open_raster
from annotator.imagery.problems import PartsDiffer

MAX_FILES = 400

_GDAL_TYPES = {
    "uint8": "Byte", "int8": "Int8", "uint16": "UInt16", "int16": "Int16", "uint32": "UInt32", "int32": "Int32",
    "float32": "Float32", "float64": "Float64",
}  # fmt: skip


@dataclass(frozen=True)
class _Grid:
    """Of the whole mosaic: its upper left corner, the sides of a pixel, and its size."""

    west: float
    north: float
    px_x: float
    px_y: float
    width: int
    height: int


@contextmanager
def open_mosaic(paths: Sequence[Path]) -> Iterator[DatasetReader]:
    """The files, each checked as `open_raster` checks one, as one dataset; a file that is off the first one's pixels
    by less than one is moved by up to half of one.

    Where files overlap, the later one is on top, except for its pixels without data. They have to share the
    coordinate reference system, the pixel size, and the bands with their type and nodata value. Raises `BadScene`.
    """
    if len(paths) > MAX_FILES:
        raise PartsDiffer(
            f"A mosaic takes up to {MAX_FILES} files; make larger ones of these {len(paths)} first."
        )
    with ExitStack() as opened:
        parts = []
        for path in paths:
            parts.append(opened.enter_context(open_raster(path)))
            _check_alike(parts[0], parts[-1], paths[0].name, path.name)
        written = opened.enter_context(MemoryFile(_virtual(parts, _grid(parts)), ext=".vrt"))
        yield opened.enter_context(open_dataset(written.name, driver="VRT"))


def _check_alike(first: DatasetReader, other: DatasetReader, first_name: str, name: str) -> None:
    differing = [
        what
        for what, is_same in {
            "the coordinate reference system": first.crs == other.crs,
            "the pixel size": np.allclose(_sides(first), _sides(other), rtol=1e-4),
            "the bands": first.count == other.count and first.colorinterp == other.colorinterp,
            "the pixel type": first.dtypes == other.dtypes,
            "the nodata value": first.nodata == other.nodata or _both_nan(first.nodata, other.nodata),
        }.items()
        if not is_same
    ]
    if other.transform.b or other.transform.d:
        differing.append("the direction of its rows (it is rotated)")
    if differing:
        raise PartsDiffer(
            f"{name} cannot be put beside {first_name}: {', '.join(differing)} differs. Bring the files to one grid, "
            "for instance with `gdalwarp -t_srs EPSG:CODE -tr SIZE SIZE in.tif out.tif`, or add them as scenes of "
            "their own."
        )


def _both_nan(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and np.isnan(one) and np.isnan(other)


def _sides(dataset: DatasetReader) -> tuple[float, float]:
    return dataset.transform.a, dataset.transform.e


def _corner(dataset: DatasetReader) -> tuple[float, float]:
    return dataset.transform.c, dataset.transform.f


def _grid(parts: Sequence[DatasetReader]) -> _Grid:
    px_x, px_y = _sides(parts[0])
    west, north = min(part.bounds.left for part in parts), max(part.bounds.top for part in parts)
    east, south = max(part.bounds.right for part in parts), min(part.bounds.bottom for part in parts)
    return _Grid(west, north, px_x, px_y, round((east - west) / px_x), round((south - north) / px_y))


def _virtual(parts: Sequence[DatasetReader], grid: _Grid) -> bytes:
    first = parts[0]
    root = Xml.Element("VRTDataset", rasterXSize=str(grid.width), rasterYSize=str(grid.height))
    Xml.SubElement(root, "SRS").text = first.crs.to_wkt()
    corner = (grid.west, grid.px_x, 0.0, grid.north, 0.0, grid.px_y)
    Xml.SubElement(root, "GeoTransform").text = ", ".join(repr(number) for number in corner)
    for band in first.indexes:
        meaning = first.colorinterp[band - 1]
        node = _band(root, _GDAL_TYPES[first.dtypes[band - 1]], str(band))
        Xml.SubElement(node, "Description").text = first.descriptions[band - 1] or ""
        Xml.SubElement(node, "ColorInterp").text = meaning.name.capitalize()
        if first.nodata is not None:
            Xml.SubElement(node, "NoDataValue").text = repr(first.nodata)
        for part in parts:
            _source(node, part, grid, str(band), skips=first.nodata, by_mask=_has_mask(part))
    has_alpha = ColorInterp.alpha in first.colorinterp
    # Between files that fill no rectangle there is nothing, which only a mask can say where no value does.
    if first.nodata is None and not has_alpha:
        mask = Xml.SubElement(root, "MaskBand")
        node = _band(mask, "Byte", None)
        for part in parts:
            _source(node, part, grid, "mask,1", skips=0, by_mask=False)
    return Xml.tostring(root)


def _has_mask(part: DatasetReader) -> bool:
    return MaskFlags.per_dataset in part.mask_flag_enums[0] and ColorInterp.alpha not in part.colorinterp


def _band(parent: Xml.Element, data_type: str, number: str | None) -> Xml.Element:
    attributes = {"dataType": data_type} | ({"band": number} if number else {})
    return Xml.SubElement(parent, "VRTRasterBand", attributes)


def _source(
    node: Xml.Element, part: DatasetReader, grid: _Grid, band: str, *, skips: float | None, by_mask: bool
) -> None:
    source = Xml.SubElement(node, "ComplexSource" if skips is not None or by_mask else "SimpleSource")
    Xml.SubElement(source, "SourceFilename", relativeToVRT="0").text = part.name
    Xml.SubElement(source, "SourceBand").text = band
    size = {"xSize": str(part.width), "ySize": str(part.height)}
    Xml.SubElement(source, "SrcRect", {"xOff": "0", "yOff": "0"} | size)
    left = round((part.transform.c - grid.west) / grid.px_x)
    top = round((part.transform.f - grid.north) / grid.px_y)
    Xml.SubElement(source, "DstRect", {"xOff": str(left), "yOff": str(top)} | size)
    if by_mask:
        Xml.SubElement(source, "UseMaskBand").text = "true"
    elif skips is not None:
        Xml.SubElement(source, "NODATA").text = repr(float(skips))
