"""Labels that exist already, on their way in."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for, row_for
from annotator.api.answers import PAGE_PARAMETERS, answer, page
from annotator.api.narrowing import ImportNarrowing
from annotator.api.pagination import page_of
from annotator.api.repeats import IDEMPOTENCY_KEY, once
from annotator.api.serializers import LabelFileInput, MappingInput
from annotator.domain.label_imports import Mapped, bring_labels, cancel_import, start_import
from annotator.domain.retries import try_again
from annotator.enums import Role
from annotator.models import LabelImport, Project
from annotator.queries import document_types as types
from annotator.queries.label_imports import import_document

LEAD = frozenset({Role.LEAD})


class ProjectImports(APIView):
    parser_classes = (MultiPartParser,)

    @extend_schema(responses=page(types.LabelImport), parameters=[ImportNarrowing, *PAGE_PARAMETERS])
    def get(self, request: Request, slug: str) -> Response:
        rows = project_for(request, slug, LEAD).label_imports.select_related("requested_by")
        return page_of(request, ImportNarrowing.of(request, rows), import_document)

    @extend_schema(
        request=LabelFileInput, responses=answer(types.LabelImport, 201), parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, slug: str) -> Response:
        """Takes a file in and tells what is in it: the values of each attribute, and what cannot be used."""
        return self._bring(request, project_for(request, slug, LEAD))

    @once
    def _bring(self, request: Request, project: Project) -> Response:
        given = LabelFileInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        row = bring_labels(project=project, user=request.user, upload=values.pop("file"), reading=values)
        return Response(import_document(row), status=201)


class ImportDetail(APIView):
    @extend_schema(responses=answer(types.LabelImport))
    def get(self, request: Request, import_id: int) -> Response:
        return Response(import_document(row_for(request, LabelImport, import_id, LEAD)))


class ImportStart(APIView):
    @extend_schema(
        request=MappingInput, responses=answer(types.LabelImport, 202), parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, import_id: int) -> Response:
        """Makes masks of the file: ``classes`` tells each value to a class of the legend."""
        return self._start(request, row_for(request, LabelImport, import_id, LEAD))

    @once
    def _start(self, request: Request, row: LabelImport) -> Response:
        given = MappingInput(data=request.data)
        given.is_valid(raise_exception=True)
        started = start_import(label_import=row, user=request.user, mapped=Mapped(**given.validated_data))
        return Response(import_document(started), status=202)


class ImportCancel(APIView):
    @extend_schema(request=None, responses=answer(types.LabelImport, 202))
    def post(self, request: Request, import_id: int) -> Response:
        row = row_for(request, LabelImport, import_id, LEAD)
        return Response(import_document(cancel_import(label_import=row, user=request.user)), status=202)


class ImportAgain(APIView):
    @extend_schema(request=None, responses=answer(types.LabelImport, 202))
    def post(self, request: Request, import_id: int) -> Response:
        """Goes on with an import that was given up, as its workers were lost."""
        row = row_for(request, LabelImport, import_id, LEAD)
        return Response(import_document(try_again(row=row, user=request.user)), status=202)
