"""The button of a version's page that exports it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.urls.resolvers import URLPattern

from annotator.admin.scoped import OwnProjectsAdmin, require_training_role
from annotator.domain.version_export import export_version
from annotator.errors import MilpaError


class ExportsVersions(OwnProjectsAdmin):
    """Adds the download of a model version, for the ML staff of its project."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        return [
            path("<int:object_id>/export/", view, name="annotator_modelversion_export"),
            *super().get_urls(),
        ]

    def export_view(self, request: HttpRequest, object_id: int) -> HttpResponse | StreamingHttpResponse:
        """The version as a ZIP, or its page again with the reason why there is none."""
        version = self.own_row(request, str(object_id))
        require_training_role(request, version.project_id)
        try:
            archive = export_version(version=version)
        except MilpaError as error:
            messages.error(request, error.detail)
            return redirect(self.change_url(version))
        return StreamingHttpResponse(
            archive.pieces,
            content_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{archive.file_name}"'},
        )
