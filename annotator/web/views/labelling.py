"""The editor, the list of submitted patches and the review of one."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from annotator.durations import duration_text
from annotator.enums import Role, SpotOutcome
from annotator.models import GoldPatch, Patch, SpotCheck
from annotator.queries.documents import patch_document, project_document, scene_tile_url
from annotator.queries.doubles import double_document
from annotator.queries.review_list import waiting_for_review
from annotator.queries.review_walk import walk_from
from annotator.queries.scenes import default_scene
from annotator.web.access import ProjectAccess, SignedInRequest, project_view

PATCHES_A_PAGE = 25


@require_safe
@ensure_csrf_cookie
@project_view(Role.ANNOTATOR, Role.LEAD)
def annotate(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    context = access.context(project_json=project_document(access.project, request.user))
    return render(request, "editor.html", context)


@require_safe
@project_view(Role.LEAD)
def review(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    page = Paginator(waiting_for_review(access.project.pk), PATCHES_A_PAGE).get_page(request.GET.get("page"))
    scene = default_scene(access.project.pk)
    tile_url = scene_tile_url(scene) if scene else None
    rows = [
        {
            "patch": patch,
            "tile_url": _tile_of(patch, tile_url),
            "time_spent": duration_text(patch.seconds_spent or 0),  # type: ignore[attr-defined]
        }
        for patch in page
    ]
    return render(request, "review.html", access.context(page=page, rows=rows))


def _tile_of(patch: Patch, tile_url: str | None) -> str | None:
    """A patch is a map tile, so its picture is one."""
    return tile_url.format(z=patch.z, x=patch.x, y=patch.y) if tile_url else None


@require_safe
@ensure_csrf_cookie
@project_view(Role.LEAD)
def review_patch(request: SignedInRequest, access: ProjectAccess, patch_id: int) -> HttpResponse:
    patch = get_object_or_404(Patch, pk=patch_id, project=access.project)
    double = double_document(patch.pk)
    if double and double["is_disputed"]:
        return redirect("adjudicate", access.project.slug, patch.pk)
    context = access.context(
        patch=patch,
        project_json=project_document(access.project, request.user),
        patch_json=patch_document(patch, request.user),
        double=double,
        walk=walk_from(access.project, patch, request.GET),
        has_open_spot=SpotCheck.objects.filter(patch=patch, outcome=SpotOutcome.OPEN).exists(),
        is_gold=GoldPatch.objects.filter(patch=patch, is_served=True).exists(),
    )
    return render(request, "review_patch.html", context)


@require_safe
@ensure_csrf_cookie
@project_view(Role.LEAD)
def adjudicate(request: SignedInRequest, access: ProjectAccess, patch_id: int) -> HttpResponse:
    patch = get_object_or_404(Patch, pk=patch_id, project=access.project)
    double = double_document(patch.pk)
    if double is None or not double["is_disputed"]:
        return redirect("review_patch", access.project.slug, patch.pk)
    context = access.context(
        patch=patch,
        project_json=project_document(access.project, request.user),
        patch_json=patch_document(patch, request.user),
        double_json=double,
    )
    return render(request, "adjudicate.html", context)
