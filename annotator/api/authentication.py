"""How programs sign in: with an access token in a header of its own, or as the password of Basic authentication."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.formats import date_format
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox import auth as knox
from knox.crypto import hash_token
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS

from annotator.domain.access_tokens import note_use
from annotator.errors import TokenReadsOnly
from annotator.models import AccessToken

REALM = "Milpa"
_WHERE = "Make another one on the page “Access tokens”."


class TokenAuthentication(knox.TokenAuthentication):
    """``Authorization: Token milpa_…``, in one query; the request's ``auth`` is the token's row.

    A token that reads only meets TokenReadsOnly with any other method than GET, HEAD and OPTIONS.
    """

    def authenticate(self, request: Any) -> tuple[User, AccessToken] | None:
        found: tuple[User, AccessToken] | None = super().authenticate(request)
        if found is not None and found[1].reads_only and request.method not in SAFE_METHODS:
            raise TokenReadsOnly(
                f"The token “{found[1].name}” reads only. "
                "Make one for reading and writing on the page “Access tokens”."
            )
        return found

    def authenticate_credentials(self, token: bytes) -> tuple[User, AccessToken]:
        return token_owner(token.decode(errors="replace"))


class TokenAsPassword(BasicAuthentication):
    """Basic authentication for programs that know no other: the person's name, and a token for the password.

    The account's own password is not taken: it would lie in the settings of many a program. For views that only
    read.
    """

    www_authenticate_realm = REALM

    def authenticate_credentials(
        self, userid: str, password: str, request: Any = None
    ) -> tuple[User, AccessToken]:
        user, row = token_owner(password)
        if user.get_username() != userid:
            raise AuthenticationFailed("The token is another person's: send the name of its owner with it.")
        return user, row


#: For what only reads and what other programs open by address: a refusal asks for a name and a token.
READERS = [TokenAsPassword, TokenAuthentication, SessionAuthentication]


def token_owner(token: str) -> tuple[User, AccessToken]:
    """Whose token it is, and its row. Raises AuthenticationFailed with the remedy."""
    # The digest of a random token of 256 bits is found as fast as any other, and tells nothing of its neighbours.
    row = AccessToken.objects.select_related("user").filter(digest=hash_token(token)).first()
    if row is None:
        raise AuthenticationFailed(
            f"This is no access token, or it was revoked; a password is not taken in its place. {_WHERE}"
        )
    if row.is_expired:
        raise AuthenticationFailed(
            f"The token “{row.name}” expired on {date_format(row.expiry, 'j F Y')}. {_WHERE}"
        )
    if not row.user.is_active:
        raise AuthenticationFailed("The account is not active. Ask an administrator.")
    note_use(token=row)
    return row.user, row


# What the OpenAPI document tells of each; here, so that they are known wherever the ways themselves are.


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "annotator.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token milpa_…`, an access token. One that reads only is refused where anything is "
            "changed: 403 `token-reads-only`.",
        }


class BasicScheme(OpenApiAuthenticationExtension):
    target_class = "annotator.api.authentication.TokenAsPassword"
    name = "basic"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "basic",
            "description": "The user name, and an access token as the password; the account's own is not taken.",
        }


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "rest_framework.authentication.SessionAuthentication"
    name = "session"
    # Before the one of drf-spectacular itself, which says nothing of CSRF.
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The browser's session; what changes anything also sends `X-CSRFToken`.",
        }
