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
from annotator.api.authentication import READERS
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
    authentication_classes = READERS

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
    @extend_schema(operation_id="ogc_projects_collections_list", responses=OpenApiTypes.OBJECT)
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
