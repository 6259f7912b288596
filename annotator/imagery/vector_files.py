"""Polygons from files of strangers: GeoJSON, GeoPackage, KML, GeoParquet and zipped Shapefiles, in Web Mercator."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError
from rasterio.features import rasterize
from rasterio.transform import from_bounds

from annotator.errors import BadLabels
from annotator.imagery.attributes import MAX_ATTRIBUTES, Attribute, attribute_of
from annotator.imagery.grid import QUAD
from annotator.imagery.labels import SIZE_PX
from annotator.imagery.ogr_files import open_ogr
from annotator.imagery.parquet_files import open_parquet
from annotator.imagery.zip_files import check_unpacked, open_zip

VECTOR_SUFFIXES = (".geojson", ".json", ".gpkg", ".kml", ".parquet", ".geoparquet", ".zip")
MAX_FEATURES = 500_000
MAX_RATIO = 200
_SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
# GDAL guesses a driver from the first bytes, and some of its drivers open what a file names.
_HEADS = {
    ".gpkg": (b"SQLite format 3\0",),
    ".kml": (b"<?xml", b"<kml", b"\xef\xbb\xbf<"),
    ".zip": (b"PK\x03\x04",),
    ".parquet": (b"PAR1",),
    ".geoparquet": (b"PAR1",),
}


@dataclass(frozen=True)
class Reading:
    """How a file is to be read where it does not say, or says wrong: its CRS, the encoding of its texts, and whether
    its coordinates come as latitude, longitude."""

    crs: str = ""
    encoding: str = ""
    swap_axes: bool = False


@dataclass(frozen=True)
class VectorLabels:
    """``outlines``: polygons in EPSG:3857. ``attributes``: those that may tell the class of each, ``left_out`` the
    names of the others."""

    outlines: NDArray[np.object_]
    attributes: Mapping[str, Attribute]
    left_out: tuple[str, ...]
    dropped: Mapping[str, int]
    repaired: int
    tree: shapely.STRtree

    def tile(
        self, x: int, y: int, z: int, codes: NDArray[np.int32], outline_px: int, outline_code: int
    ) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """The code of the polygon that each pixel's centre lies in, of the last where several do, -1 without one;
        and where there is one. Pixels within ``outline_px`` / 2 of an outline have the ``outline_code``."""
        bounds = QUAD.xy_bounds(x, y, z)
        transform = from_bounds(*bounds, SIZE_PX, SIZE_PX)
        # Outlines of neighbours reach into the tile by half their width.
        reach = outline_px * transform.a
        box = shapely.box(bounds[0] - reach, bounds[1] - reach, bounds[2] + reach, bounds[3] + reach)
        result = np.full((SIZE_PX, SIZE_PX), -1, np.int32)
        met = np.sort(self.tree.query(box, predicate="intersects"))
        if len(met):
            shapes = [(self.outlines[at], int(codes[at])) for at in met]
            rasterize(shapes, out=result, transform=transform)
            if outline_px:
                edges = [shapely.boundary(self.outlines[at]).buffer(reach / 2) for at in met]
                rasterize([(edge, outline_code) for edge in edges], out=result, transform=transform)
        return result, result >= 0

    def meeting(self, boxes: NDArray[np.object_]) -> NDArray[np.int64]:
        """The numbers of the polygons that meet any of the boxes, in EPSG:3857."""
        return np.unique(self.tree.query(boxes, predicate="intersects")[1])


def read_vectors(path: Path, reading: Reading) -> VectorLabels:
    """The file's polygons. Raises BadLabels, naming the remedy."""
    _check_head(path)
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".geoparquet"):
        file = open_parquet(path, MAX_FEATURES)
        _check_attributes(len(file.names))
        return _labels(file.shapes(), file.crs, ((name, file.column(name)) for name in file.names), reading)
    if suffix != ".zip":
        return _read_ogr(path, reading)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        return _read_ogr(_unzipped(path, Path(folder)), reading)


def _labels(
    shapes: Any, crs: str, columns: Iterable[tuple[str, Iterable[Any]]], reading: Reading
) -> VectorLabels:
    """Of each column no more than its codes is kept by the time that the next one is read."""
    found = _polygons_of(shapes)
    outlines = _in_mercator(found.polygons, _crs(reading.crs or crs), reading)
    if not len(outlines):
        raise BadLabels(
            f"There are no polygons in the file ({_told(found.dropped)}). Points and lines have no land."
        )
    attributes = {name: attribute_of(column, found.rows) for name, column in columns}
    return VectorLabels(
        outlines,
        {name: attribute for name, attribute in attributes.items() if attribute is not None},
        tuple(name for name, attribute in attributes.items() if attribute is None),
        found.dropped,
        found.repaired,
        shapely.STRtree(outlines),
    )


def _check_attributes(count: int) -> None:
    if count > MAX_ATTRIBUTES:
        raise BadLabels(
            f"The file has {count:,} attributes; at most {MAX_ATTRIBUTES} are taken. Leave out those that tell no "
            "class."
        )


