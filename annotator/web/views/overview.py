"""The overview of a project and the buttons on it."""

from __future__ import annotations

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from annotator.domain.proposals import cancel_job, request_proposals
from annotator.enums import Role, Strategy
from annotator.models import InferenceJob, Scene
from annotator.notices import tell
from annotator.queries.documents import project_document
from annotator.queries.labelling_queue import (
    RankingState,
    Staleness,
    latest_ranking,
    queue_summary,
)
from annotator.web.access import ProjectAccess, SignedInRequest, project_view
from annotator.web.progress import Progress

JOBS_SHOWN = 5
RUNS_SHOWN = 5


@require_safe
@project_view()
def overview(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    project = access.project
    document = project_document(project, request.user)
    runs = project.training_runs.none()
    if access.may_lead or access.may_train:
        runs = project.training_runs.defer("losses", "log").select_related("parent", "candidate")
    context = access.context(
        project_json=document,
        progress=Progress(document["patch_counts"]),
        promoted_version=document["promoted_version"],
        scenes=project.scenes.all(),
        jobs=project.inference_jobs.select_related("scene", "model_version")[:JOBS_SHOWN],
        runs=runs[:RUNS_SHOWN],
        queue=queue_summary(project.pk),
        ranking=ranking_sentence(latest_ranking(project.pk), document["promoted_version"]),
    )
    return render(request, "project.html", context)


def ranking_sentence(state: RankingState | None, promoted: int | None) -> str:
    """What orders the labelling queue at present."""
    if state is None:
        return _("Not ranked yet: patches are served spread over the area.")
    ranking = state.ranking
    if ranking.strategy == Strategy.SPREAD:
        return _("Spread over the area %(when)s, as the project's rules ask.") % {
            "when": naturaltime(ranking.made_at)
        }
    if ranking.model_version is None:
        return _("Spread over the area %(when)s: there were no proposals to rank by.") % {
            "when": naturaltime(ranking.made_at)
        }
    facts = {"number": ranking.model_version.number, "when": naturaltime(ranking.made_at)}
    made = _("Ranked with the proposals of version %(number)s, %(when)s.") % facts
    if not state.is_stale:
        return made
    if state.staleness == Staleness.VERSION:
        stale = _("Stale: version %(number)s was promoted since; the order is renewed with its proposals.")
        return f"{made} {stale % {'number': promoted}}"
    changed = _("Stale: the scenes, the legend or the rules changed since.")
    return f"{made} {changed}"


@require_POST
@project_view(Role.LEAD, Role.ML_STAFF)
def make_proposals(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    scene = None
    if scene_id := request.POST.get("scene"):
        scene = get_object_or_404(Scene.objects.filter(project=access.project), pk=scene_id)
    with tell(request, _("Proposals are being made. You can leave this page meanwhile.")):
        request_proposals(project=access.project, user=request.user, scene=scene)
    return redirect("project", access.project.slug)


@require_POST
@project_view(Role.LEAD, Role.ML_STAFF)
def stop_proposals(request: SignedInRequest, access: ProjectAccess, job_id: int) -> HttpResponse:
    job = get_object_or_404(InferenceJob, pk=job_id, project=access.project)
    with tell(request, _("The job is cancelled. The proposals that it has made stay.")):
        cancel_job(job=job, user=request.user)
    return redirect("project", access.project.slug)
