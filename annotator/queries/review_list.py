from __future__ import annotations

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum

from annotator.enums import PatchState
from annotator.models import Patch, Revision


def waiting_for_review(project_id: int) -> QuerySet[Patch]:
    """The submitted patches, the longest waiting first, each with its author and the time spent on it.

    ``submitted_by`` and ``submitted_at`` tell of the current revision; ``seconds_spent`` is the sum over all
    revisions of the patch.
    """
    own = Revision.objects.filter(annotation__patch=OuterRef("pk")).order_by().values("annotation")
    return (
        Patch.objects.filter(project_id=project_id, state=PatchState.SUBMITTED)
        .annotate(
            submitted_by=F("annotation__current__author__username"),
            submitted_at=F("annotation__current__saved_at"),
            seconds_spent=Subquery(own.annotate(sum=Sum("seconds_spent")).values("sum")),
        )
        .order_by("submitted_at", "pk")
    )
