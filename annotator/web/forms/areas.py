"""An area of interest pasted as GeoJSON."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib.gis.gdal import GDALException
from django.contrib.gis.geos import GEOSException, GEOSGeometry, MultiPolygon, Polygon
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

POLYGONS = ("Polygon", "MultiPolygon")


class AreaField(forms.CharField):
    """A polygon, a multipolygon, a feature or a feature collection of them, joined into one multipolygon."""

    widget = forms.Textarea

    def clean(self, value: Any) -> MultiPolygon | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValidationError(
                _(
                    "This is not JSON: %(what)s in line %(line)s, column %(column)s. "
                    "Paste the whole GeoJSON, from the first brace to the last."
                ),
                params={"what": error.msg, "line": error.lineno, "column": error.colno},
            ) from error
        polygons = [part for geometry in _geometries(document) for part in _polygons(geometry)]
        if not polygons:
            raise ValidationError(_("The GeoJSON has no polygon. Draw the area and export it again."))
        return _joined(polygons)


def _geometries(document: Any) -> list[dict[str, Any]]:
    """The geometries of any GeoJSON object."""
    match document:
        case {"type": "FeatureCollection", "features": list(features)}:
            return [geometry for feature in features for geometry in _geometries(feature)]
        case {"type": "Feature", "geometry": geometry}:
            return _geometries(geometry)
        case {"type": "GeometryCollection", "geometries": list(geometries)}:
            return [found for geometry in geometries for found in _geometries(geometry)]
        case {"type": str(), "coordinates": list()}:
            return [document]
        case _:
            raise ValidationError(
                _(
                    "This is JSON, but not GeoJSON: "
                    "it needs a `type` with `coordinates`, `geometry` or `features`."
                )
            )


def _polygons(geometry: dict[str, Any]) -> list[Polygon]:
    if geometry["type"] not in POLYGONS:
        raise ValidationError(
            _("The GeoJSON has a %(type)s; only polygons and multipolygons bound an area."),
            params={"type": geometry["type"]},
        )
    try:
        shape = GEOSGeometry(json.dumps(geometry), srid=4326)
    except (GDALException, GEOSException, ValueError) as error:
        raise ValidationError(
            _(
                "The GeoJSON's coordinates do not make a polygon: a ring needs at least four positions, "
                "the last the same as the first."
            )
        ) from error
    return [shape] if isinstance(shape, Polygon) else list(shape)


def _joined(polygons: list[Polygon]) -> MultiPolygon:
    joined: Any = MultiPolygon(polygons, srid=4326)
    if len(polygons) > 1 and all(polygon.valid for polygon in polygons):
        joined = joined.unary_union
    return joined if isinstance(joined, MultiPolygon) else MultiPolygon(joined, srid=4326)
