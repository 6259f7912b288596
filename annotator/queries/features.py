"""Parcels and patches as GeoJSON features, page by page, for whoever reads a project by OGC API Features."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.gis.db.models import Extent
from django.contrib.gis.db.models.functions import AsGeoJSON, Transform
from django.contrib.gis.geos import Polygon
from django.db.models import Exists, Model, OuterRef, QuerySet

from annotator.models import Parcel, ParcelPiece, Patch
from annotator.queries.gold import User, disguises, hidden_gold
from annotator.queries.labels import legend_of

Feature = dict[str, Any]
Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees."""

# A tenth of a millimetre; corners that neighbours share are rounded alike.
_DECIMALS = 9


@dataclass(frozen=True)
class Wanted:
    """Which features: within bounds, changed within a time (an open end is None), after an id, and ``where`` their
    fields are so."""

    bounds: Bounds | None = None
    since: datetime | None = None
    until: datetime | None = None
    after_id: int = 0
    where: Mapping[str, Any] = field(default_factory=dict)


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
    properties: Callable[[int, User, Sequence[Any]], dict[int, dict[str, Any]]]
    has_time: bool

    def bounds(self, project_id: int, user: User) -> Bounds | None:
        """Around everything in the collection that the person sees; None where that is nothing."""
        extent = self._rows(project_id, user).aggregate(extent=Extent(self.outline))["extent"]
        if extent is None:
            return None
        box = Polygon.from_bbox(extent)
        box.srid = 3857
        box.transform(4326)
        west, south, east, north = box.extent
        return west, south, east, north

    def page(self, project_id: int, user: User, wanted: Wanted, limit: int) -> FeaturePage:
        """The features in the order of their ids; those that have no time match any."""
        rows = self._rows(project_id, user)
        if wanted.bounds is not None:
            box = Polygon.from_bbox(wanted.bounds)
            box.srid = 4326
            rows = rows.filter(**{f"{self.outline}__intersects": box.transform(3857, clone=True)})
        if self.has_time and wanted.since is not None:
            rows = rows.filter(changed_at__gte=wanted.since)
        if self.has_time and wanted.until is not None:
            rows = rows.filter(changed_at__lte=wanted.until)
        rows = rows.filter(**wanted.where)
        matched = rows.count()
        found = list(self._drawn(rows.filter(pk__gt=wanted.after_id))[: limit + 1])
        features = self._features(project_id, user, found[:limit])
        return FeaturePage(features, matched, found[limit - 1].pk if len(found) > limit else None)

    def one(self, project_id: int, user: User, feature_id: int) -> Feature | None:
        rows = self._drawn(self._rows(project_id, user).filter(pk=feature_id))
        features = self._features(project_id, user, list(rows))
        return features[0] if features else None

    def _rows(self, project_id: int, user: User) -> QuerySet[Any]:
        rows = self.model._default_manager.filter(project_id=project_id)
        if self.model is not Parcel:
            return rows
        # What a person has to take for a patch that nobody drew has no parcels to them.
        hidden = hidden_gold([project_id], user).values("patch_id")
        return rows.exclude(Exists(ParcelPiece.objects.filter(parcel=OuterRef("pk"), patch__in=hidden)))

    def _drawn(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        geojson = AsGeoJSON(Transform(self.outline, 4326), precision=_DECIMALS)
        return rows.defer(self.outline).annotate(geojson=geojson).order_by("pk")

    def _features(self, project_id: int, user: User, rows: Sequence[Any]) -> list[Feature]:
        properties = self.properties(project_id, user, rows)
        return [
            {
                "type": "Feature",
                "id": row.pk,
                "geometry": json.loads(row.geojson),
                "properties": properties[row.pk],
            }
            for row in rows
        ]


def _of_patches(project_id: int, user: User, rows: Sequence[Patch]) -> dict[int, dict[str, Any]]:
    seen = {one.patch_id: one.seen for one in disguises([project_id], user)}
    return {row.pk: {"quadkey": row.quadkey, "state": str(seen.get(row.pk, row.state))} for row in rows}


def _of_parcels(project_id: int, user: User, rows: Sequence[Parcel]) -> dict[int, dict[str, Any]]:
    names = {one.value: one.name for one in legend_of(project_id)}
    people: dict[int, set[str]] = defaultdict(set)
    versions: dict[int, set[int]] = defaultdict(set)
    revisions: dict[int, set[int]] = defaultdict(set)
    correctors: dict[int, set[str]] = defaultdict(set)
    pieces = ParcelPiece.objects.filter(parcel__in=[row.pk for row in rows]).values_list(
        "parcel_id",
        "revision_id",
        "revision__author__username",
        "revision__proposal__model_version__number",
        "kept_pixels",
        "pixel_count",
    )
    for parcel_id, revision_id, person, version, kept_pixels, pixel_count in pieces:
        revisions[parcel_id].add(revision_id)
        people[parcel_id].add(person)
        if version is not None:
            versions[parcel_id].add(version)
        if kept_pixels is not None and kept_pixels < pixel_count:
            correctors[parcel_id].add(person)
    return {
        row.pk: {
            "class": names.get(row.value, ""),
            "value": row.value,
            "area_m2": round(row.area_m2, 2),
            "origin": row.origin,
            "kept_share": row.kept_share,
            "confidence": row.confidence,
            "people": sorted(people[row.pk]),
            "corrected_by": sorted(correctors[row.pk]),
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
        has_time=True,
    ),
    "patches": Collection(
        "Patches",
        "The squares that people work on, with the state of each.",
        Patch,
        "square",
        _of_patches,
        has_time=False,
    ),
}
