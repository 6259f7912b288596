"""What a raster is: where, how fine, from when, how it is shown; or why it cannot be a scene."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.contrib.gis.geos import MultiPolygon
from django.utils import timezone
from pyproj import Geod, Transformer
from pyproj.exceptions import ProjError
from rasterio.io import DatasetReader

from annotator.imagery.bands import choose_display_bands, choose_stretch, name_bands
from annotator.imagery.footprint import footprint_of
from annotator.imagery.opening import open_raster
from annotator.imagery.problems import EmptyScene, Misplaced, NotGeoreferenced, UnsuitableResolution

MIN_GSD_M, MAX_GSD_M = 0.05, 100.0

_SAMPLE_PX = 1024
_MAX_LATITUDE_DEG = 85.06
_ELLIPSOID = Geod(ellps="WGS84")
_FIRST_SATELLITE_YEAR = 1972
_ACQUISITION_TAGS = re.compile(r"acqui|sensing|capture|^datetime$|date_taken", re.IGNORECASE)
# Year, month and day with the same separator between them, or none.
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_:/.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")


@dataclass(frozen=True)
class RasterFacts:
    """What the `Scene` row says of its file; the fields have the row's names and units."""

    crs: str
    footprint: MultiPolygon
    gsd_m: float
    band_count: int
    band_names: list[str]
    pixel_type: str
    nodata: float | None
    width_px: int
    height_px: int
    acquired_on: datetime.date | None
    display_bands: list[int]
    stretch: list[list[float]]


def check_raster(path: Path) -> None:
    """Raises the `BadScene` that tells why the file cannot be a scene; reads a few blocks only."""
    with open_raster(path) as dataset:
        _check_place(dataset)


def inspect_raster(path: Path) -> RasterFacts:
    """The facts of the file; the footprint and the stretch come from a sample of its pixels.

    Fast on a file with overviews, else it may read all of it. Raises `BadScene`, each kind with a code of
    its own and a sentence that names the remedy.
    """
    with open_raster(path) as dataset:
        gsd_m = _check_place(dataset)
        names = name_bands(dataset.descriptions, dataset.colorinterp)
        bands = choose_display_bands(names, dataset.colorinterp)
        values, valid = _read_sample(dataset, bands)
        if not valid.any():
            raise EmptyScene(
                "All pixels are without data. Check the nodata value "
                "(`gdal_edit.py -a_nodata VALUE`, or `-unsetnodata`), or choose another file."
            )
        epsg = dataset.crs.to_epsg()
        nodata = dataset.nodata
        return RasterFacts(
            crs=f"EPSG:{epsg}" if epsg else dataset.crs.to_wkt(),
            footprint=footprint_of(dataset, valid),
            gsd_m=gsd_m,
            band_count=dataset.count,
            band_names=names,
            pixel_type=dataset.dtypes[0],
            # Not-a-number pixels are empty anyway, and JSON has no word for them.
            nodata=None if nodata is None or math.isnan(nodata) else nodata,
            width_px=dataset.width,
            height_px=dataset.height,
            acquired_on=guess_acquired_on(dataset, path.name),
            display_bands=list(bands),
            stretch=[list(pair) for pair in choose_stretch(values, valid)],
        )


def propose_stretch(path: Path, display_bands: list[int]) -> list[list[float]]:
    """The stretch that suits these bands (numbers from 1), found as `inspect_raster` finds it for its own.

    Raises `BadScene` when the file cannot be read.
    """
    with open_raster(path) as dataset:
        values, valid = _read_sample(dataset, tuple(display_bands))
        return [list(pair) for pair in choose_stretch(values, valid)]


def _read_sample(dataset: DatasetReader, bands: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The raster in at most 1,024 pixels a side: values (bands, rows, cols) and validity (rows, cols)."""
    step = max(1.0, max(dataset.width, dataset.height) / _SAMPLE_PX)
    shape = (math.ceil(dataset.height / step), math.ceil(dataset.width / step))
    values = dataset.read(bands, out_shape=(len(bands), *shape))
    valid = dataset.dataset_mask(out_shape=shape) > 0
    return values, valid & np.isfinite(values).all(axis=0)


def guess_acquired_on(dataset: DatasetReader, file_name: str) -> datetime.date | None:
    """The date from tags about the acquisition, then from the file's name, then from its time stamp."""
    tags = {**dataset.tags(ns="IMAGERY"), **dataset.tags()}
    texts = [value for tag, value in tags.items() if _ACQUISITION_TAGS.search(tag)]
    # The TIFF time stamp comes last: many programs put there when they wrote the file.
    for text in [*texts, file_name, tags.get("TIFFTAG_DATETIME", "")]:
        for date in _dates_in(text):
            return date
    return None


def _dates_in(text: str) -> Iterator[datetime.date]:
    for year, _, month, day in _DATE.findall(text):
        try:
            date = datetime.date(int(year), int(month), int(day))
        except ValueError:
            continue
        if date.year >= _FIRST_SATELLITE_YEAR and date <= timezone.now().date():
            yield date


def _check_place(dataset: DatasetReader) -> float:
    """The ground sampling distance in metres, after the scene was found to lie on the map."""
    if dataset.crs is None or dataset.transform.is_identity:
        raise NotGeoreferenced(
            "The file does not say where on the Earth it lies. Give it its place: `gdal_translate -a_srs "
            "EPSG:32643 -a_ullr WEST NORTH EAST SOUTH in.tif out.tif`, or `gdalwarp` where it has ground "
            "control points only."
        )
    width, height = dataset.width, dataset.height
    try:
        corners = _lonlats(dataset, [(0, 0), (width, 0), (width, height), (0, height)])
        center = (width / 2, height / 2)
        origin, right, below = _lonlats(
            dataset, [center, (center[0] + 1, center[1]), (center[0], center[1] + 1)]
        )
    except ProjError as error:
        raise NotGeoreferenced(
            "The file's coordinate reference system is not tied to the Earth. Set the right one with "
            "`gdal_edit.py -a_srs EPSG:CODE file.tif`."
        ) from error
    for lon, lat in corners:
        if not (abs(lon) <= 180 and abs(lat) <= _MAX_LATITUDE_DEG):
            raise Misplaced(
                "The file's coordinates do not lie on the map in its coordinate reference system "
                f"({dataset.crs.to_string()[:60]}). Set the right one with "
                "`gdal_edit.py -a_srs EPSG:CODE file.tif`."
            )
    gsd_m = math.sqrt(_distance_m(origin, right) * _distance_m(origin, below))
    if not MIN_GSD_M <= gsd_m <= MAX_GSD_M:
        raise UnsuitableResolution(
            f"A pixel is {gsd_m:.3g} m wide; fields can be mapped from {MIN_GSD_M:g} m to {MAX_GSD_M:g} m. "
            "Resample the file with `gdalwarp -tr`, or choose other imagery.",
            gsd_m=gsd_m,
        )
    return gsd_m


def _lonlats(dataset: DatasetReader, pixels: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Longitudes and latitudes of places given as ``(col, row)``, (0, 0) being the upper left corner."""
    cols, rows = zip(*pixels, strict=True)
    xs, ys = dataset.xy(rows, cols, offset="ul")
    # rasterio's own transform raises errors that it keeps private; this one answers with infinity.
    to_lonlat = Transformer.from_crs(dataset.crs.to_wkt(), "EPSG:4326", always_xy=True)
    lons, lats = to_lonlat.transform(xs, ys)
    return list(zip(lons, lats, strict=True))


def _distance_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    return float(_ELLIPSOID.inv(*a, *b)[2])
