"""The patches that a filter of the lead's desk lets through, as vector tiles."""

from __future__ import annotations

from django.db import connection
from django.db.models import F
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from annotator.api.access import project_for
from annotator.api.desk import FILTERS, LEAD, wanted_in
from annotator.imagery import patch_tiles, rendering
from annotator.queries.desk_filter import DeskFilter

MOST_OF_WORK = 4 * patch_tiles.MOST_COUNTED


@method_decorator(gzip_page, name="dispatch")
class DeskTile(APIView):
    """Far out, a tile counts so many of the chosen patches at most and says so; with `whole` it counts all."""

    @extend_schema(
        responses={(200, patch_tiles.CONTENT_TYPE): OpenApiTypes.BINARY},
        parameters=[
            *FILTERS,
            OpenApiParameter("whole", bool, description="Count all, however long it takes."),
        ],
    )
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
                state=wanted.cleaned_data["state"],
                chosen="" if wanted.is_state_at_most else chosen_sql(wanted, (x, y, z)),
                most=None if request.query_params.get("whole") else most_counted(wanted),
            )
        return HttpResponse(
            body, content_type=patch_tiles.CONTENT_TYPE, headers={"Cache-Control": "private, no-cache"}
        )


def chosen_sql(wanted: DeskFilter, tile: tuple[int, int, int]) -> str:
    """What the filter lets through of a tile (x, y, z), as SQL, its values filled in by the database's own driver."""
    first, beyond = patch_tiles.keys_in(*tile, wanted.project.patch_zoom or 0)
    work = wanted.work()
    # Rows of work are read from an index alone.
    rows = wanted.chosen().values("id") if work is None else work.values(id=F("patch_id"))
    rows = (
        rows.filter(quadkey__gte=first, quadkey__lt=beyond).order_by().values_list("id", "quadkey", "state")
    )
    sql, values = rows.query.sql_with_params()
    return str(connection.ops.compose_sql(sql, values))


def most_counted(wanted: DeskFilter) -> int:
    """So many are counted well below 200 ms."""
    return patch_tiles.MOST_COUNTED if wanted.work() is None else MOST_OF_WORK
