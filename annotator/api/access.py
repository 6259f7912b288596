"""Who may call what: strangers are told that there is no such thing, members that their role does not do it."""

from __future__ import annotations

from typing import TypeVar

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from annotator.enums import Role
from annotator.errors import MilpaError, NotAllowed, OtherPerson
from annotator.models import Project
from annotator.queries.access import member_roles, project_and_roles

RowT = TypeVar("RowT", bound=Model)

ANYONE = frozenset(Role)


class NotSignedIn(MilpaError):
    """A plain view was asked by nobody that it knows."""

    code = "not-signed-in"
    status = 401
    title = "Sign in first"


class NotFound(MilpaError):
    """There is no such thing, or it is not the person's to see."""

    code = "not-found"
    status = 404
    title = "There is no such thing, or it is not yours to see"


def person_of(request: HttpRequest) -> User:
    """Whoever is signed in or sends a valid token, for plain views. Raises NotSignedIn."""
    if request.user.is_authenticated:
        return request.user
    try:
        found = TokenAuthentication().authenticate(request)  # type: ignore[arg-type]  # reads headers only
    except AuthenticationFailed as error:
        raise NotSignedIn(f"{error.detail} Send `Authorization: Token ...` with a token of yours.") from error
    if found is None:
        raise NotSignedIn("Sign in to see this, or send `Authorization: Token ...`.")
    person: User = found[0]
    return person


def project_for(request: Request, slug: str, roles: frozenset[Role] = ANYONE) -> Project:
    """The project if the person has one of the roles in it. Raises Http404 or NotAllowed."""
    project, held = project_and_roles(slug, request.user)
    if project is None:
        raise Http404
    _check(held, roles)
    return project


def row_for(
    request: Request, rows: type[RowT] | QuerySet[RowT], row_id: int, roles: frozenset[Role] = ANYONE
) -> RowT:
    """The row of a project's own model, likewise."""
    row = get_object_or_404(rows, pk=row_id)
    check_roles(request, row.project_id, roles)  # type: ignore[attr-defined]
    return row


def check_person(request: Request) -> None:
    """What waited in a browser goes in under the name of whoever did it, whoever has signed in there since.

    Raises OtherPerson where ``Milpa-Person`` names somebody else.
    """
    done_by = request.headers.get("Milpa-Person")
    if done_by is not None and done_by != str(request.user.pk):
        raise OtherPerson(
            _(
                "%(person)s is signed in now, but somebody else drew this mask. "
                "Sign in as the person who drew it, then try again."
            )
            % {"person": request.user.get_username()}
        )


def check_roles(request: Request, project_id: int, roles: frozenset[Role]) -> None:
    _check(member_roles(request.user, project_id), roles)


def _check(held: frozenset[Role], roles: frozenset[Role]) -> None:
    if not held:
        raise Http404
    if not held & roles:
        needed = " or ".join(sorted(str(role.label) for role in roles))
        raise NotAllowed(f"This needs the role {needed} in the project. Ask one of its leads.")
