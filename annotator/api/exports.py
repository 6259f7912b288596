"""Approved masks on their way out."""

from __future__ import annotations

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for, row_for
from annotator.api.answers import PAGE_PARAMETERS, answer, page
from annotator.api.narrowing import ExportNarrowing
from annotator.api.pagination import page_of
from annotator.api.repeats import IDEMPOTENCY_KEY, once
from annotator.api.serializers import ExportInput
from annotator.domain.exports import cancel_export, download_path, request_export
from annotator.domain.retries import try_again
from annotator.downloads import file_download
from annotator.enums import ExportKind, Role
from annotator.models import Export, Project
from annotator.queries import document_types as types
from annotator.queries.exports import export_document, told_exports

MANAGERS = frozenset({Role.LEAD, Role.ML_STAFF})


class ProjectExports(APIView):
    @extend_schema(responses=page(types.Export), parameters=[ExportNarrowing, *PAGE_PARAMETERS])
    def get(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug, MANAGERS)
        rows = ExportNarrowing.of(request, told_exports().filter(project=project))
        return page_of(request, rows, export_document)

    @extend_schema(request=ExportInput, responses=answer(types.Export, 202), parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, slug: str) -> Response:
        """Asks for an export; the same masks with the same parameters are the export that there is already."""
        return self._ask(request, project_for(request, slug, MANAGERS))

    @once
    def _ask(self, request: Request, project: Project) -> Response:
        given = ExportInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        export = request_export(
            project=project,
            user=request.user,
            kind=ExportKind(values["kind"]),
            parameters=values["parameters"],
        )
        return Response(export_document(export), status=202)


class ExportDetail(APIView):
    @extend_schema(responses=answer(types.Export))
    def get(self, request: Request, export_id: int) -> Response:
        return Response(export_document(row_for(request, told_exports(), export_id, MANAGERS)))


class ExportRevisions(APIView):
    @extend_schema(responses=answer(types.ExportRevisions))
    def get(self, request: Request, export_id: int) -> Response:
        """The ids of the revisions that are in it, in the order of their patches."""
        export = row_for(request, Export.objects.defer("basis"), export_id, MANAGERS)
        return Response({"fingerprint": export.fingerprint, "revisions": export.revisions})


class ExportCancel(APIView):
    @extend_schema(request=None, responses=answer(types.Export, 202))
    def post(self, request: Request, export_id: int) -> Response:
        export = row_for(request, told_exports(), export_id, MANAGERS)
        return Response(export_document(cancel_export(export=export, user=request.user)), status=202)


class ExportAgain(APIView):
    @extend_schema(request=None, responses=answer(types.Export, 202))
    def post(self, request: Request, export_id: int) -> Response:
        """Makes an export that was given up, as its workers were lost, once more of the same revisions."""
        export = row_for(request, Export, export_id, MANAGERS)
        return Response(export_document(try_again(row=export, user=request.user)), status=202)


class ExportFile(APIView):
    @extend_schema(
        responses={
            (200, "application/zip"): OpenApiTypes.BINARY,
            (206, "application/zip"): OpenApiTypes.BINARY,
        }
    )
    def get(self, request: Request, export_id: int) -> HttpResponseBase:
        """The ZIP, or the ``Range`` of it that is asked for; its ``ETag`` is its SHA-256."""
        export = row_for(request, told_exports(), export_id, MANAGERS)
        return file_download(
            request,
            download_path(export),
            file_name=export.file_name,
            content_type="application/zip",
            etag=f'"{export.sha256}"',
        )
