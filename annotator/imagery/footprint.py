"""The outline of a raster's valid pixels."""

from __future__ import annotations

import numpy as np
import shapely
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon
from rasterio.features import shapes, sieve
from rasterio.io import DatasetReader
from rasterio.warp import transform_geom
from shapely.affinity import affine_transform
from shapely.geometry import mapping, shape

# Spots and holes of less than this share of the sampled pixels (a cloud mask's crumbs) are no outline.
_CRUMB_SHARE = 1 / 16_384
_PARTS_OF_AN_EDGE = 8


def footprint_of(dataset: DatasetReader, valid: np.ndarray) -> MultiPolygon:
    """The valid pixels' outline in EPSG:4326.

    ``valid`` (rows, cols) is the whole raster's validity, sampled; the outline is right to about one pixel of
    the sample.
    """
    crumb_px = int(valid.size * _CRUMB_SHARE)
    tidy = sieve(valid.astype(np.uint8), size=crumb_px) if crumb_px > 1 else valid.astype(np.uint8)
    if not tidy.any():
        tidy = valid.astype(np.uint8)
    outline = shapely.union_all([shape(polygon) for polygon, _ in shapes(tidy, mask=tidy > 0)])
    outline = outline.simplify(1.0)
    # A straight edge of the raster is a curve in degrees.
    outline = shapely.segmentize(outline, max(valid.shape) / _PARTS_OF_AN_EDGE)
    rows, cols = valid.shape
    pixels = affine_transform(outline, (dataset.width / cols, 0, 0, dataset.height / rows, 0, 0))
    ground = affine_transform(pixels, [getattr(dataset.transform, name) for name in "abdecf"])
    lonlat = shapely.make_valid(shape(transform_geom(dataset.crs, "EPSG:4326", mapping(ground))))
    polygons = [part for part in shapely.get_parts(lonlat) if part.geom_type == "Polygon"]
    return MultiPolygon([GEOSGeometry(part.wkb_hex) for part in polygons], srid=4326)
