"""The list of projects and the form of a new one."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from annotator.domain.projects import create_project
from annotator.errors import MilpaError
from annotator.queries.project_cards import project_cards
from annotator.web.access import ProjectAccess, SignedInRequest
from annotator.web.forms.projects import ProjectEditor
from annotator.web.progress import Progress


@require_safe
@login_required
def projects(request: SignedInRequest) -> HttpResponse:
    cards = [
        {"access": ProjectAccess(card.project, card.roles), "progress": Progress(card.counts)}
        for card in project_cards(request.user)
    ]
    may_add = request.user.has_perm("annotator.add_project")
    return render(request, "projects.html", {"cards": cards, "may_add": may_add})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def project_new(request: SignedInRequest) -> HttpResponse:
    if not request.user.has_perm("annotator.add_project"):
        raise PermissionDenied(_("You may not add projects. Ask an administrator for that permission."))
    editor = ProjectEditor(request.POST or None)
    if request.method != "POST":
        return render(request, "project_new.html", {"editor": editor})
    if editor.is_valid():
        try:
            project = create_project(user=request.user, **editor.cleaned)
        except MilpaError as error:
            editor.form.add_error(None, error.detail)
        else:
            messages.success(
                request, _("%(project)s is set up. Add its first scene next.") % {"project": project.name}
            )
            return redirect("scene_new", project.slug)
    return render(request, "project_new.html", {"editor": editor}, status=422)
