"""What annotators do with comments that are pinned to places of their patches."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotator.api.access import row_for
from annotator.api.answers import answer
from annotator.api.serializers import AnswerInput
from annotator.domain.pins import answer_pin, resolve_pin
from annotator.enums import Role
from annotator.models import PinnedComment
from annotator.queries import document_types as types
from annotator.queries.documents import pin_document

ANNOTATORS = frozenset({Role.ANNOTATOR, Role.LEAD})


class PinAnswer(APIView):
    @extend_schema(request=AnswerInput, responses=answer(types.Pin))
    def post(self, request: Request, pin_id: int) -> Response:
        pin = row_for(request, PinnedComment, pin_id, ANNOTATORS)
        given = AnswerInput(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(
            pin_document(answer_pin(pin=pin, user=request.user, text=given.validated_data["text"]))
        )


class PinResolve(APIView):
    @extend_schema(request=None, responses=answer(types.Pin))
    def post(self, request: Request, pin_id: int) -> Response:
        pin = row_for(request, PinnedComment, pin_id, ANNOTATORS)
        return Response(pin_document(resolve_pin(pin=pin, user=request.user)))
