from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from annotator.domain.assignments import leave_areas
from annotator.domain.events import record_event
from annotator.domain.locks import lock_project
from annotator.enums import Role
from annotator.errors import BadProject
from annotator.models import Membership, QueueEntry
from annotator.queries.access import draws_in


@transaction.atomic
def remove_member(*, membership: Membership, user: User) -> None:
    """Takes the role away from the person; what they did stays. Raises BadProject for the last lead.

    Whoever does not draw any more leaves their areas, which end where nobody else has them.
    """
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
    if not draws_in(project.pk, membership.user):
        # Patches returned to somebody who no longer draws here are anybody's, and so are areas of nobody else.
        QueueEntry.objects.filter(project=project, reserved_for=membership.user).update(reserved_for=None)
        leave_areas(project=project, person=membership.user, user=user)
