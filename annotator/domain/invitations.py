"""Invitations: signed links that give a role in a project."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotator.domain.events import record_event
from annotator.domain.projects import add_member
from annotator.enums import Role
from annotator.errors import BadProject, InvitationOver
from annotator.models import Event, Invitation, Membership, Project
from annotator.queries.access import member_roles

MOST_DAYS, MOST_USES = 90, 1000
# The signature is what nobody can guess: an id alone opens nothing.
_SIGNER = Signer(sep="~", salt="milpa.invitation")


def token_of(invitation: Invitation) -> str:
    """What the link ends with."""
    return _SIGNER.sign(str(invitation.pk))


def invitation_by(token: str) -> Invitation | None:
    """The invitation that the link is of; None for one that this server has not signed."""
    try:
        invitation_id = int(_SIGNER.unsign(token))
    except BadSignature:
        return None
    return Invitation.objects.select_related("project").filter(pk=invitation_id).first()


@transaction.atomic
def make_invitation(
    *, project: Project, user: User, role: Role, days: int, uses_max: int | None = 1, note: str = ""
) -> Invitation:
    """A link for so many days and people. Raises BadProject outside 1 to 90 days and 1 to 1000 people."""
    if not 1 <= days <= MOST_DAYS:
        raise BadProject(f"An invitation lasts between 1 and {MOST_DAYS} days.")
    if uses_max is not None and not 1 <= uses_max <= MOST_USES:
        raise BadProject(
            f"An invitation is for between 1 and {MOST_USES} people; leave it empty for any number."
        )
    invitation = Invitation.objects.create(
        project=project,
        role=role,
        note=note.strip(),
        made_by=user,
        expires_at=timezone.now() + timedelta(days=days),
        uses_max=uses_max,
    )
    record_event(invitation, "invited", actor=user, role=str(role), days=days, uses_max=uses_max)
    return invitation


@transaction.atomic
def accept_invitation(*, invitation: Invitation, user: User) -> Membership:
    """Gives the person the role; whoever has it already uses nothing up. Raises InvitationOver."""
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    held = Membership.objects.filter(project=invitation.project_id, user=user, role=invitation.role).first()
    if held is not None:
        return held
    check_open(invitation)
    _check_not_removed(invitation, user)
    invitation.uses += 1
    invitation.save(update_fields=["uses"])
    record_event(invitation, "accepted", actor=user, role=str(invitation.role))
    return add_member(project=invitation.project, user=user, role=Role(invitation.role))


def _check_not_removed(invitation: Invitation, user: User) -> None:
    """Whoever lost the role, or the last one, since the link was made does not come back by it."""
    removed = Event.objects.filter(
        project=invitation.project_id,
        subject="membership",
        verb="removed",
        facts__member=user.get_username(),
        at__gt=invitation.made_at,
    )
    if not member_roles(user, invitation.project_id):
        is_out = removed.exists()
    else:
        is_out = removed.filter(facts__role=str(invitation.role)).exists()
    if is_out:
        raise InvitationOver(
            _(
                "A lead has taken you out of this project since this invitation was made. Ask them for a new one."
            )
        )


def check_open(invitation: Invitation) -> None:
    if invitation.state != "open":
        raise InvitationOver(
            _("This invitation cannot be used any more. Ask whoever sent it to you for a new one.")
        )


@transaction.atomic
def revoke_invitation(*, invitation: Invitation, user: User) -> None:
    """Nobody joins by it any more; who has joined stays. Revoking it twice changes nothing."""
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if invitation.revoked_at is not None:
        return
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    record_event(invitation, "revoked", actor=user)
