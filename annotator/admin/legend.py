"""Label classes, retired ones too, and the page on which leads and ML staff change a project's legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.urls.resolvers import URLPattern

from annotator.admin.scoped import OwnProjectsAdmin, admin_roles
from annotator.domain.legends import ClassChange, change_legend
from annotator.errors import MilpaError
from annotator.models import LabelClass, Project
from annotator.queries.labels import legend_of


class LegendForm(forms.Form):
    """A name and a colour for each class, a tick to retire it, and one class to add. The domain knows the rules."""

    def __init__(self, *args: Any, legend: Sequence[LabelClass], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.legend = legend
        for one in legend:
            self._add_row(one)
        self.fields["new_name"] = forms.CharField(
            label="Class to add: name", max_length=60, required=False, help_text="Empty: none is added."
        )
        self.fields["new_color"] = forms.CharField(
            label="Class to add: colour", initial="#56b4e9", widget=forms.TextInput(attrs={"type": "color"})
        )
        self.fields["new_drawn_before_as"] = forms.TypedChoiceField(
            label="Class to add: drawn until now as",
            choices=[(one.value, one.name) for one in legend],
            coerce=int,
            initial=0,
            help_text="In masks that are approved already, pixels of this class no longer teach: they may be the new "
            "one. Masks that are approved from now on teach both.",
        )
        if not any(one.is_boundary for one in legend):
            self.fields["new_is_boundary"] = forms.BooleanField(
                label="Class to add: is the boundary", required=False
            )

    def _add_row(self, one: LabelClass) -> None:
        self.fields[f"name_{one.value}"] = forms.CharField(
            label=f"Class {one.value}: name", initial=one.name, max_length=60
        )
        self.fields[f"color_{one.value}"] = forms.CharField(
            label=f"Class {one.value}: colour",
            initial=one.color,
            widget=forms.TextInput(attrs={"type": "color"}),
        )
        if not one.is_null:
            self.fields[f"retire_{one.value}"] = forms.BooleanField(
                label=f"Class {one.value}: retire", required=False
            )

    def changes(self) -> list[ClassChange]:
        """The legend as it shall be; the form is valid."""
        given = self.cleaned_data
        rows = [
            ClassChange(given[f"name_{one.value}"], given[f"color_{one.value}"], one.value)
            for one in self.legend
            if not given.get(f"retire_{one.value}")
        ]
        if given["new_name"]:
            rows.append(
                ClassChange(
                    given["new_name"],
                    given["new_color"],
                    is_boundary=given.get("new_is_boundary", False),
                    drawn_before_as=given["new_drawn_before_as"],
                )
            )
        return rows


@admin.register(LabelClass)
class LabelClassAdmin(OwnProjectsAdmin):
    list_display = ("name", "value", "color", "is_boundary", "project", "added_at", "retired_at")
    list_filter = (("project", admin.RelatedOnlyFieldListFilter), ("retired_at", admin.EmptyFieldListFilter))
    list_select_related = ("project",)
    fields = (
        "project", "value", "name", "color", "is_boundary", "added_at", "drawn_before_as", "retired_at",
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.legend_view)
        return [
            path("of-project/<int:project_id>/", view, name="annotator_labelclass_legend"),
            *super().get_urls(),
        ]

    def event_filter(self, row: Any) -> dict[str, object]:
        """A legend's history is its project's."""
        return {"subject": "project", "subject_id": row.project_id}

    def legend_view(self, request: HttpRequest, project_id: int) -> HttpResponse:
        """Leads and ML staff of the project change its legend; anyone else meets a 404."""
        project = Project.objects.filter(pk=project_id).first()
        if project is None or not (request.user.is_superuser or project_id in admin_roles(request)):
            raise Http404
        back_url = reverse("admin:annotator_project_change", args=[project.pk])
        form = LegendForm(request.POST or None, legend=legend_of(project.pk))
        if request.method == "POST" and form.is_valid() and _change(form, project, request):
            messages.success(request, "The legend is changed. Proposals of the legend before are made again.")
            return redirect(back_url)
        return self.verb_page(
            request,
            project,
            "legend.html",
            title=f"Legend of {project}",
            form=form,
            back_url=back_url,
            status=422 if form.errors else 200,
        )


def _change(form: LegendForm, project: Project, request: HttpRequest) -> bool:
    try:
        change_legend(project=project, user=request.user, classes=form.changes())
    except MilpaError as error:
        form.add_error(None, error.detail)
        return False
    return True
