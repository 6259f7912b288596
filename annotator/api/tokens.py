"""The token that a person's scripts sign in with: one a person, gone as soon as it is revoked."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.authtoken.models import Token
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response


class OwnToken(ObtainAuthToken):
    @extend_schema(request=AuthTokenSerializer, responses={200: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        """Gives the ``token`` of whoever knows the name and the password, a new one where there is none."""
        return super().post(request)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Revokes the token of whoever is signed in; the next one is another."""
        if not request.user.is_authenticated:
            raise NotAuthenticated("Send the token that is to be revoked, or sign in.")
        Token.objects.filter(user=request.user).delete()
        return Response(status=204)
