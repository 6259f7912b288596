from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from annotator.domain.composites import (
    CHANNELS,
    MOST_OF_A_PROJECT,
    add_composite,
    change_composite,
    checked_recipe,
    delete_composite,
)
from annotator.enums import Role
from annotator.errors import BadComposite, MilpaError
from annotator.imagery.recipes import Range, Recipe, missing_bands, preview_of, ranges_in
from annotator.models import OwnComposite, Scene
from annotator.notices import tell
from annotator.queries.composites import own_composites, ready_scenes, scenes_with_bands
from annotator.web.access import ProjectAccess, SignedInRequest, project_view
from annotator.web.forms.composites import EXAMPLES, CompositeForm, initial_of


@dataclass(frozen=True)
class Preview:
    """A scene as it would be shown, or the sentence that tells why it cannot be."""

    scene: str = ""
    picture: str = ""
    size_px: tuple[int, int] = (0, 0)
    # For each expression what it is shown as, its low and high end, and the same where they were given.
    rows: tuple[tuple[str, Range, Range | None], ...] = ()
    gradient: str = ""
    error: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.LEAD)
def composites(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    """What leads wrote, and the form for one more, which shows how a scene looks before anything is saved."""
    return _page(request, access, None)


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.LEAD)
def composite(request: SignedInRequest, access: ProjectAccess, composite_id: int) -> HttpResponse:
    """Likewise, with the form for one that is there."""
    return _page(request, access, get_object_or_404(OwnComposite, pk=composite_id, project=access.project))


@require_POST
@project_view(Role.LEAD)
def composite_delete(request: SignedInRequest, access: ProjectAccess, composite_id: int) -> HttpResponse:
    row = get_object_or_404(OwnComposite, pk=composite_id, project=access.project)
    with tell(request, f"{row} is deleted."):
        delete_composite(composite=row, user=request.user)
    return redirect("composites", access.project.slug)


def _page(request: SignedInRequest, access: ProjectAccess, row: OwnComposite | None) -> HttpResponse:
    project = access.project
    scenes = ready_scenes(project)
    begun = initial_of(row) if row else request.GET.dict()
    form = CompositeForm(scenes, request.POST or None, initial=begun)
    is_sent = request.method == "POST" and "preview" not in request.POST
    if is_sent and _is_saved(request, access, form, row):
        return redirect("composites", project.slug)
    rows = own_composites(project.pk)
    context = access.context(
        form=form,
        row=row,
        rows=[(one, scenes_with_bands(one, scenes)) for one in rows],
        scene_count=len(scenes),
        most=MOST_OF_A_PROJECT,
        examples=[one for one in EXAMPLES if any(one.is_for(scene) for scene in scenes)],
        preview=_preview(form if form.is_bound else CompositeForm(scenes, begun)),
    )
    return render(request, "composites.html", context, status=422 if is_sent else 200)


def _is_saved(
    request: SignedInRequest, access: ProjectAccess, form: CompositeForm, row: OwnComposite | None
) -> bool:
    if not form.is_valid():
        return False
    values = {"name": form.cleaned_data["name"], **form.written}
    try:
        if row is None:
            saved = add_composite(project=access.project, user=request.user, **values)
        else:
            saved = change_composite(composite=row, user=request.user, **values)
    except BadComposite as error:
        form.refuse(error.facts.get("field"), error.detail)
        return False
    messages.success(request, f"{saved} is there for everybody, on every scene that has its bands.")
    return True


def _preview(form: CompositeForm) -> Preview | None:
    """How a scene looks by what the form says; None as long as it says nothing, or there is no scene."""
    if not form.is_valid():
        return Preview(error=" ".join(sentence for found in form.errors.values() for sentence in found))
    chosen, written = form.chosen_scene, form.written
    if not written["expressions"] or not form.scenes:
        return None
    scenes = [chosen] if chosen else list(form.scenes.values())
    try:
        recipe = checked_recipe(**written, scenes=scenes)
        scene = next(one for one in scenes if not missing_bands(recipe, one.band_names))
        return _seen(scene, recipe)
    except MilpaError as error:
        field = error.facts.get("field")
        return Preview(error=f"{field.capitalize()}: {error.detail}" if field in CHANNELS else error.detail)


def _seen(scene: Scene, recipe: Recipe) -> Preview:
    image = preview_of(scene, recipe)
    packed = io.BytesIO()
    image.save(packed, "WEBP", quality=80)
    is_single = len(recipe.expressions) == 1
    colors = ["rgb({} {} {})".format(*color) for color in recipe.colors[:: len(recipe.colors) // 8].tolist()]
    return Preview(
        scene=str(scene),
        picture=f"data:image/webp;base64,{base64.b64encode(packed.getvalue()).decode()}",
        size_px=image.size,
        rows=tuple(
            zip(("",) if is_single else CHANNELS, ranges_in(scene, recipe), recipe.ranges, strict=True)
        ),
        gradient=f"linear-gradient(to right, {', '.join(colors)})" if is_single else "",
    )
