from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from annotator.domain.invitations import token_of
from annotator.domain.members import remove_member
from annotator.domain.projects import add_member
from annotator.enums import Role
from annotator.models import Membership
from annotator.notices import tell
from annotator.web.access import ProjectAccess, SignedInRequest, project_view
from annotator.web.forms.members import InvitationForm, MemberForm

INVITATIONS_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@project_view(Role.LEAD)
def members(request: SignedInRequest, access: ProjectAccess) -> HttpResponse:
    form = MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user, role = form.cleaned_data["username"], Role(form.cleaned_data["role"])
        add_member(project=access.project, user=user, role=role, by=request.user)
        messages.success(
            request, _("%(user)s has the role %(role)s now.") % {"user": user, "role": role.label}
        )
        return redirect("members", access.project.slug)
    return members_page(request, access, form, InvitationForm())


def members_page(
    request: SignedInRequest, access: ProjectAccess, form: MemberForm, invite: InvitationForm
) -> HttpResponse:
    """The members, the invitations and the forms for both."""
    context = access.context(
        form=form,
        invite=invite,
        memberships=access.project.memberships.select_related("user").order_by("user__username", "role"),
        invitations=[
            (row, request.build_absolute_uri(reverse("invitation", args=[token_of(row)])))
            for row in access.project.invitations.select_related("made_by")[:INVITATIONS_SHOWN]
        ],
    )
    return render(request, "members.html", context, status=422 if request.method == "POST" else 200)


@require_POST
@project_view(Role.LEAD)
def member_remove(request: SignedInRequest, access: ProjectAccess, membership_id: int) -> HttpResponse:
    membership = get_object_or_404(
        Membership.objects.select_related("user"), pk=membership_id, project=access.project
    )
    left = _("%(user)s no longer has the role %(role)s.") % {
        "user": membership.user,
        "role": membership.get_role_display(),
    }
    with tell(request, left):
        remove_member(membership=membership, user=request.user)
    still_leads = access.project.memberships.filter(user=request.user, role=Role.LEAD).exists()
    return redirect("members", access.project.slug) if still_leads else redirect("projects")
