from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.urls.resolvers import URLPattern

from annotator.admin.scoped import OwnProjectsAdmin, may_train
from annotator.domain.proposals import cancel_job
from annotator.models import InferenceJob


@admin.register(InferenceJob)
class InferenceJobAdmin(OwnProjectsAdmin):
    list_display = (
        "__str__",
        "project",
        "state_badge",
        "progress",
        "asked_by",
        "requested_at",
        "ended_at",
    )
    list_filter = ("state", ("project", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("project", "scene", "model_version", "requested_by")
    fields = ("project", "scene", "model_version", "asked_by", "requested_at", "ended_at")
    change_form_template = "admin/annotator/job_change.html"

    @admin.display(description="requested by", ordering="requested_by__username")
    def asked_by(self, job: InferenceJob) -> str:
        return job.requested_by.get_username() if job.requested_by else "a rule of the project"

    @admin.display(description="patches")
    def progress(self, job: InferenceJob) -> str:
        return f"{job.done} of {job.total}"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/cancel/", view(self.cancel_view), name="annotator_inferencejob_cancel"),
            path(
                "<path:object_id>/progress/", view(self.progress_view), name="annotator_inferencejob_progress"
            ),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        job = self.get_object(request, object_id)
        more = {} if job is None else {"job": job, "may_train": may_train(request, job.project_id)}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.do_verb(
            request,
            object_id,
            lambda job: cancel_job(job=job, user=request.user),
            "The job is cancelled. The proposals that it has made stay.",
        )

    def progress_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The part of the job's page that changes while it works, for the page to fetch again."""
        job = self.own_row(request, object_id)
        return TemplateResponse(request, "admin/annotator/_job_progress.html", {"job": job})
