from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q, QuerySet

from annotator.enums import Role
from annotator.models import Event, Patch, Reading
from annotator.queries.access import member_roles
from annotator.queries.gold import is_hidden_gold
from annotator.queries.readings import reading_of

User = AbstractBaseUser | AnonymousUser


def patch_events(patch: Patch, user: User) -> QuerySet[Event]:
    """What happened to the patch, the oldest first, as far as the person may know.

    Whoever meets the patch by an own reading is told of that one alone; leads are told of all readings too.
    """
    of_patch = Q(subject="patch", subject_id=patch.pk)
    reading = reading_of(patch, user)
    if Role.LEAD in member_roles(user, patch.project_id):
        readings = list(Reading.objects.filter(patch=patch).values_list("pk", flat=True))
        told = (
            of_patch
            | Q(subject__in=("doubleannotation", "goldpatch"), subject_id=patch.pk)
            | Q(subject="reading", subject_id__in=readings)
        )
    elif reading is not None or is_hidden_gold(patch, user):
        told = Q(subject="reading", subject_id=reading.pk if reading else None)
    else:
        told = of_patch
    return Event.objects.filter(told).select_related("actor")
