from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.urls.resolvers import URLPattern

from annotator.admin.run_plots import best_validation, run_plots
from annotator.admin.run_status import run_status
from annotator.admin.scoped import OwnProjectsAdmin, may_train
from annotator.admin.verdict import comparison_context, comparison_of
from annotator.domain.retries import try_again
from annotator.domain.training import cancel_run
from annotator.enums import VersionState
from annotator.models import TrainingRun


@admin.register(TrainingRun)
class TrainingRunAdmin(OwnProjectsAdmin):
    list_display = (
        "__str__",
        "state_badge",
        "progress",
        "parent",
        "candidate",
        "asked_by",
        "requested_at",
    )
    list_filter = ("state", ("project", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("project", "parent", "candidate", "requested_by")
    fields = ("project", "asked_by", "requested_at", "ended_at", "parent", "candidate", "patches",
              "config_text", "data_hash")  # fmt: skip
    change_form_template = "admin/annotator/run_change.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        is_list = request.resolver_match and request.resolver_match.url_name.endswith("_changelist")
        return rows.defer("losses", "validations", "log") if is_list else rows

    @admin.display(description="steps")
    def progress(self, run: TrainingRun) -> str:
        return f"{run.step} of {run.steps}"

    @admin.display(description="requested by", ordering="requested_by__username")
    def asked_by(self, run: TrainingRun) -> str:
        return run.requested_by.get_username() if run.requested_by else "a rule of the project"

    @admin.display(description="patches")
    def patches(self, run: TrainingRun) -> str:
        repeated, validation = len(run.replay_revisions), len(run.validation_revisions)
        new = len(run.training_revisions) - repeated - validation
        return (
            f"{new} to learn from, {repeated} of earlier rounds to repeat, "
            f"{validation} to validate and calibrate on, {len(run.holdout_revisions)} held out"
        )

    @admin.display(description="config")
    def config_text(self, run: TrainingRun) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in sorted(run.config.items()))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/cancel/", view(self.cancel_view), name="annotator_trainingrun_cancel"),
            path("<path:object_id>/try-again/", view(self.again_view), name="annotator_trainingrun_again"),
            path(
                "<path:object_id>/progress/", view(self.progress_view), name="annotator_trainingrun_progress"
            ),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        more = {} if run is None else self._run_context(request, run)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})

    def _run_context(self, request: HttpRequest, run: TrainingRun) -> dict[str, Any]:
        candidate = run.candidate
        return {
            **_progress(run),
            "may_train": may_train(request, run.project_id),
            "may_promote": candidate is not None and candidate.state == VersionState.CANDIDATE,
            **comparison_context(comparison_of(run), candidate.verdict if candidate else None),
        }

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.do_verb(
            request,
            object_id,
            lambda run: cancel_run(run=run, user=request.user),
            "The run is cancelled; the worker stops within a step.",
        )

    def again_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.do_verb(
            request,
            object_id,
            lambda run: try_again(row=run, user=request.user),
            "The run waits for a worker again; it goes on from its last checkpoint where that is still kept.",
        )

    def progress_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The part of the run's page that changes while it works, for the page to fetch again."""
        run = self.own_row(request, object_id)
        return TemplateResponse(request, "admin/annotator/_run_progress.html", _progress(run))


def _progress(run: TrainingRun) -> dict[str, Any]:
    return {"run": run, "status": run_status(run), "plots": run_plots(run), "best": best_validation(run)}
