"""Parcels and patches as GeoJSON features, page by page, for whoever reads a project by OGC API Features."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.gis.db.models import Extent
from django.contrib.gis.db.models.functions import AsGeoJSON, Transform
from django.contrib.gis.geos import Polygon
from django.db.models import Model, QuerySet

from annotator.models import Parcel, ParcelPiece, Patch
from annotator.queries.labels import legend_of

Feature = dict[str, Any]
Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees."""

# A tenth of a millimetre; corners that neighbours share are rounded alike.
_DECIMALS = 9


@dataclass(frozen=True)
class Wanted:
    """Which features: within bounds, changed within a time (an open end is None), and after an id."""

    bounds: Bounds | None = None
    since: datetime | None = None
    until: datetime | None = None
    after_id: int = 0


@dataclass(frozen=True)
class FeaturePage:
    """``last_id`` is that of the last feature where more follow, else None."""

    features: list[Feature]
    matched: int
    last_id: int | None


@dataclass(frozen=True)
class Collection:
    """Rows that are read as features; ``outline`` names their geometry, in EPSG:3857."""

    title: str
    description: str
    model: type[Model]
    outline: str
    properties: Callable[[int, Sequence[Any]], dict[int, dict[str, Any]]]

    def bounds(self, project_id: int) -> Bounds | None:
        """Around everything in the collection; None where it is empty."""
        extent = self._rows(project_id).aggregate(extent=Extent(self.outline))["extent"]
        if extent is None:
            return None
        box = Polygon.from_bbox(extent)
        box.srid = 3857
        box.transform(4326)
        west, south, east, north = box.extent
        return west, south, east, north

    def page(self, project_id: int, wanted: Wanted, limit: int) -> FeaturePage:
        """The features in the order of their ids."""
        rows = self._rows(project_id)
        if wanted.bounds is not None:
            box = Polygon.from_bbox(wanted.bounds)
            box.srid = 4326
            rows = rows.filter(**{f"{self.outline}__intersects": box.transform(3857, clone=True)})
        if wanted.since is not None:
            rows = rows.filter(changed_at__gte=wanted.since)
        if wanted.until is not None:
            rows = rows.filter(changed_at__lte=wanted.until)
        matched = rows.count()
        found = list(self._drawn(rows.filter(pk__gt=wanted.after_id))[: limit + 1])
        features = self._features(project_id, found[:limit])
        return FeaturePage(features, matched, found[limit - 1].pk if len(found) > limit else None)

    def one(self, project_id: int, feature_id: int) -> Feature | None:
        features = self._features(project_id, list(self._drawn(self._rows(project_id).filter(pk=feature_id))))
        return features[0] if features else None

    def _rows(self, project_id: int) -> QuerySet[Any]:
        return self.model._default_manager.filter(project_id=project_id)

    def _drawn(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        geojson = AsGeoJSON(Transform(self.outline, 4326), precision=_DECIMALS)
        return rows.defer(self.outline).annotate(geojson=geojson).order_by("pk")

    def _features(self, project_id: int, rows: Sequence[Any]) -> list[Feature]:
        properties = self.properties(project_id, rows)
        return [
            {
                "type": "Feature",
                "id": row.pk,
                "geometry": json.loads(row.geojson),
                "properties": properties[row.pk],
            }
            for row in rows
        ]


def _of_patches(project_id: int, rows: Sequence[Patch]) -> dict[int, dict[str, Any]]:
    return {
        row.pk: {"quadkey": row.quadkey, "state": row.state, "changed_at": row.changed_at.isoformat()}
        for row in rows
    }


def _of_parcels(project_id: int, rows: Sequence[Parcel]) -> dict[int, dict[str, Any]]:
    names = {one.value: one.name for one in legend_of(project_id)}
    people: dict[int, set[str]] = defaultdict(set)
    versions: dict[int, set[int]] = defaultdict(set)
    revisions: dict[int, set[int]] = defaultdict(set)
    pieces = ParcelPiece.objects.filter(parcel__in=[row.pk for row in rows]).values_list(
        "parcel_id", "revision_id", "revision__author__username", "revision__proposal__model_version__number"
    )
    for parcel_id, revision_id, person, version in pieces:
        revisions[parcel_id].add(revision_id)
        people[parcel_id].add(person)
        if version is not None:
            versions[parcel_id].add(version)
    return {
        row.pk: {
            "class": names.get(row.value, ""),
            "value": row.value,
            "area_m2": round(row.area_m2, 2),
            "origin": row.origin,
            "kept_share": row.kept_share,
            "confidence": row.confidence,
            "people": sorted(people[row.pk]),
            "model_versions": sorted(versions[row.pk]),
            "revisions": sorted(revisions[row.pk]),
            "changed_at": row.changed_at.isoformat(),
        }
        for row in rows
    }


COLLECTIONS = {
    "parcels": Collection(
        "Parcels",
        "Polygons derived from approved masks, with area, class, origin and confidence.",
        Parcel,
        "outline",
        _of_parcels,
    ),
    "patches": Collection(
        "Patches", "The squares that people work on, with the state of each.", Patch, "square", _of_patches
    ),
}
