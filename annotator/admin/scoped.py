"""What every admin page of ours shares: rows of one's own projects, changed through verbs only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from annotator.enums import Role
from annotator.models import Membership
from annotator.notices import tell

ADMIN_ROLES = (Role.ML_STAFF, Role.LEAD)


def admin_roles(request: HttpRequest) -> dict[int, set[Role]]:
    """By project id, the roles with which the person may look around here; read once a request."""
    known: dict[int, set[Role]] | None = getattr(request, "milpa_admin_roles", None)
    if known is None:
        known = defaultdict(set)
        rows = Membership.objects.filter(user_id=request.user.pk, role__in=ADMIN_ROLES)
        for project_id, role in rows.values_list("project_id", "role"):
            known[project_id].add(Role(role))
        request.milpa_admin_roles = known  # type: ignore[attr-defined]
    return known


def may_see_any(request: HttpRequest) -> bool:
    user = request.user
    return user.is_superuser or bool(user.is_staff and admin_roles(request))


def may_train(request: HttpRequest, project_id: int) -> bool:
    """Whether the person may start, cancel and promote: superusers, and ML staff of the project."""
    return request.user.is_superuser or Role.ML_STAFF in admin_roles(request).get(project_id, ())


def require_training_role(request: HttpRequest, project_id: int) -> None:
    if not may_train(request, project_id):
        raise PermissionDenied("This is for the ML staff of the project. Ask one of its leads for that role.")


def badge(state: str, label: str) -> SafeString:
    return format_html('<span class="badge badge--{}">{}</span>', state, label)


class OwnProjectsAdmin(admin.ModelAdmin):
    """Rows of the projects in which the person is ML staff or lead; superusers see all of them.

    Nothing is added, edited or deleted by hand: the domain owns these rows.
    """

    project_path = "project"
    actions: Any = ()
    view_on_site = False
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        return rows.filter(**{f"{self.project_path}__in": list(admin_roles(request))})

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_any(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Which rows there are at all is settled by `get_queryset`.
        return may_see_any(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: Any) -> SafeString:
        return badge(row.state, row.get_state_display())

    def own_row(self, request: HttpRequest, object_id: str) -> Any:
        """The row if the person sees it. Raises Http404."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return row

    def change_url(self, row: Model) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])

    def event_filter(self, row: Any) -> dict[str, object]:
        """Which events tell the row's history."""
        return {"subject": self.opts.model_name, "subject_id": row.pk}

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponseRedirect:
        """Rows that only verbs change have no history but their events."""
        query = urlencode(self.event_filter(self.own_row(request, object_id)))
        return redirect(f"{reverse('admin:annotator_event_changelist')}?{query}")

    def do_verb(
        self, request: HttpRequest, object_id: str, verb: Callable[[Any], object], done: str
    ) -> HttpResponse:
        """A button's POST: runs the verb on the row and goes back to its page with a message."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        row = self.own_row(request, object_id)
        require_training_role(request, row.project_id)
        with tell(request, done):
            verb(row)
        return redirect(self.change_url(row))

    def verb_page(
        self, request: HttpRequest, row: Model, template: str, *, status: int = 200, **more: Any
    ) -> TemplateResponse:
        """A page that asks before a verb is run; ``more`` holds its ``title`` and what the template wants."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "back_url": self.change_url(row),
            **more,
        }
        return TemplateResponse(request, f"admin/annotator/{template}", context, status=status)
