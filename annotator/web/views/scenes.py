from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from annotator.domain.display_copies import cancel_display_copy, request_display_copy
from annotator.domain.ingest import cancel_ingest, retry_ingest
from annotator.domain.placement import correct_place
from annotator.domain.scenes import add_scene, change_display
from annotator.enums import Role, SceneState
from annotator.errors import MilpaError
from annotator.models import Scene
from annotator.notices import tell
from annotator.queries.documents import ground_shift_m, project_document
from annotator.web.access import ProjectAccess, SignedInRequest, project_view
from annotator.web.forms.scenes import DisplayForm, PlaceForm, SceneForm


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.LEAD)
def scene_new(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    form = SceneForm(request.POST or None, request.FILES or None)
    if request.method != "POST":
        return render(request, "scene_new.html", access.context(form=form))
    if form.is_valid():
        values = form.cleaned_data
        try:
            scene = add_scene(project=access.project, user=request.user, upload=values.pop("file"), **values)
        except MilpaError as error:
            form.add_error(None, error.detail)
        else:
            messages.success(
                request,
                _("%(scene)s is being prepared; its patches follow by themselves.") % {"scene": scene.name},
            )
            return redirect("project", access.project.slug)
    return render(request, "scene_new.html", access.context(form=form), status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@project_view()
def scene(request: SignedInRequest, access: ProjectAccess, scene_id: int) -> HttpResponse:
    """What is known of the scene, how it looks, and for leads the form that changes how it is shown."""
    row = get_object_or_404(Scene, pk=scene_id, project=access.project)
    if request.method != "POST":
        return _scene_page(request, access, row, DisplayForm(row))
    if not access.may_lead:
        raise PermissionDenied(_("Only a lead of the project changes how a scene is shown."))
    form = DisplayForm(row, request.POST)
    if form.is_valid():
        try:
            change_display(scene=row, user=request.user, **form.cleaned)
        except MilpaError as error:
            form.add_error(None, error.detail)
        else:
            messages.success(request, _("This is how everybody sees the scene from now on."))
            return redirect("scene", access.project.slug, row.pk)
    return _scene_page(request, access, row, form, status=422)


@require_POST
@project_view(Role.LEAD)
def scene_cancel(request: SignedInRequest, access: ProjectAccess, scene_id: int) -> HttpResponse:
    row = get_object_or_404(Scene, pk=scene_id, project=access.project)
    with tell(request, _("The scene is not prepared any further.")):
        cancel_ingest(scene=row, user=request.user)
    return redirect("scene", access.project.slug, row.pk)


@require_POST
@project_view(Role.LEAD)
def scene_again(request: SignedInRequest, access: ProjectAccess, scene_id: int) -> HttpResponse:
    row = get_object_or_404(Scene, pk=scene_id, project=access.project)
    with tell(request, _("The scene is prepared once more.")):
        retry_ingest(scene=row, user=request.user)
    return redirect("scene", access.project.slug, row.pk)


@require_POST
@project_view(Role.LEAD)
def display_copy(request: SignedInRequest, access: ProjectAccess, scene_id: int) -> HttpResponse:
    """Ends the making of the scene's display copy where one is being made, else asks for one."""
    row = get_object_or_404(Scene, pk=scene_id, project=access.project)
    copy = row.display_copies.first()
    try:
        if copy is not None and copy.is_active:
            cancel_display_copy(copy=copy, user=request.user)
        else:
            request_display_copy(scene=row, user=request.user)
    except MilpaError as error:
        messages.error(request, error.detail)
    return redirect("scene", access.project.slug, row.pk)


@require_POST
@project_view(Role.LEAD)
def place(request: SignedInRequest, access: ProjectAccess, scene_id: int) -> HttpResponse:
    """Moves the scene to where it was dragged."""
    row = get_object_or_404(Scene, pk=scene_id, project=access.project)
    form = PlaceForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Give two numbers of metres."))
        return redirect("scene", access.project.slug, row.pk)
    values = form.cleaned_data
    try:
        correct_place(scene=row, user=request.user, east_m=values["east_m"], north_m=values["north_m"])
    except MilpaError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("The scene is moved. Proposals that were made before are marked as old."))
    return redirect("scene", access.project.slug, row.pk)


def _scene_page(
    request: SignedInRequest, access: ProjectAccess, row: Scene, form: DisplayForm, status: int = 200
) -> HttpResponse:
    is_ready = row.state == SceneState.READY
    context = access.context(
        scene=row,
        place=_place_form(row) if is_ready else None,
        display_copy=row.display_copies.first() if is_ready else None,
        form=form if access.may_lead and is_ready else None,
        project_json=project_document(access.project, request.user) if is_ready else None,
    )
    return render(request, "scene.html", context, status=status)


def _place_form(row: Scene) -> PlaceForm:
    east_m, north_m = ground_shift_m(row)
    return PlaceForm(initial={"east_m": east_m, "north_m": north_m})
