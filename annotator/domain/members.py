from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from annotator.domain.events import record_event
from annotator.domain.locks import lock_project
from annotator.enums import Role
from annotator.errors import BadProject
from annotator.models import Membership, QueueEntry


@transaction.atomic
def remove_member(*, membership: Membership, user: User) -> None:
    """Takes the role away from the person; what they did stays. Raises BadProject for the last lead."""
    project = lock_project(membership.project_id)
    leads = project.memberships.filter(role=Role.LEAD)
    if membership.role == Role.LEAD and not leads.exclude(pk=membership.pk).exists():
        raise BadProject("A project needs a lead. Give somebody else that role first.")
    record_event(
        membership,
        "removed",
        actor=user,
        member=membership.user.get_username(),
        role=str(membership.role),
    )
    membership.delete()
    draws = (Role.ANNOTATOR, Role.LEAD)
    if not project.memberships.filter(user=membership.user, role__in=draws).exists():
        # Patches returned to somebody who no longer draws here are anybody's.
        QueueEntry.objects.filter(project=project, reserved_for=membership.user).update(reserved_for=None)
