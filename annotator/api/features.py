"""OGC API Features, Part 1 (core and GeoJSON): a project's parcels and patches for QGIS, GDAL and others.

`/ogc/projects/<slug>` is the landing page, to which the standard's paths are added.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for
from annotator.api.boxes import bounds_in
from annotator.api.narrowing import Narrowing, ParcelNarrowing
from annotator.models import Project
from annotator.queries.features import COLLECTIONS, Collection, Wanted

CONFORMANCE = [
    f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{part}" for part in ("core", "geojson")
]
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
DEFAULT_LIMIT, MAX_LIMIT = 500, 5000
_KNOWN_PARAMETERS = {"limit", "bbox", "datetime", "after", "f", "format"}
# What the features of a collection are narrowed by besides.
_NARROWED = {"parcels": ParcelNarrowing, "patches": Narrowing}
_PARAMETERS = [
    OpenApiParameter("limit", int, description=f"Features a page, up to {MAX_LIMIT}."),
    OpenApiParameter("bbox", str, description="west,south,east,north in degrees"),
    OpenApiParameter(
        "datetime", str, description="when they changed: an instant, or start/end with .. for open"
    ),
    OpenApiParameter("after", int, description="the id after which the page begins; `next` links have it"),
]


class GeoJSONRenderer(JSONRenderer):
    media_type = "application/geo+json"
    format = "geojson"


class FeatureView(APIView):
    def root(self, request: Request, project: Project) -> str:
        return request.build_absolute_uri(f"/ogc/projects/{project.slug}")

    def collection(self, name: str) -> Collection:
        if name not in COLLECTIONS:
            raise Http404
        return COLLECTIONS[name]


class Landing(FeatureView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug)
        root = self.root(request, project)
        api = request.build_absolute_uri("/api/v1/schema/")
        return Response(
            {
                "title": project.name,
                "description": project.description,
                "links": [
                    _link(root, "self", "This document"),
                    _link(api, "service-desc", "The API", "application/vnd.oai.openapi"),
                    _link(f"{root}/conformance", "conformance", "What this conforms to"),
                    _link(f"{root}/collections", "data", "Parcels and patches"),
                ],
            }
        )


class Conformance(FeatureView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        project_for(request, slug)
        return Response({"conformsTo": CONFORMANCE})


class Collections(FeatureView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug)
        root = self.root(request, project)
        return Response(
            {
                "links": [_link(f"{root}/collections", "self", "This document")],
                "collections": [_description(request, root, project, name) for name in COLLECTIONS],
            }
        )


class CollectionDetail(FeatureView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, name: str) -> Response:
        project = project_for(request, slug)
        self.collection(name)
        return Response(_description(request, self.root(request, project), project, name))


class Items(FeatureView):
    renderer_classes = [GeoJSONRenderer, JSONRenderer]

    @extend_schema(parameters=[*_PARAMETERS, ParcelNarrowing], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, name: str) -> Response:
        project = project_for(request, slug)
        given = request.query_params
        collection, narrowing = self.collection(name), _NARROWED[name]
        if unknown := sorted(given.keys() - _KNOWN_PARAMETERS - narrowing().fields.keys()):
            raise ValidationError({key: ["Leave it out: it is not known here."] for key in unknown})
        since, until = _time_span(given.get("datetime"))
        limit = min(_whole_number(given.get("limit"), "limit", DEFAULT_LIMIT, least=1), MAX_LIMIT)
        after = _whole_number(given.get("after"), "after", 0, least=0)
        where = narrowing.conditions(request)
        wanted = Wanted(bounds_in(given.get("bbox")), since, until, after, where)
        page = collection.page(project.pk, request.user, wanted, limit)
        here = f"{self.root(request, project)}/collections/{name}/items"
        links = [_link(f"{here}?{given.urlencode()}", "self", "This page", GeoJSONRenderer.media_type)]
        if page.last_id is not None:
            query = urlencode({**given.dict(), "after": page.last_id})
            links.append(_link(f"{here}?{query}", "next", "The next page", GeoJSONRenderer.media_type))
        return Response(
            {
                "type": "FeatureCollection",
                "links": links,
                "timeStamp": timezone.now().isoformat(),
                "numberMatched": page.matched,
                "numberReturned": len(page.features),
                "features": page.features,
            }
        )


class Item(FeatureView):
    renderer_classes = [GeoJSONRenderer, JSONRenderer]

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, name: str, feature_id: int) -> Response:
        project = project_for(request, slug)
        feature = self.collection(name).one(project.pk, request.user, feature_id)
        if feature is None:
            raise Http404
        there = f"{self.root(request, project)}/collections/{name}"
        links = [
            _link(f"{there}/items/{feature_id}", "self", "This feature", GeoJSONRenderer.media_type),
            _link(there, "collection", "The collection"),
        ]
        return Response({**feature, "links": links})


def _link(href: str, rel: str, title: str, media_type: str = "application/json") -> dict[str, str]:
    return {"href": href, "rel": rel, "type": media_type, "title": title}


def _description(request: Request, root: str, project: Project, name: str) -> dict[str, Any]:
    collection, there = COLLECTIONS[name], f"{root}/collections/{name}"
    bounds = collection.bounds(project.pk, request.user)
    return {
        "id": name,
        "title": f"{project.name}: {collection.title}",
        "description": collection.description,
        "itemType": "feature",
        "crs": [CRS84],
        **({"extent": {"spatial": {"bbox": [bounds], "crs": CRS84}}} if bounds else {}),
        "links": [
            _link(there, "self", collection.title),
            _link(f"{there}/items", "items", collection.title, GeoJSONRenderer.media_type),
        ],
    }


def _whole_number(text: str | None, name: str, default: int, *, least: int) -> int:
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text[:20]) < 2**63:
        raise ValidationError({name: [f"Write a whole number from {least} on."]})
    return int(text)


def _time_span(text: str | None) -> tuple[datetime | None, datetime | None]:
    if text is None:
        return None, None
    start, slash, end = text.partition("/")
    return _moment(start, time.min), _moment(end if slash else start, time.max)


def _moment(text: str, of_day: time) -> datetime | None:
    if text in ("", ".."):
        return None
    try:
        moment = parse_datetime(text.replace(" ", "+"))
        day = parse_date(text)
    except ValueError:
        moment = day = None
    if day is not None:
        moment = datetime.combine(day, of_day)
    if moment is None:
        raise ValidationError({"datetime": ["Write a time as in 2026-05-01T00:00:00Z, or start/end."]})
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
