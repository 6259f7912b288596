"""The patches that a filter of the lead's desk lets through, as vector tiles."""

from __future__ import annotations

from django.db import connection
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from annotator.api.access import project_for
from annotator.api.desk import FILTERS, LEAD, wanted_in
from annotator.imagery import patch_tiles, rendering
from annotator.queries.desk_filter import DeskFilter


@method_decorator(gzip_page, name="dispatch")
class DeskTile(APIView):
    @extend_schema(responses={(200, patch_tiles.CONTENT_TYPE): OpenApiTypes.BINARY}, parameters=FILTERS)
    def get(self, request: Request, slug: str, z: int, x: int, y: int) -> HttpResponse:
        project = project_for(request, slug, LEAD)
        if z > rendering.MAX_TILE_ZOOM or x >= 2**z or y >= 2**z:
            raise NotFound(f"There is no tile {z}/{x}/{y}.")
        wanted = wanted_in(request, project)
        body = b""
        # Without a patch zoom there are no patches yet.
        if project.patch_zoom is not None:
            body = patch_tiles.read_patch_tile(
                project_id=project.pk,
                patch_zoom=project.patch_zoom,
                user_id=request.user.pk,
                x=x,
                y=y,
                z=z,
                told={},
                chosen="" if wanted.is_empty else chosen_sql(wanted),
            )
        return HttpResponse(
            body, content_type=patch_tiles.CONTENT_TYPE, headers={"Cache-Control": "private, no-cache"}
        )


def chosen_sql(wanted: DeskFilter) -> str:
    """The filter as SQL that selects ids, its values filled in by the database's own driver."""
    sql, values = wanted.chosen().order_by().values("pk").query.sql_with_params()
    return str(connection.ops.compose_sql(sql, values))
