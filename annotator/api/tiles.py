"""Image tiles of scenes and vector tiles of patches and parcels.

Plain Django views, since a map asks for dozens at once and REST framework would double the time of a cached one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from annotator.api import scene_tiles
from annotator.api.access import NotFound, person_of
from annotator.api.problems import plain_problem
from annotator.enums import SceneState
from annotator.errors import MilpaError, NotReady
from annotator.imagery import parcel_tiles, patch_tiles
from annotator.models import Project, Scene
from annotator.queries.access import member_roles
from annotator.queries.gold import disguises, hidden_gold, stand_ins


@require_safe
def scene_tile(request: HttpRequest, scene_id: int, z: int, x: int, y: int) -> HttpResponse:
    """A ready scene's tile for the members of its project, as a WebP image of 256 x 256 pixels.

    ``?composite=`` names one of the scene's band combinations. ``?v=`` is the stamp of its display, as it is in the
    scene's ``tile_url``: what lies under it never changes, so that browsers may keep it.
    """
    try:
        user = person_of(request)
        scene = Scene.objects.filter(pk=scene_id).defer("footprint", "crs").first()
        if scene is None or not member_roles(user, scene.project_id):
            raise NotFound("There is no such scene, or it belongs to a project that you are no member of.")
        if scene.state != SceneState.READY:
            raise NotReady(f"The scene is {scene.get_state_display()}; its tiles are there once it is ready.")
        shown = scene_tiles.Shown.of(scene)
        if request.GET.get("v") == shown.stamp:
            scene_tiles.remember(request, shown)
        return scene_tiles.answer(request, shown, x, y, z)
    except MilpaError as error:
        return plain_problem(error)


@require_safe
@gzip_page
def patch_tile(request: HttpRequest, slug: str, z: int, x: int, y: int) -> HttpResponse:
    """The patches of a project for its members, as a Mapbox Vector Tile."""

    def read(project: Project, user: User, patch_zoom: int) -> bytes:
        others = {one.patch_id: one.seen for one in disguises([project.pk], user)}
        places = stand_ins(project.pk, others)
        return patch_tiles.read_patch_tile(
            project_id=project.pk,
            patch_zoom=patch_zoom,
            user_id=user.pk,
            x=x,
            y=y,
            z=z,
            told={pk: (seen, places[pk]["score"]) for pk, seen in others.items()},
        )

    return _vector_tile(request, slug, (z, x, y), read)


@require_safe
@gzip_page
def parcel_tile(request: HttpRequest, slug: str, z: int, x: int, y: int) -> HttpResponse:
    """The parcels of a project for its members, likewise."""

    def read(project: Project, user: User, patch_zoom: int) -> bytes:
        hidden = hidden_gold([project.pk], user).values_list("patch_id", flat=True)
        return parcel_tiles.read_parcel_tile(
            project_id=project.pk, patch_zoom=patch_zoom, x=x, y=y, z=z, hidden=list(hidden)
        )

    return _vector_tile(request, slug, (z, x, y), read)


def _vector_tile(
    request: HttpRequest,
    slug: str,
    tile: tuple[int, int, int],
    read: Callable[[Project, User, int], bytes],
) -> HttpResponse:
    z, x, y = tile
    try:
        user = person_of(request)
        scene_tiles.check_tile(x, y, z)
        project = Project.objects.filter(slug=slug).defer("area_of_interest").first()
        if project is None or not member_roles(user, project.pk):
            raise NotFound("There is no such project, or you are no member of it.")
    except MilpaError as error:
        return plain_problem(error)
    # Without a patch zoom there are no patches yet.
    body = b"" if project.patch_zoom is None else read(project, user, project.patch_zoom)
    etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    fresh = HttpResponse(body, content_type=patch_tiles.CONTENT_TYPE, headers=headers)
    return get_conditional_response(request, etag, response=fresh) or fresh
