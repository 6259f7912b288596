"""Inviting by link, and what whoever opens the link meets."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from annotator.domain.invitations import (
    accept_invitation,
    check_open,
    invitation_by,
    make_invitation,
    revoke_invitation,
)
from annotator.enums import Role
from annotator.errors import InvitationOver
from annotator.models import Invitation
from annotator.notices import tell
from annotator.web.access import ProjectAccess, SignedInRequest, project_view
from annotator.web.forms.members import InvitationForm, MemberForm
from annotator.web.views.members import members_page


@require_POST
@project_view(Role.LEAD)
def invitation_new(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return members_page(request, access, MemberForm(), form)
    values = form.cleaned_data | {"role": Role(form.cleaned_data["role"])}
    with tell(request, "The invitation is made. Send its link to whom it is for."):
        make_invitation(project=access.project, user=request.user, **values)
    return redirect("members", access.project.slug)


@require_POST
@project_view(Role.LEAD)
def invitation_revoke(request: SignedInRequest, access: ProjectAccess, invitation_id: int) -> HttpResponse:
    row = get_object_or_404(Invitation, pk=invitation_id, project=access.project)
    with tell(request, "The invitation is revoked. Who has joined by it stays."):
        revoke_invitation(invitation=row, user=request.user)
    return redirect("members", access.project.slug)


@never_cache
@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Joining with the account that one is signed in with, or with a new one."""
    row = invitation_by(token)
    if row is None:
        return render(request, "404.html", status=404)
    try:
        check_open(row)
        if request.method != "POST":
            return _page(request, row, UserCreationForm())
        if isinstance(request.user, User):
            accept_invitation(invitation=row, user=request.user)
        else:
            form = UserCreationForm(request.POST)
            if not form.is_valid():
                return _page(request, row, form, status=422)
            login(request, _with_account(row, form))
    except InvitationOver as error:
        return render(request, "invitation.html", {"over": error.detail}, status=error.status)
    messages.success(request, _("You are a member of %(project)s now.") % {"project": row.project.name})
    return redirect("project", row.project.slug)


@transaction.atomic
def _with_account(row: Invitation, form: UserCreationForm[User]) -> User:
    """Account and role in one transaction: an invitation that is over leaves no account behind."""
    user = form.save()
    accept_invitation(invitation=row, user=user)
    return user


def _page(
    request: HttpRequest, row: Invitation, form: UserCreationForm[User], status: int = 200
) -> HttpResponse:
    return render(request, "invitation.html", {"invitation": row, "form": form}, status=status)
