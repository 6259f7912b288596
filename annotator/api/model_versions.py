"""Training runs and model versions."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for, row_for
from annotator.api.answers import PAGE_PARAMETERS, answer, page
from annotator.api.narrowing import RunNarrowing
from annotator.api.pagination import page_of
from annotator.api.repeats import HEADER, IDEMPOTENCY_KEY, once
from annotator.api.serializers import PromotionInput, RollbackInput, RunInput
from annotator.domain.retries import try_again
from annotator.domain.training import cancel_run, request_run
from annotator.domain.versions import promote, roll_back
from annotator.enums import Role
from annotator.models import ModelVersion, Project, TrainingRun
from annotator.queries import document_types as types
from annotator.queries.documents import run_document, version_document

ML_STAFF = frozenset({Role.ML_STAFF})
MANAGERS = frozenset({Role.LEAD, Role.ML_STAFF})


class ProjectTrainingRuns(APIView):
    @extend_schema(responses=page(types.TrainingRun), parameters=[RunNarrowing, *PAGE_PARAMETERS])
    def get(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug, MANAGERS)
        runs = project.training_runs.select_related("parent", "candidate").prefetch_related(
            "evaluations__model_version"
        )
        return page_of(request, RunNarrowing.of(request, runs), run_document)

    @extend_schema(request=RunInput, responses=answer(types.TrainingRun, 202), parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, slug: str) -> Response:
        return self._ask(request, project_for(request, slug, ML_STAFF))

    @once
    def _ask(self, request: Request, project: Project) -> Response:
        given = RunInput(data=request.data)
        given.is_valid(raise_exception=True)
        run = request_run(
            project=project,
            user=request.user,
            config=given.validated_data["config"],
            # The run remembers it for good.
            idempotency_key=request.headers.get(HEADER, ""),
        )
        return Response(run_document(run), status=202)


class TrainingRunDetail(APIView):
    @extend_schema(responses=answer(types.TrainingRun))
    def get(self, request: Request, run_id: int) -> Response:
        return Response(run_document(row_for(request, TrainingRun, run_id, MANAGERS)))


class TrainingRunCancel(APIView):
    @extend_schema(request=None, responses=answer(types.TrainingRun, 202))
    def post(self, request: Request, run_id: int) -> Response:
        run = row_for(request, TrainingRun, run_id, ML_STAFF)
        return Response(run_document(cancel_run(run=run, user=request.user)), status=202)


class TrainingRunAgain(APIView):
    @extend_schema(request=None, responses=answer(types.TrainingRun, 202))
    def post(self, request: Request, run_id: int) -> Response:
        """Goes on with a run that was given up, as its workers were lost."""
        run = row_for(request, TrainingRun, run_id, ML_STAFF)
        return Response(run_document(try_again(row=run, user=request.user)), status=202)


class ProjectModelVersions(APIView):
    @extend_schema(responses=page(types.ModelVersion), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug, MANAGERS)
        versions = project.model_versions.select_related("parent").prefetch_related(
            "evaluations__model_version"
        )
        return page_of(request, versions, version_document)


class ModelVersionPromote(APIView):
    @extend_schema(request=PromotionInput, responses=answer(types.ModelVersion))
    def post(self, request: Request, version_id: int) -> Response:
        version = row_for(request, ModelVersion, version_id, ML_STAFF)
        given = PromotionInput(data=request.data)
        given.is_valid(raise_exception=True)
        promoted = promote(version=version, user=request.user, **given.validated_data)
        return Response(version_document(promoted))


class ProjectRollback(APIView):
    @extend_schema(request=RollbackInput, responses=answer(types.ModelVersion))
    def post(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug, ML_STAFF)
        given = RollbackInput(data=request.data)
        given.is_valid(raise_exception=True)
        promoted = roll_back(project=project, user=request.user, **given.validated_data)
        return Response(version_document(promoted))
