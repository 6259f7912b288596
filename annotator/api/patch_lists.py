"""The patches of a project as a list, narrowed by state, place, and whether chance drew them."""

from __future__ import annotations

from django.contrib.gis.geos import Polygon
from django.db.models import Q
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for
from annotator.api.answers import PAGE_PARAMETERS, page
from annotator.api.boxes import bounds_in
from annotator.api.pagination import page_of
from annotator.enums import PatchState
from annotator.queries import document_types as types
from annotator.queries.documents import patch_summary
from annotator.queries.gold import disguises
from annotator.queries.review_list import without_open_seconds

_NARROWING = [
    OpenApiParameter("state", str, enum=PatchState.values),
    OpenApiParameter("bbox", str, description="west,south,east,north in degrees: the patches that meet it"),
    OpenApiParameter("audit", str, enum=["1"], description="only those of the random sample"),
    OpenApiParameter("awaits", str, enum=["review"], description="only those that can be reviewed now"),
]


class ProjectPatches(APIView):
    @extend_schema(responses=page(types.PatchRow), parameters=[*_NARROWING, *PAGE_PARAMETERS])
    def get(self, request: Request, slug: str) -> Response:
        project, given = project_for(request, slug), request.query_params
        rows = project.patches.all()
        seen = {one.patch_id: one.seen for one in disguises([project.pk], request.user)}
        if given.get("audit") == "1":
            rows = rows.filter(is_audit=True)
        if state := given.get("state"):
            if state not in PatchState.values:
                raise ValidationError({"state": [f"Name one of {', '.join(PatchState.values)}."]})
            as_seen = [pk for pk, other in seen.items() if other == state]
            rows = rows.filter(Q(state=state) & ~Q(pk__in=list(seen)) | Q(pk__in=as_seen))
        if (bounds := bounds_in(given.get("bbox"))) is not None:
            box = Polygon.from_bbox(bounds)
            box.srid = 4326
            rows = rows.filter(square__bboverlaps=box.transform(3857, clone=True))
        if given.get("awaits") == "review":
            rows = without_open_seconds(rows)
        return page_of(request, rows, lambda patch: patch_summary(patch, seen.get(patch.pk)))
