"""How far the work is: by state, by class, and by area on a map and as a list."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from annotator.enums import PatchState, Role
from annotator.errors import TooManyTiles
from annotator.queries.documents import project_document
from annotator.queries.progress_parts import (
    MOST_LISTED,
    TileProgress,
    class_progress,
    finest_level,
    tile_document,
    tile_progress,
    usual_level,
)
from annotator.web.access import ProjectAccess, SignedInRequest, project_view
from annotator.web.progress import Progress

# So far inside, a tile's edge does not touch its neighbours: two metres, as indexes of places round to one.
_INSET_DEG = 2e-5


@require_safe
@project_view(Role.LEAD, Role.ML_STAFF)
def progress(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    project = access.project
    document = project_document(project, request.user)
    counts = document["patch_counts"]
    asked = request.GET.get("zoom", "")
    level = int(asked) if asked.isdecimal() and len(asked) < 3 else usual_level(project)
    tiles: list[TileProgress] = []
    complaint = ""
    try:
        tiles = tile_progress(project, level, MOST_LISTED)
    except TooManyTiles as error:
        complaint = error.detail
    context = access.context(
        progress=Progress(counts),
        classes=class_progress(project, counts[PatchState.APPROVED]),
        level=level,
        coarser=level - 1 if level else None,
        finer=level + 1
        if level < finest_level(project.patch_zoom or 0) and len(tiles) * 2 <= MOST_LISTED
        else None,
        complaint=complaint,
        tiles=[(tile, bbox_inside(tile)) for tile in tiles],
        tiles_json=[tile_document(tile) for tile in tiles],
        project_json=document,
    )
    return render(request, "progress.html", context, status=422 if complaint else 200)


def bbox_inside(tile: TileProgress) -> str:
    """The filter of the desk that finds the tile's patches and no neighbours."""
    west, south, east, north = tile.bounds
    edges: tuple[Any, ...] = (west + _INSET_DEG, south + _INSET_DEG, east - _INSET_DEG, north - _INSET_DEG)
    return ",".join(f"{degrees:.7f}" for degrees in edges)
