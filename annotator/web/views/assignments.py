"""Who has which patches: giving areas to people, how much of each is left, and ending it."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from annotator.domain.assignments import assign_area, end_assignment
from annotator.enums import Role
from annotator.errors import BadAssignment
from annotator.models import Assignment
from annotator.notices import tell
from annotator.queries.assignments import AssignmentProgress, assignment_progress, open_assignments
from annotator.queries.desk import MOST_COUNTED, count_up_to
from annotator.queries.desk_filter import DeskFilter
from annotator.queries.documents import project_document
from annotator.queries.progress_parts import tile_document, tile_progress, usual_level
from annotator.web.access import ProjectAccess, SignedInRequest, project_view
from annotator.web.forms.assignments import AssignmentForm

ASSIGNMENTS_A_PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.LEAD)
def assignments(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    """With a filter of the desk in the query, the patches to give are those that it lets through."""
    project = access.project
    form = AssignmentForm(project, request.POST or None, initial=_asked(request.GET))
    if request.method == "POST" and form.is_valid():
        try:
            made = assign_area(
                project=project,
                user=request.user,
                people=form.cleaned_data["people"],
                area=form.chosen_area,
                tiles=form.chosen_tiles,
                name=form.cleaned_data["name"],
            )
        except BadAssignment as error:
            field = error.facts.get("field")
            form.add_error(field if field in form.fields else None, error.detail)
        else:
            count = made.patch_count
            kept = "1 patch that waits is" if count == 1 else f"{count:,} patches that wait are"
            messages.success(request, f"{made}: {kept} kept for them.")
            return redirect("assignments", project.slug)
    page = Paginator(open_assignments(project), ASSIGNMENTS_A_PAGE).get_page(request.GET.get("page"))
    rows = assignment_progress(project, list(page))
    query = form["filter"].value() or ""
    context = access.context(
        form=form,
        page=page,
        rows=rows,
        filter_query=query,
        filter_words=_filter_words(access, query),
        areas_json=[_area_document(row) for row in rows],
        tiles_json=[tile_document(tile) for tile in tile_progress(project, usual_level(project))],
        project_json=project_document(project, request.user),
    )
    return render(request, "assignments.html", context, status=422 if form.errors else 200)


@require_POST
@project_view(Role.LEAD)
def assignment_end(request: SignedInRequest, access: ProjectAccess, assignment_id: int) -> HttpResponse:
    assignment = get_object_or_404(Assignment, pk=assignment_id, project=access.project)
    with tell(request, f"{assignment} has ended: what is left of it is for everybody again."):
        end_assignment(assignment=assignment, user=request.user)
    return redirect("assignments", access.project.slug)


def _asked(query: QueryDict) -> dict[str, str]:
    """What another page asks to give: tiles by their quadkeys, or what a filter of the desk lets through."""
    if tiles := query.getlist("tiles"):
        return {"tiles": "\n".join(tiles)}
    filters = query.copy()
    for name in list(filters):
        if name not in DeskFilter.base_fields or not filters[name]:
            del filters[name]
    return {"filter": filters.urlencode()}


def _filter_words(access: ProjectAccess, query: str) -> str:
    """How many patches a filter lets through; empty without one."""
    wanted = DeskFilter(access.project, QueryDict(query))
    if not query or not wanted.is_valid():
        return ""
    count = count_up_to(wanted)
    number = f"{count:,} or more" if count >= MOST_COUNTED else f"{count:,}"
    return f"{number} patch{'' if count == 1 else 'es'}"


def _area_document(row: AssignmentProgress) -> dict[str, Any]:
    return {
        "name": str(row.assignment),
        "people": sorted(person.get_username() for person in row.assignment.people.all()),
        "left": row.left,
        "area": json.loads(row.assignment.area.transform(4326, clone=True).json),
    }
