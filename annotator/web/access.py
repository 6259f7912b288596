"""Who may open which page: strangers meet a 404, members without the role a sentence that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from annotator.enums import Role
from annotator.models import Project
from annotator.queries.access import member_roles

Rest = ParamSpec("Rest")


class SignedInRequest(HttpRequest):
    """A request behind `login_required`."""

    user: User


@dataclass(frozen=True)
class ProjectAccess:
    """The project that a page is about and what the person may do in it; templates read it as ``access``."""

    project: Project
    roles: frozenset[Role]

    @property
    def may_annotate(self) -> bool:
        return bool(self.roles & {Role.ANNOTATOR, Role.LEAD})

    @property
    def may_lead(self) -> bool:
        return Role.LEAD in self.roles

    @property
    def may_train(self) -> bool:
        return Role.ML_STAFF in self.roles

    @property
    def role_names(self) -> str:
        """The roles in words, in the order of the enum: "annotator and project lead"."""
        return get_text_list([str(role.label) for role in Role if role in self.roles], _("and"))

    def context(self, **more: Any) -> dict[str, Any]:
        """The template context of a page of this project."""
        return {"access": self, "project": self.project, **more}


PageView = Callable[Concatenate[SignedInRequest, ProjectAccess, Rest], HttpResponse]


def project_view(*needed: Role) -> Callable[[PageView[Rest]], Callable[..., HttpResponse]]:
    """Lets members with one of the roles in; without arguments, every member."""

    def decorate(view: PageView[Rest]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(
            request: SignedInRequest, slug: str, *args: Rest.args, **kwargs: Rest.kwargs
        ) -> HttpResponse:
            project = Project.objects.filter(slug=slug).first()
            roles = member_roles(request.user, project.pk) if project else frozenset()
            if project is None or not roles:
                # Answered here, so that a stranger meets the same sentence under DEBUG too.
                return render(request, "404.html", status=404)
            if needed and roles.isdisjoint(needed):
                wanted = get_text_list([str(role.label) for role in needed], _("or"))
                raise PermissionDenied(
                    _(
                        "This page of “%(project)s” is for the role %(roles)s. "
                        "Ask a lead of the project to give it to you."
                    )
                    % {"project": project.name, "roles": wanted}
                )
            return view(request, ProjectAccess(project, roles), *args, **kwargs)

        return login_required(guarded)

    return decorate
