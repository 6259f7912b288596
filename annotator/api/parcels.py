"""The parcels of a project as a whole: how far they are, and drawing all of them anew."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import project_for
from annotator.api.answers import answer
from annotator.api.repeats import IDEMPOTENCY_KEY, once
from annotator.domain.parcels import cancel_rebuild, rebuild_parcels
from annotator.enums import Role
from annotator.errors import IllegalTransition
from annotator.models import Project
from annotator.queries import document_types as types
from annotator.queries.parcels import newest_rebuild, parcels_document

MANAGERS = frozenset({Role.LEAD, Role.ML_STAFF})


class ParcelsRebuild(APIView):
    @extend_schema(responses=answer(types.Parcels))
    def get(self, request: Request, slug: str) -> Response:
        return Response(parcels_document(project_for(request, slug, MANAGERS).pk))

    @extend_schema(request=None, responses=answer(types.Parcels, 202), parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, slug: str) -> Response:
        """Has all parcels drawn anew from the approved masks; asked for again, it starts over."""
        return self._rebuild(request, project_for(request, slug, MANAGERS))

    @once
    def _rebuild(self, request: Request, project: Project) -> Response:
        rebuild_parcels(project=project, user=request.user)
        return Response(parcels_document(project.pk), status=202)


class ParcelsRebuildCancel(APIView):
    @extend_schema(request=None, responses=answer(types.Parcels, 202))
    def post(self, request: Request, slug: str) -> Response:
        """Ends the drawing after the batch that a worker is at; what was drawn stays."""
        project = project_for(request, slug, MANAGERS)
        rebuild = newest_rebuild(project.pk)
        if rebuild is None:
            raise IllegalTransition(
                "Nobody asked for all parcels to be drawn; there is nothing to cancel.", state=""
            )
        cancel_rebuild(rebuild=rebuild, user=request.user)
        return Response(parcels_document(project.pk), status=202)
