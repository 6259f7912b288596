from __future__ import annotations

from django.contrib.gis.geos import GEOSGeometry
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for, row_for
from annotator.api.answers import PAGE_PARAMETERS, answer, page
from annotator.api.narrowing import JobNarrowing, SceneNarrowing
from annotator.api.pagination import page_of, page_of_many
from annotator.api.repeats import IDEMPOTENCY_KEY, once
from annotator.api.serializers import JobInput, PlaceInput, ProjectInput, SceneChange, SceneInput
from annotator.domain.display_copies import cancel_display_copy, request_display_copy
from annotator.domain.ingest import cancel_ingest, retry_ingest
from annotator.domain.placement import correct_place
from annotator.domain.projects import ClassSpec, create_project
from annotator.domain.proposals import cancel_job, request_proposals
from annotator.domain.ranking import request_ranking
from annotator.domain.scenes import add_scene, change_display
from annotator.enums import Role
from annotator.errors import NotAllowed
from annotator.models import InferenceJob, Membership, Project, Scene
from annotator.queries import document_types as types
from annotator.queries.documents import (
    display_copy_document,
    job_document,
    project_document,
    scene_document,
    scene_documents,
)
from annotator.queries.labelling_queue import first_places, latest_ranking, queue_summary
from annotator.queries.projects import project_rows
from annotator.queries.queue_places import queue_places, ranking_facts

LEAD = frozenset({Role.LEAD})
MANAGERS = frozenset({Role.LEAD, Role.ML_STAFF})


