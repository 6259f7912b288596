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
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from annotator.api.problems import plain_problem
from annotator.enums import SceneState
from annotator.errors import MilpaError, NotReady
from annotator.imagery import composites, parcel_tiles, patch_tiles, tiles
from annotator.models import Project, Scene
from annotator.queries.access import member_roles

_WEEK_SECONDS = 7 * 24 * 3600


class _NotSignedIn(MilpaError):
    code = "not-signed-in"
    status = 401
    title = "Sign in first"


class _NotFound(MilpaError):
    code = "not-found"
    status = 404
    title = "There is no such thing, or it is not yours to see"


@require_safe
def scene_tile(request: HttpRequest, scene_id: int, z: int, x: int, y: int) -> HttpResponse:
    """A ready scene's tile for the members of its project, as a WebP image of 256 x 256 pixels.

    ``?composite=`` names one of the scene's band combinations.
    """
    try:
        user = _person(request)
        _check_tile(x, y, z)
        scene = Scene.objects.filter(pk=scene_id).defer("footprint", "crs").first()
        if scene is None or not member_roles(user, scene.project_id):
            raise _NotFound("There is no such scene, or it belongs to a project that you are no member of.")
        if scene.state != SceneState.READY:
            raise NotReady(f"The scene is {scene.get_state_display()}; its tiles are there once it is ready.")
        composite = request.GET.get("composite", composites.NATURAL)
        known = composites.composites_of(scene.band_names)
        if composite not in known:
            raise _NotFound(f"The scene can be seen as {', '.join(known)} only.")
        etag = f'"{tiles.tile_stamp(scene)}-{composite}-{z}-{x}-{y}"'
        response = get_conditional_response(request, etag) or HttpResponse(
            composites.render_composite(scene, composite, x, y, z), content_type=tiles.CONTENT_TYPE
        )
    except MilpaError as error:
        return plain_problem(error)
    # The stamp in the address changes with the display, so what lies under it never changes.
    lasting = f"max-age={_WEEK_SECONDS}, immutable" if "v" in request.GET else "no-cache"
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = f"private, {lasting}"
    return response


@require_safe
@gzip_page
def patch_tile(request: HttpRequest, slug: str, z: int, x: int, y: int) -> HttpResponse:
    """The patches of a project for its members, as a Mapbox Vector Tile."""

    def read(project: Project, user: User, patch_zoom: int) -> bytes:
        return patch_tiles.read_patch_tile(
            project_id=project.pk, patch_zoom=patch_zoom, user_id=user.pk, x=x, y=y, z=z
        )

    return _vector_tile(request, slug, (z, x, y), read)


@require_safe
@gzip_page
def parcel_tile(request: HttpRequest, slug: str, z: int, x: int, y: int) -> HttpResponse:
    """The parcels of a project for its members, likewise."""

    def read(project: Project, user: User, patch_zoom: int) -> bytes:
        return parcel_tiles.read_parcel_tile(project_id=project.pk, patch_zoom=patch_zoom, x=x, y=y, z=z)

    return _vector_tile(request, slug, (z, x, y), read)


def _vector_tile(
    request: HttpRequest,
    slug: str,
    tile: tuple[int, int, int],
    read: Callable[[Project, User, int], bytes],
) -> HttpResponse:
    z, x, y = tile
    try:
        user = _person(request)
        _check_tile(x, y, z)
        project = Project.objects.filter(slug=slug).defer("area_of_interest").first()
        if project is None or not member_roles(user, project.pk):
            raise _NotFound("There is no such project, or you are no member of it.")
    except MilpaError as error:
        return plain_problem(error)
    # Without a patch zoom there are no patches yet.
    body = b"" if project.patch_zoom is None else read(project, user, project.patch_zoom)
    etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    fresh = HttpResponse(body, content_type=patch_tiles.CONTENT_TYPE, headers=headers)
    return get_conditional_response(request, etag, response=fresh) or fresh


def _person(request: HttpRequest) -> User:
    """Whoever is signed in or sends a valid token. Raises _NotSignedIn."""
    if request.user.is_authenticated:
        return request.user
    try:
        found = TokenAuthentication().authenticate(request)  # type: ignore[arg-type]  # reads headers only
    except AuthenticationFailed as error:
        raise _NotSignedIn(
            f"{error.detail} Send `Authorization: Token ...` with a token of yours."
        ) from error
    if found is None:
        raise _NotSignedIn("Sign in to see this, or send `Authorization: Token ...`.")
    person: User = found[0]
    return person


def _check_tile(x: int, y: int, z: int) -> None:
    if z > tiles.MAX_TILE_ZOOM or x >= 2**z or y >= 2**z:
        raise _NotFound(f"There is no tile {z}/{x}/{y}.")
