"""How a scene's tile is answered, and who was found a moment ago to be allowed to see it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

from annotator.api.access import NotFound
from annotator.errors import MilpaError
from annotator.imagery import rendering
from annotator.imagery.composites import NATURAL, Composite, composites_of, render_composite
from annotator.imagery.display_blocks import EMPTY, block_of
from annotator.models import Scene
from annotator.queries.composites import own_composites

_ADDRESS = re.compile(r"/tiles/scenes/(\d{1,18})/(\d{1,2})/(\d{1,9})/(\d{1,9})")
_STAMP = re.compile(r"(?:^|&)v=([0-9a-f]{1,64})(?:&|$)")
_WEEK_SECONDS = 7 * 24 * 3600
_GRANTS_KEPT = 4096
_MAX_CREDENTIALS = 4096


@dataclass(frozen=True)
class Shown:
    """A ready scene, the stamp of its present display, and the band combinations that it has, by their keys."""

    scene: Scene
    stamp: str
    composites: Mapping[str, Composite]
    has_copy: bool

    @classmethod
    def of(cls, scene: Scene) -> Shown:
        stamp = rendering.tile_stamp(scene)
        known = {one.key: one for one in composites_of(scene.band_names, own_composites(scene.project_id))}
        return cls(scene, stamp, known, bool(scene.display_copy_name) and scene.display_copy_stamp == stamp)


_Key = tuple[str, str, int, str]
_grants: dict[_Key, tuple[float, Shown]] = {}


def remember(request: HttpRequest, shown: Shown) -> None:
    """Lets the same credentials see the scene as it is shown now for ``settings.TILE_GRANT_SECONDS`` unasked."""
    key = _key(request, shown.scene.pk)
    if key is None:
        return
    if len(_grants) >= _GRANTS_KEPT:
        _grants.clear()
    _grants[key] = (time.monotonic() + settings.TILE_GRANT_SECONDS, shown)


class TileDoor:
    """Answers for tiles of a scene that the same person was allowed to see seconds ago; all else passes through.

    The session, the person, the scene and the roles are asked for once in `TILE_GRANT_SECONDS`, not once a tile, so
    that whoever is no longer a member sees tiles no longer than that. It comes before all other middleware, as their
    work is of no use to an image.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        place = _ADDRESS.fullmatch(request.path_info)
        if place is None or request.method not in ("GET", "HEAD"):
            return self._get_response(request)
        scene_id, z, x, y = (int(number) for number in place.groups())
        shown = _granted(request, scene_id)
        if shown is not None:
            try:
                composite = _composite(request, shown)
                # Without the stamp of what was written it may have been written anew.
                if not composite.stamp or composite.stamp == request.GET.get("stamp"):
                    return answer(request, shown, x, y, z)
            except MilpaError:
                # Told in the person's language, and only while it is still so.
                pass
        return self._get_response(request)


def answer(request: HttpRequest, shown: Shown, x: int, y: int, z: int) -> HttpResponse:
    """The tile for somebody who may see it; 304 for whoever has it. Raises MilpaError."""
    check_tile(x, y, z)
    composite = _composite(request, shown)
    kind = "copy" if shown.has_copy and composite == NATURAL else composite.key + composite.stamp
    etag = f'"{shown.stamp}-{kind}-{z}-{x}-{y}"'
    response = None
    if "HTTP_IF_NONE_MATCH" in request.META or "HTTP_IF_MATCH" in request.META:
        response = get_conditional_response(request, etag)
    if response is None:
        response = HttpResponse(_body(shown, composite, x, y, z), content_type=rendering.CONTENT_TYPE)
    # The stamps in the address change with the display, so what lies under them never changes.
    is_stamped = _stamp(request) == shown.stamp and (
        not composite.stamp or composite.stamp == request.GET.get("stamp")
    )
    lasting = f"max-age={_WEEK_SECONDS}, immutable" if is_stamped else "no-cache"
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = f"private, {lasting}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def check_tile(x: int, y: int, z: int) -> None:
    """Raises NotFound for a tile that does not exist."""
    if z > rendering.MAX_TILE_ZOOM or x >= 2**z or y >= 2**z:
        raise NotFound(f"There is no tile {z}/{x}/{y}.")


def _composite(request: HttpRequest, shown: Shown) -> Composite:
    """The band combination that is asked for. Raises NotFound for one that the scene does not have."""
    if "composite=" not in request.META.get("QUERY_STRING", ""):
        return NATURAL
    composite = shown.composites.get(request.GET.get("composite", NATURAL.key))
    if composite is None:
        raise NotFound(f"The scene can be seen as {', '.join(shown.composites)} only.")
    return composite


def _body(shown: Shown, composite: Composite, x: int, y: int, z: int) -> bytes:
    scene = shown.scene
    if shown.has_copy:
        block = block_of(scene.display_copy_path, x, y, z)
        # Where nothing is to be seen in its own colours, there is nothing in others.
        if block == EMPTY:
            return rendering.EMPTY_TILE
        if block is not None and composite == NATURAL:
            return block
    return render_composite(scene, composite, x, y, z)


def _granted(request: HttpRequest, scene_id: int) -> Shown | None:
    key = _key(request, scene_id)
    grant = _grants.get(key) if key else None
    return grant[1] if grant is not None and grant[0] > time.monotonic() else None


def _key(request: HttpRequest, scene_id: int) -> _Key | None:
    cookies, token = request.META.get("HTTP_COOKIE", ""), request.META.get("HTTP_AUTHORIZATION", "")
    stamp = _stamp(request)
    if not stamp or (not cookies and not token) or len(cookies) + len(token) > _MAX_CREDENTIALS:
        return None
    return cookies, token, scene_id, stamp


def _stamp(request: HttpRequest) -> str:
    """Of the display that the address names; empty where it names none."""
    found = _STAMP.search(request.META.get("QUERY_STRING", ""))
    return found[1] if found else ""
