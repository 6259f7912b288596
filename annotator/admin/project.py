from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, re_path
from django.urls.resolvers import URLPattern

from annotator.admin.label_cost import label_cost_data, label_cost_page
from annotator.admin.rules import rules_page
from annotator.admin.run_request import run_request_page
from annotator.admin.scoped import OwnProjectsAdmin, may_see_any, may_train, require_training_role
from annotator.admin.version_forms import RollBackForm
from annotator.domain.parcels import rebuild_parcels
from annotator.domain.versions import roll_back
from annotator.enums import PatchState, VersionState
from annotator.errors import MilpaError
from annotator.models import LabelClass, Membership, ModelVersion, Project
from annotator.queries.parcels import parcel_progress
from annotator.queries.progress import counted_patches
from annotator.queries.versions import promoted_version, version_before


class LabelClassInline(admin.StackedInline):
    """The legend, to look at: masks hold its values."""

    model = LabelClass
    fields = ("value", "name", "color", "is_boundary")
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_any(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipInline(admin.StackedInline):
    """Who may do what; superusers change it here, leads on the members page of the project."""

    model = Membership
    extra = 0
    autocomplete_fields = ("user",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_any(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user", "project")


@admin.register(Project)
class ProjectAdmin(OwnProjectsAdmin):
    project_path = "pk"
    list_display = ("name", "patch_zoom", "patch_count", "approved_count", "promoted_number", "created_at")
    search_fields = ("name", "slug")
    fields = ("name", "slug", "description", "patch_zoom", "parcels", "created_by", "created_at")
    readonly_fields = ("slug", "patch_zoom", "parcels", "created_by", "created_at")
    inlines = (LabelClassInline, MembershipInline)
    actions = ("start_training_run", "draw_parcels_anew")
    change_form_template = "admin/annotator/project_change.html"

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Superusers edit names and members by hand, which Django's own history tells."""
        self.own_row(request, object_id)
        return admin.ModelAdmin.history_view(self, request, object_id, extra_context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        promoted = ModelVersion.objects.filter(project=OuterRef("pk"), state=VersionState.PROMOTED)
        return (
            super()
            .get_queryset(request)
            .select_related("created_by")
            .annotate(
                patch_count=counted_patches(),
                approved_count=counted_patches(state=PatchState.APPROVED),
                promoted_number=Subquery(promoted.values("number")[:1]),
            )
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    @admin.display(description="patches", ordering="patch_count")
    def patch_count(self, project: Any) -> int:
        return int(project.patch_count)

    @admin.display(description="approved", ordering="approved_count")
    def approved_count(self, project: Any) -> int:
        return int(project.approved_count)

    @admin.display(description="promoted version", ordering="promoted_number", empty_value="none")
    def promoted_number(self, project: Any) -> int | None:
        return project.promoted_number

    @admin.display(description="parcels")
    def parcels(self, project: Project) -> str:
        count, waiting = parcel_progress(project.pk)
        return f"{count:,}; {waiting:,} patches wait for theirs" if waiting else f"{count:,}, up to date"

    @admin.action(description="Draw all parcels anew")
    def draw_parcels_anew(self, request: HttpRequest, chosen: QuerySet[Project]) -> None:
        for project in chosen:
            rebuild = rebuild_parcels(project=project, user=request.user)
            messages.success(
                request,
                f"The parcels of {project} are drawn anew, {rebuild.total:,} patches in all; "
                "its page of exports tells how far it is.",
            )

    @admin.action(description="Start a training run")
    def start_training_run(self, request: HttpRequest, chosen: QuerySet[Project]) -> HttpResponse | None:
        projects = list(chosen[:2])
        if len(projects) > 1:
            messages.error(request, "A training run belongs to one project: choose one only.")
            return None
        return redirect("admin:annotator_project_train", projects[0].pk)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:object_id>/train/", view(self.train_view), name="annotator_project_train"),
            path("<int:object_id>/rules/", view(self.rules_view), name="annotator_project_rules"),
            path("<int:object_id>/roll-back/", view(self.roll_back_view), name="annotator_project_roll_back"),
            path(
                "<int:object_id>/label-cost/", view(self.label_cost_view), name="annotator_project_label_cost"
            ),
            re_path(
                r"^(?P<object_id>\d+)/label-cost\.(?P<form>json|csv)$",
                view(self.label_cost_data_view),
                name="annotator_project_label_cost_data",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        more = {"may_train": may_train(request, int(object_id)) if object_id.isdigit() else False}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})

    def train_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        project = self.own_row(request, str(object_id))
        require_training_role(request, project.pk)
        return run_request_page(self, request, project)

    def rules_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        project = self.own_row(request, str(object_id))
        require_training_role(request, project.pk)
        return rules_page(self, request, project)

    def label_cost_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return label_cost_page(self, request, self.own_row(request, str(object_id)))

    def label_cost_data_view(self, request: HttpRequest, object_id: str, form: str) -> HttpResponse:
        return label_cost_data(self.own_row(request, object_id), form)

    def roll_back_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Names the version that was promoted before the present one and asks why, then promotes it again."""
        project = self.own_row(request, str(object_id))
        require_training_role(request, project.pk)
        target = version_before(project.pk)
        form = RollBackForm(request.POST or None, target=target)
        if request.method == "POST" and form.is_valid():
            try:
                version = roll_back(project=project, user=request.user, **form.cleaned_data)
            except MilpaError as error:
                form.add_error(None, error.detail)
            else:
                messages.success(request, f"Version {version.number} is promoted again.")
                return redirect("admin:annotator_modelversion_change", version.pk)
        return self.verb_page(
            request,
            project,
            "promote.html",
            title=f"Roll back the model of {project}",
            current=promoted_version(project.pk),
            target=target,
            is_rollback=True,
            form=form,
            submit=f"Roll back to version {target.number}" if target else "Roll back",
            status=422 if form.errors else 200,
        )
