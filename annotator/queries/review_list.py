from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum

from annotator.enums import DoubleState, PatchState
from annotator.models import DoubleAnnotation, Patch, Revision


def waiting_for_review(project_id: int) -> QuerySet[Patch]:
    """The submitted patches, the longest waiting first, each with its author and the time spent on it.

    Those of which a second mask is still to come are left out. ``agreement`` is that of two masks, ``is_disputed``
    where they do not agree; both empty where one person drew the patch.

    ``submitted_by`` and ``submitted_at`` tell of the current revision; ``seconds_spent`` is the sum over all
    revisions of the patch.
    """
    own = Revision.objects.filter(annotation__patch=OuterRef("pk")).order_by().values("annotation")
    return (
        without_open_seconds(Patch.objects.filter(project_id=project_id, state=PatchState.SUBMITTED))
        .annotate(
            agreement=F("double__agreement"),
            is_disputed=Q(double__state=DoubleState.DISPUTED),
            submitted_by=F("annotation__current__author__username"),
            submitted_at=F("annotation__current__saved_at"),
            seconds_spent=Subquery(own.annotate(sum=Sum("seconds_spent")).values("sum")),
        )
        # A submitted patch has not changed since: in this order the index tells them, and nothing is sorted.
        .order_by("changed_at", "pk")
    )


def without_open_seconds(patches: QuerySet[Patch]) -> QuerySet[Patch]:
    """The patches but those that a second person still draws, which cannot be reviewed before."""
    open_ones = DoubleAnnotation.objects.filter(patch=OuterRef("pk"), state=DoubleState.WANTED)
    return patches.exclude(Exists(open_ones))
