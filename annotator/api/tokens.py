"""A person's own access tokens: a list, a new one, and the end of one."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from annotator.api.answers import PAGE_PARAMETERS, answer, page
from annotator.api.pagination import page_of
from annotator.domain.access_tokens import MOST_DAYS, make_token, revoke_token
from annotator.enums import TokenScope
from annotator.errors import TokenNotEnough
from annotator.models import AccessToken
from annotator.queries import document_types as types

DEFAULT_DAYS = 90


class TokenInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)
    days = serializers.IntegerField(min_value=1, max_value=MOST_DAYS, default=DEFAULT_DAYS)
    scope = serializers.ChoiceField(choices=TokenScope.choices, default=TokenScope.READ)
    username = serializers.CharField(
        required=False, max_length=150, help_text="For whoever is not signed in."
    )
    password = serializers.CharField(
        required=False, max_length=128, write_only=True, trim_whitespace=False, help_text="Likewise."
    )


class PasswordThrottle(SimpleRateThrottle):
    """Ten tries a minute for the password of one account, in each web process, from wherever they come."""

    rate = "10/min"
    scope = "password"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        name = request.data.get("username") if isinstance(request.data, dict) else None
        if not isinstance(name, str):
            return None
        # Hashed, since a name may hold what a key may not.
        ident = hashlib.sha256(name.strip().casefold().encode(errors="replace")).hexdigest()
        return self.cache_format % {"scope": self.scope, "ident": ident}


class OwnTokens(APIView):
    # Whoever asks for a token with a password is not signed in yet.
    permission_classes = [AllowAny]

    def get_throttles(self) -> list[Any]:
        return [PasswordThrottle()] if self.request.method == "POST" else []

    @extend_schema(responses=page(types.AccessToken), parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """The tokens of whoever asks, a page at a time, without the tokens themselves."""
        rows = AccessToken.objects.filter(user=signed_in(request))
        return page_of(request, rows, lambda row: _document(row, is_current=row == request.auth))

    @extend_schema(request=TokenInput, responses=answer(types.NewAccessToken, 201))
    def post(self, request: Request) -> Response:
        """A new token for whoever is signed in by a session, or sends name and password. Tokens make no tokens."""
        if request.auth is not None:
            raise TokenNotEnough(
                "A token makes no other token, or it would never end. Sign in, or send username and password."
            )
        given = TokenInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        name, password = values.pop("username", None), values.pop("password", None)
        user = signed_in(request) if name is None else _with_password(request, name, password)
        row, token = make_token(user=user, **values | {"scope": TokenScope(values["scope"])})
        told = _document(row, is_current=False) | {"token": token}
        return Response(told, status=201, headers={"Cache-Control": "no-store"})


class OwnToken(APIView):
    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, token_id: int) -> Response:
        """Revokes a token of one's own; a request that comes with a token revokes only that one."""
        row = AccessToken.objects.filter(pk=token_id, user=signed_in(request)).first()
        if row is None:
            raise Http404
        if request.auth not in (None, row):
            raise TokenNotEnough("A token revokes itself and no other. Sign in to revoke this one.")
        revoke_token(token=row, user=row.user)
        return Response(status=204)


def signed_in(request: Request) -> User:
    if not isinstance(request.user, User):
        raise NotAuthenticated("Sign in, or send `Authorization: Token ...`.")
    return request.user


def _with_password(request: Request, name: str, password: str | None) -> User:
    user = authenticate(request, username=name, password=password)
    if not isinstance(user, User):
        raise ValidationError({"password": ["Name and password do not fit together. Check both."]})
    return user


def _document(row: AccessToken, *, is_current: bool) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "starts_with": row.token_key,
        "scope": row.scope,
        "made_at": row.created,
        "expires_at": row.expiry,
        "last_used_on": row.last_used_on,
        "is_current": is_current,
    }
