"""The overview of a project and the buttons on it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from annotator.domain.proposals import cancel_job, request_proposals
from annotator.enums import Role
from annotator.models import InferenceJob, Scene
from annotator.notices import tell
from annotator.queries.documents import project_document
from annotator.queries.labelling_queue import latest_ranking, queue_summary
from annotator.web.access import ProjectAccess, SignedInRequest, project_view
from annotator.web.progress import Progress
from annotator.web.ranking_words import ranking_sentence

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
