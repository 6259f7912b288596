"""The labelling queue: what comes next and why, and the rules that it is ranked by."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from annotator.domain.queue_rules import FIELDS, change_queue_rules
from annotator.domain.ranking import request_ranking
from annotator.enums import ChoreKind, Role
from annotator.errors import BadRule
from annotator.models import Project
from annotator.notices import tell
from annotator.queries.chores import given_up_chore
from annotator.queries.labelling_queue import first_places, latest_ranking, queue_summary
from annotator.queries.queue_places import queue_places
from annotator.queries.versions import promoted_version
from annotator.web.access import ProjectAccess, SignedInRequest, project_view
from annotator.web.forms.queue import QueueRulesForm
from annotator.web.ranking_words import ranking_sentence


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.LEAD, Role.ML_STAFF)
def queue(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    project = access.project
    initial = {name: getattr(project, name) for name in FIELDS}
    form = QueueRulesForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid() and _change(form, project, request):
        messages.success(
            request, "The rules are saved. If they change the order, the queue is being ranked by them."
        )
        return redirect("queue", project.slug)
    state, version, first = latest_ranking(project.pk), promoted_version(project.pk), first_places(project.pk)
    context = access.context(
        form=form,
        state=state,
        summary=queue_summary(project.pk),
        given_up=given_up_chore(project.pk, ChoreKind.RANKING),
        sentence=ranking_sentence(state, version.number if version else None),
        rows=list(zip(first, queue_places(first), strict=True)),
    )
    return render(request, "queue.html", context, status=422 if form.errors else 200)


def _change(form: QueueRulesForm, project: Project, request: SignedInRequest) -> bool:
    try:
        change_queue_rules(project=project, user=request.user, **form.cleaned_data)
    except BadRule as error:
        form.add_error(error.facts["field"], error.detail)
        return False
    return True


@require_POST
@project_view(Role.LEAD, Role.ML_STAFF)
def rank(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    with tell(request, "The queue is being ranked anew; reload to see its order."):
        request_ranking(project=access.project, user=request.user)
    return redirect("queue", access.project.slug)
