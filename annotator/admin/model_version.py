from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils.html import format_html
from django.utils.safestring import SafeString

from annotator.admin.measures import row_groups
from annotator.admin.mosaic import picture_response
from annotator.admin.report_plots import uncertainty_plots
from annotator.admin.scoped import admin_roles, may_train, require_training_role
from annotator.admin.verdict import comparison_context, comparison_of, evidence_context
from annotator.admin.version_export import ExportsVersions
from annotator.admin.version_forms import OverrideForm, ReasonForm
from annotator.domain.gate import obstacle
from annotator.domain.versions import promote
from annotator.enums import Role, VersionState
from annotator.errors import MilpaError
from annotator.models import Evaluation, ModelVersion
from annotator.queries.held_out import painted_classes
from annotator.queries.versions import promoted_version

EVALUATIONS_SHOWN = 5


@admin.register(ModelVersion)
class ModelVersionAdmin(ExportsVersions):
    list_display = ("__str__", "project", "state_badge", "parent", "latest_miou", "created_at")
    list_filter = ("state", ("project", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("project", "parent")
    fields = ("project", "number", "state_badge", "parent", "made_by_run", "base_name", "temperature",
              "created_at", "promoted_at", "provenance_text")  # fmt: skip
    readonly_fields = fields
    change_form_template = "admin/annotator/version_change.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        latest = Evaluation.objects.filter(model_version=OuterRef("pk")).order_by("-measured_at")
        return super().get_queryset(request).annotate(latest_miou=Subquery(latest.values("miou")[:1]))

    @admin.display(description="mIoU", ordering="latest_miou", empty_value="–")
    def latest_miou(self, version: Any) -> str | None:
        return None if version.latest_miou is None else f"{version.latest_miou:.3f}"

    @admin.display(description="made by")
    def made_by_run(self, version: ModelVersion) -> str:
        run = getattr(version, "made_by", None)
        if run is None:
            return "no training run"
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:annotator_trainingrun_change", args=[run.pk]), run
        )

    @admin.display(description="base model")
    def base_name(self, version: ModelVersion) -> str:
        return version.base or "the starter model"

    @admin.display(description="provenance")
    def provenance_text(self, version: ModelVersion) -> SafeString:
        return format_html('<pre class="record">{}</pre>', json.dumps(version.provenance, indent=2))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/promote/", view(self.promote_view), name="annotator_modelversion_promote"),
            path(
                "<int:object_id>/held-out/<int:patch_id>/<str:kind>/",
                view(self.picture_view, cacheable=True),
                name="annotator_modelversion_picture",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        version = self.get_object(request, object_id)
        more = {} if version is None else self._version_context(request, version)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})

    def _version_context(self, request: HttpRequest, version: ModelVersion) -> dict[str, Any]:
        evaluations = list(
            version.evaluations.select_related("training_run", "model_version")[:EVALUATIONS_SHOWN]
        )
        comparison = comparison_of(getattr(version, "made_by", None))
        context = {
            "version": version,
            "may_train": may_train(request, version.project_id),
            "may_promote": version.state != VersionState.PROMOTED,
            "may_lead": Role.LEAD in admin_roles(request).get(version.project_id, ()),
            "evaluations": evaluations,
            "history": row_groups(evaluations, painted_classes(version.project_id)) if evaluations else [],
            **comparison_context(comparison, version.verdict),
            **evidence_context(comparison),
        }
        if comparison is None and evaluations:
            context["plots"] = uncertainty_plots(evaluations[:1])
        return context

    def picture_view(self, request: HttpRequest, object_id: int, patch_id: int, kind: str) -> HttpResponse:
        """A picture of the mosaic, for those who may see the version."""
        run = getattr(self.own_row(request, str(object_id)), "made_by", None)
        if run is None:
            raise Http404("No training run made this version, so nothing was compared.")
        return picture_response(run, patch_id, kind)

    def promote_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Says what the gate said and asks why, then makes the version the project's current one."""
        version = self.own_row(request, object_id)
        require_training_role(request, version.project_id)
        current = promoted_version(version.project_id)
        kept_back_by = obstacle(version, current)
        form = (OverrideForm if kept_back_by else ReasonForm)(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                promote(version=version, user=request.user, **form.cleaned_data)
            except MilpaError as error:
                form.add_error(None, error.detail)
            else:
                messages.success(
                    request, f"Version {version.number} is promoted; its proposals are being made."
                )
                return redirect(self.change_url(version))
        return self.verb_page(
            request,
            version,
            "promote.html",
            title=f"Promote version {version.number} of {version.project}",
            current=current,
            target=version,
            obstacle=kept_back_by,
            form=form,
            submit="Promote all the same" if kept_back_by else "Promote",
            status=422 if form.errors else 200,
        )