class Projects(APIView):
    @extend_schema(responses=page(types.ProjectRow), operation_id="list_projects", parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """The person's projects, without their scenes and areas of interest."""
        own = Membership.objects.filter(user=request.user)
        rows = Project.objects.filter(pk__in=own.values("project"))
        return page_of_many(request, rows, lambda page: project_rows(page, request.user))

    @extend_schema(request=ProjectInput, responses=answer(types.Project, 201), parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request) -> Response:
        if not request.user.has_perm("annotator.add_project"):
            raise NotAllowed("Ask an administrator for the permission to add projects.")
        return self._make(request)

    @once
    def _make(self, request: Request) -> Response:
        given = ProjectInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        area = values["area_of_interest"]
        project = create_project(
            user=request.user,
            name=values["name"],
            description=values["description"],
            patch_zoom=values["patch_zoom"],
            area_of_interest=GEOSGeometry(area.wkb, srid=4326) if area else None,
            legend=[ClassSpec(**row) for row in values["legend"]],
        )
        return Response(project_document(project, request.user), status=201)


class ProjectDetail(APIView):
    @extend_schema(responses=answer(types.Project), operation_id="get_project")
    def get(self, request: Request, slug: str) -> Response:
        return Response(project_document(project_for(request, slug), request.user))


class ProjectScenes(APIView):
    parser_classes = (JSONParser, MultiPartParser)

    @extend_schema(responses=page(types.Scene), parameters=[SceneNarrowing, *PAGE_PARAMETERS])
    def get(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug)
        rows = SceneNarrowing.of(request, project.scenes.all())
        return page_of_many(request, rows, lambda page: scene_documents(page, project.pk))

    @extend_schema(request=SceneInput, responses=answer(types.Scene, 201), parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, slug: str) -> Response:
        return self._add(request, project_for(request, slug, LEAD))

    @once
    def _add(self, request: Request, project: Project) -> Response:
        given = SceneInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        scene = add_scene(
            project=project,
            user=request.user,
            upload=values["file"],
            source=values["source"],
            name=values["name"],
            acquired_on=values["acquired_on"],
        )
        return Response(scene_document(scene), status=201)


class SceneDetail(APIView):
    @extend_schema(responses=answer(types.Scene))
    def get(self, request: Request, scene_id: int) -> Response:
        return Response(scene_document(row_for(request, Scene, scene_id)))

    @extend_schema(request=SceneChange, responses=answer(types.Scene))
    def patch(self, request: Request, scene_id: int) -> Response:
        scene = row_for(request, Scene, scene_id, LEAD)
        given = SceneChange(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(
            scene_document(change_display(scene=scene, user=request.user, **given.validated_data))
        )


class SceneCancel(APIView):
    @extend_schema(request=None, responses=answer(types.Scene, 202))
    def post(self, request: Request, scene_id: int) -> Response:
        """Ends the preparation of the scene, which is ready only at its end; it can be tried again."""
        scene = row_for(request, Scene, scene_id, LEAD)
        return Response(scene_document(cancel_ingest(scene=scene, user=request.user)), status=202)


class SceneAgain(APIView):
    @extend_schema(request=None, responses=answer(types.Scene, 202))
    def post(self, request: Request, scene_id: int) -> Response:
        """Prepares a scene that failed or was cancelled once more, from the same source."""
        scene = row_for(request, Scene, scene_id, LEAD)
        return Response(scene_document(retry_ingest(scene=scene, user=request.user)), status=202)


class ScenePlace(APIView):
    """How far east and north of where its file says the scene lies, in metres on the ground."""

    @extend_schema(request=PlaceInput, responses=answer(types.Scene))
    def put(self, request: Request, scene_id: int) -> Response:
        scene = row_for(request, Scene, scene_id, LEAD)
        given = PlaceInput(data=request.data)
        given.is_valid(raise_exception=True)
        moved = correct_place(scene=scene, user=request.user, **given.validated_data)
        return Response(scene_document(moved))


class SceneDisplayCopy(APIView):
    """The COG whose blocks are the scene's tiles: how far it is, and asking for it anew."""

    @extend_schema(responses=answer(types.DisplayCopy))
    def get(self, request: Request, scene_id: int) -> Response:
        copy = row_for(request, Scene, scene_id).display_copies.first()
        if copy is None:
            raise Http404
        return Response(display_copy_document(copy))

    @extend_schema(request=None, responses=answer(types.DisplayCopy, 202), parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, scene_id: int) -> Response:
        return self._ask(request, row_for(request, Scene, scene_id, LEAD))

    @once
    def _ask(self, request: Request, scene: Scene) -> Response:
        copy = request_display_copy(scene=scene, user=request.user)
        return Response(display_copy_document(copy), status=202)


class SceneDisplayCopyCancel(APIView):
    @extend_schema(request=None, responses=answer(types.DisplayCopy, 202))
    def post(self, request: Request, scene_id: int) -> Response:
        copy = row_for(request, Scene, scene_id, LEAD).display_copies.first()
        if copy is None:
            raise Http404
        return Response(display_copy_document(cancel_display_copy(copy=copy, user=request.user)), status=202)


class ProjectInferenceJobs(APIView):
    @extend_schema(responses=page(types.InferenceJob), parameters=[JobNarrowing, *PAGE_PARAMETERS])
    def get(self, request: Request, slug: str) -> Response:
        rows = project_for(request, slug).inference_jobs.select_related("model_version")
        return page_of(request, JobNarrowing.of(request, rows), job_document)

    @extend_schema(request=JobInput, responses=answer(types.InferenceJob, 202), parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, slug: str) -> Response:
        return self._ask(request, project_for(request, slug, MANAGERS))

    @once
    def _ask(self, request: Request, project: Project) -> Response:
        given = JobInput(data=request.data)
        given.is_valid(raise_exception=True)
        scene_id = given.validated_data["scene"]
        scene = get_object_or_404(Scene, pk=scene_id, project=project) if scene_id else None
        job = request_proposals(project=project, user=request.user, scene=scene)
        return Response(job_document(job), status=202)


class InferenceJobDetail(APIView):
    @extend_schema(responses=answer(types.InferenceJob))
    def get(self, request: Request, job_id: int) -> Response:
        return Response(job_document(row_for(request, InferenceJob, job_id)))


class InferenceJobCancel(APIView):
    @extend_schema(request=None, responses=answer(types.InferenceJob, 202))
    def post(self, request: Request, job_id: int) -> Response:
        job = row_for(request, InferenceJob, job_id, MANAGERS)
        return Response(job_document(cancel_job(job=job, user=request.user)), status=202)


class ProjectQueue(APIView):
    @extend_schema(responses=answer(types.Queue))
    def get(self, request: Request, slug: str) -> Response:
        project = project_for(request, slug)
        summary, state = queue_summary(project.pk), latest_ranking(project.pk)
        first = first_places(project.pk)
        return Response(
            {
                "open": summary.open,
                "claimed": summary.claimed,
                "entries": [
                    {"patch": e.patch_id, "quadkey": e.patch.quadkey, **place}
                    for e, place in zip(first, queue_places(first), strict=True)
                ],
                "ranking": ranking_facts(state) if state else None,
            }
        )

    @extend_schema(request=None, responses=answer(types.RankingRequest, 202), parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, slug: str) -> Response:
        """Asks for the queue to be ranked anew; it is once `ranking` of the queue has another `id` than now."""
        return self._rank(request, project_for(request, slug, MANAGERS))

    @once
    def _rank(self, request: Request, project: Project) -> Response:
        state = latest_ranking(project.pk)
        request_ranking(project=project, user=request.user)
        return Response({"before": state.ranking.pk if state else None}, status=202)
