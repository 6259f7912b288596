"""The pages of imports: bring a file, tell its values to classes, read what became of it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from annotator.domain.label_imports import bring_labels, cancel_import, start_import
from annotator.domain.retries import try_again
from annotator.enums import ImportState, Role
from annotator.errors import MilpaError
from annotator.imagery.label_files import ALL
from annotator.models import LabelImport
from annotator.notices import tell
from annotator.queries.labels import legend_of
from annotator.web.access import ProjectAccess, SignedInRequest, project_view
from annotator.web.forms.imports import LabelFileForm, MappingForm

IMPORTS_SHOWN = 30


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.LEAD)
def imports(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    form = LabelFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        reading = dict(form.cleaned_data)
        try:
            row = bring_labels(
                project=access.project, user=request.user, upload=reading.pop("file"), reading=reading
            )
        except MilpaError as error:
            form.add_error(None, error.detail)
        else:
            return redirect("import", access.project.slug, row.pk)
    rows = access.project.label_imports.select_related("requested_by")[:IMPORTS_SHOWN]
    context = access.context(form=form, imports=rows)
    return render(request, "imports.html", context, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.LEAD)
def label_import(request: SignedInRequest, access: ProjectAccess, import_id: int) -> HttpResponse:
    """Before it is begun: which class each value becomes. Afterwards: how far it is, and the report."""
    row = get_object_or_404(LabelImport, pk=import_id, project=access.project)
    attributes = list(row.preview["attributes"])
    attribute = request.GET.get("attribute", attributes[-1] if len(attributes) == 2 else ALL)
    form = None
    if row.state == ImportState.UPLOADED and attribute in attributes:
        form = MappingForm(row, attribute, request.POST or None)
    if request.method == "POST" and form is not None and form.is_valid():
        try:
            start_import(label_import=row, user=request.user, mapped=form.mapped)
        except MilpaError as error:
            form.add_error(None, error.detail)
        else:
            return redirect("import", access.project.slug, row.pk)
    names = {str(c.value): c.name for c in legend_of(access.project.pk)} | {"255": _("unsure")}
    pixels = [(names.get(value, value), count) for value, count in row.report.get("pixels", {}).items()]
    context = access.context(row=row, form=form, attributes=attributes, attribute=attribute, pixels=pixels)
    return render(request, "import.html", context, status=422 if request.method == "POST" else 200)


@require_POST
@project_view(Role.LEAD)
def import_cancel(request: SignedInRequest, access: ProjectAccess, import_id: int) -> HttpResponse:
    row = get_object_or_404(LabelImport, pk=import_id, project=access.project)
    with tell(request, _("The import is cancelled.")):
        cancel_import(label_import=row, user=request.user)
    return redirect("imports", access.project.slug)


@require_POST
@project_view(Role.LEAD)
def import_again(request: SignedInRequest, access: ProjectAccess, import_id: int) -> HttpResponse:
    row = get_object_or_404(LabelImport, pk=import_id, project=access.project)
    with tell(request, _("The import is tried again.")):
        try_again(row=row, user=request.user)
    return redirect("import", access.project.slug, row.pk)
