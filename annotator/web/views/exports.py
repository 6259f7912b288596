"""The page of a project's exports: start one, follow it, take the file away."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotator.domain.exports import cancel_export, download_path, request_export
from annotator.domain.parcels import cancel_rebuild, rebuild_parcels
from annotator.domain.retries import try_again
from annotator.downloads import file_download
from annotator.enums import Role
from annotator.errors import MilpaError
from annotator.models import Export
from annotator.notices import tell
from annotator.queries.exports import kept_until, told_exports
from annotator.queries.parcels import newest_rebuild, parcels_document
from annotator.web.access import ProjectAccess, SignedInRequest, project_view
from annotator.web.forms.exports import ExportForm

EXPORTS_SHOWN = 30


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.LEAD, Role.ML_STAFF)
def exports(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    form = ExportForm(access.project, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            request_export(project=access.project, user=request.user, **form.cleaned)
        except MilpaError as error:
            form.add_error(None, error.detail)
        else:
            return redirect("exports", access.project.slug)
    rows = told_exports().filter(project=access.project)[:EXPORTS_SHOWN]
    shown = [{"export": export, "kept_until": kept_until(export)} for export in rows]
    parcels = parcels_document(access.project.pk)
    context = access.context(form=form, exports=shown, parcels=parcels)
    return render(request, "exports.html", context, status=422 if request.method == "POST" else 200)


@require_POST
@project_view(Role.LEAD, Role.ML_STAFF)
def parcel_rebuild(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    """Cancels the drawing of all parcels where one is at work, else asks for it."""
    rebuild = newest_rebuild(access.project.pk)
    if rebuild is not None and rebuild.is_active:
        with tell(request, _("Drawing the parcels is cancelled.")):
            cancel_rebuild(rebuild=rebuild, user=request.user)
    else:
        rebuild_parcels(project=access.project, user=request.user)
    return redirect("exports", access.project.slug)


@require_POST
@project_view(Role.LEAD, Role.ML_STAFF)
def export_cancel(request: SignedInRequest, access: ProjectAccess, export_id: int) -> HttpResponse:
    export = get_object_or_404(Export, pk=export_id, project=access.project)
    with tell(request, _("The export is cancelled.")):
        cancel_export(export=export, user=request.user)
    return redirect("exports", access.project.slug)


@require_POST
@project_view(Role.LEAD, Role.ML_STAFF)
def export_again(request: SignedInRequest, access: ProjectAccess, export_id: int) -> HttpResponse:
    export = get_object_or_404(Export, pk=export_id, project=access.project)
    with tell(request, _("The export is tried again.")):
        try_again(row=export, user=request.user)
    return redirect("exports", access.project.slug)


@require_safe
@project_view(Role.LEAD, Role.ML_STAFF)
def export_file(request: SignedInRequest, access: ProjectAccess, export_id: int) -> HttpResponseBase:
    export = get_object_or_404(Export, pk=export_id, project=access.project)
    try:
        return file_download(
            request,
            download_path(export),
            file_name=export.file_name,
            content_type="application/zip",
            etag=f'"{export.sha256}"',
        )
    except MilpaError as error:
        messages.error(request, error.detail)
        return redirect("exports", access.project.slug)
