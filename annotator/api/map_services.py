"""The imagery for other programs: QGIS, GDAL and web maps open it by address, with a token or a session."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from annotator.api.access import NotFound, person_of
from annotator.api.problems import plain_problem
from annotator.enums import SceneState
from annotator.errors import MilpaError, NotReady
from annotator.imagery.composites import NATURAL, composites_of
from annotator.models import Project, Scene
from annotator.queries.access import member_roles
from annotator.queries.composites import own_composites
from annotator.queries.map_services import Absolute, tilejson, wmts_capabilities

# The addresses in it change with the display, so that it is asked for anew each time.
_HEADERS = {"Cache-Control": "private, no-cache"}


@require_safe
def scene_tilejson(request: HttpRequest, scene_id: int) -> HttpResponse:
    """A scene as TileJSON for the members of its project; ``?composite=`` as for its tiles."""
    try:
        user = person_of(request)
        scene = Scene.objects.filter(pk=scene_id).select_related("project").first()
        if scene is None or not member_roles(user, scene.project_id):
            raise NotFound("There is no such scene, or it belongs to a project that you are no member of.")
        if scene.state != SceneState.READY:
            raise NotReady(f"The scene is {scene.get_state_display()}; its tiles are there once it is ready.")
        known = {one.key: one for one in composites_of(scene.band_names, own_composites(scene.project_id))}
        composite = known.get(request.GET.get("composite", NATURAL.key))
        if composite is None:
            raise NotFound(f"The scene can be seen as {', '.join(known)} only.")
    except MilpaError as error:
        return plain_problem(error)
    return JsonResponse(tilejson(scene, composite, _absolute(request)), headers=_HEADERS)


@require_safe
def project_wmts(request: HttpRequest, slug: str) -> HttpResponse:
    """The capabilities of a project's imagery as WMTS for its members: a layer for each scene and combination."""
    try:
        user = person_of(request)
        project = Project.objects.filter(slug=slug).first()
        if project is None or not member_roles(user, project.pk):
            raise NotFound("There is no such project, or you are no member of it.")
    except MilpaError as error:
        return plain_problem(error)
    scenes = project.scenes.filter(state=SceneState.READY)
    address = request.build_absolute_uri(request.path)
    body = wmts_capabilities(project, scenes, own_composites(project.pk), _absolute(request), address)
    return HttpResponse(body, content_type="application/xml", headers=_HEADERS)


def _absolute(request: HttpRequest) -> Absolute:
    origin = request.build_absolute_uri("/").rstrip("/")
    # Joined by hand: the braces of a template are not to be escaped.
    return lambda path: f"{origin}{path}"
