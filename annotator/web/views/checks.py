"""The buttons with which a lead settles how a patch is checked."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from annotator.domain.doubles import withdraw_second
from annotator.domain.gold import mark_gold, unmark_gold
from annotator.domain.spot_checks import pass_spot_check
from annotator.enums import Role
from annotator.models import Patch
from annotator.notices import tell
from annotator.web.access import ProjectAccess, SignedInRequest, project_view


@require_POST
@project_view(Role.LEAD)
def gold(request: SignedInRequest, access: ProjectAccess, patch_id: int) -> HttpResponse:
    patch = get_object_or_404(Patch, pk=patch_id, project=access.project)
    if request.POST.get("mark"):
        with tell(request, _("The patch is a gold patch now.")):
            mark_gold(patch=patch, user=request.user)
    else:
        with tell(request, _("The patch is no gold patch any more.")):
            unmark_gold(patch=patch, user=request.user)
    return _back(request, patch)


@require_POST
@project_view(Role.LEAD)
def second_off(request: SignedInRequest, access: ProjectAccess, patch_id: int) -> HttpResponse:
    patch = get_object_or_404(Patch, pk=patch_id, project=access.project)
    with tell(request, _("The patch can be reviewed now.")):
        withdraw_second(patch=patch, user=request.user)
    return _back(request, patch)


@require_POST
@project_view(Role.LEAD)
def spot_passed(request: SignedInRequest, access: ProjectAccess, patch_id: int) -> HttpResponse:
    patch = get_object_or_404(Patch, pk=patch_id, project=access.project)
    with tell(request, "The spot check is passed."):
        pass_spot_check(patch=patch, user=request.user)
    return _back(request, patch)


def _back(request: SignedInRequest, patch: Patch) -> HttpResponse:
    """To the review of the patch, in the list that the lead goes through."""
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    return redirect(reverse("review_patch", args=[patch.project.slug, patch.pk]) + query)