def _check_head(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(4096)
    known = _HEADS.get(path.suffix.lower(), (b"{", b"\xef\xbb\xbf{"))
    if not head.lstrip().startswith(known) or b"OGRVRTDataSource" in head:
        raise BadLabels(
            f"“{path.name}” is not what its ending says. Give the file the ending of what it is, or export it again."
        )


def _read_ogr(path: Path, reading: Reading) -> VectorLabels:
    file = open_ogr(path, reading.encoding, MAX_FEATURES)
    _check_attributes(len(file.names))
    return _labels(file.shapes(), file.crs, file.columns(), reading)


def _unzipped(path: Path, folder: Path) -> Path:
    """The Shapefile in a ZIP, with the files beside it, under names of our own."""
    with open_zip(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        shapes = [e for e in entries if e.filename.lower().endswith(".shp") and "__MACOSX" not in e.filename]
        if len(shapes) != 1:
            raise BadLabels(
                f"The ZIP has {len(shapes)} Shapefiles; put one in it, with its .shx, .dbf and .prj, or the chips of "
                "an export, with their folder `masks`."
            )
        stem = shapes[0].filename[:-4]
        wanted = [
            e for e in entries if e.filename[:-4] == stem and e.filename[-4:].lower() in _SHAPEFILE_PARTS
        ]
        check_unpacked(wanted)
        if sum(entry.file_size for entry in wanted) > MAX_RATIO * max(path.stat().st_size, 2**20):
            raise BadLabels(
                "Unpacked, the ZIP would be far larger than labels are. Export the layer as GeoPackage."
            )
        for entry in wanted:
            with (
                archive.open(entry) as packed,
                (folder / f"labels{entry.filename[-4:].lower()}").open("wb") as file,
            ):
                shutil.copyfileobj(packed, file)
    return folder / "labels.shp"


@dataclass(frozen=True)
class _Found:
    polygons: NDArray[np.object_]
    rows: NDArray[np.int64]
    dropped: Mapping[str, int]
    repaired: int


def _polygons_of(shapes: Any) -> _Found:
    """Valid polygons of what was read, each with the row that it comes from."""
    shapes = shapely.force_2d(shapes)
    dropped: Counter[str] = Counter()
    nowhere = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    dropped["it has no geometry, or one that cannot be read"] = int(nowhere.sum())
    flat = ~nowhere & (shapely.get_dimensions(shapes) < 2)
    dropped["it is a point or a line"] = int(flat.sum())
    rows = np.flatnonzero(~nowhere & ~flat)
    broken = ~shapely.is_valid(shapes[rows])
    polygons = shapes[rows]
    polygons[broken] = shapely.make_valid(polygons[broken])
    # What is left of a broken polygon may have lines beside its land.
    polygons = np.array([_land_of(one) for one in polygons], dtype=object)
    has_land = ~shapely.is_empty(polygons)
    dropped["it encloses no land"] = int((~has_land).sum())
    told = {reason: count for reason, count in dropped.items() if count}
    return _Found(polygons[has_land], rows[has_land], told, int((broken & has_land).sum()))


def _land_of(shape: Any) -> Any:
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    parts = [part for part in shapely.get_parts(shape) if part.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts)


def _crs(told: str) -> CRS:
    if not told:
        raise BadLabels(
            "The file does not say its coordinate reference system (a Shapefile without .prj, say). Name it, for "
            "instance crs = EPSG:32637."
        )
    try:
        return CRS.from_user_input(told)
    except ProjError as error:
        raise BadLabels(
            "The coordinate reference system is not known. Name one by its number, for instance crs = EPSG:4326."
        ) from error


def _in_mercator(polygons: NDArray[np.object_], crs: CRS, reading: Reading) -> NDArray[np.object_]:
    if reading.swap_axes:
        polygons = shapely.transform(polygons, lambda corners: corners[:, ::-1])
    if not len(polygons):
        return polygons
    west, south, east, north = shapely.total_bounds(polygons)
    if crs.is_geographic and (south < -90 or north > 90 or west < -360 or east > 360):
        in_degrees = max(abs(west), abs(east)) <= 90 and max(abs(south), abs(north)) <= 180
        raise BadLabels(
            "The latitudes are beyond 90 degrees: the coordinates are in the order latitude, longitude. Say so with "
            "swap_axes = true."
            if in_degrees
            else "The coordinates are no degrees, though the file says so; they are metres, likely. Name their CRS, "
            "for instance crs = EPSG:32637."
        )
    try:
        to_mercator = Transformer.from_crs(crs, "EPSG:3857", always_xy=True)
        moved = shapely.transform(
            polygons, lambda corners: np.column_stack(to_mercator.transform(*corners.T))
        )
    except ProjError as error:
        raise BadLabels(
            f"The coordinate reference system {crs.name[:60]} is not tied to the Earth. Name the right one, for "
            "instance crs = EPSG:32637."
        ) from error
    if not np.isfinite(shapely.total_bounds(moved)).all():
        raise BadLabels(
            f"The coordinates cannot be those of {crs.name}. Name the right CRS, for instance "
            "crs = EPSG:4326."
        )
    return np.asarray(moved)


def _told(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{count} features: {reason}" for reason, count in dropped.items()) or "it is empty"
