"""The approved masks of a project, as training and evaluation read them."""

from __future__ import annotations

from django.db.models import F, QuerySet

from annotator.enums import PatchState
from annotator.models import LabelClass, Revision, TrainingRun
from annotator.queries.imagery_reports import without_reports


def approved_revisions(project_id: int) -> QuerySet[Revision]:
    """The current revision of every approved patch, with its patch, in the order of the quadkeys.

    Patches of which the imagery was found bad have none: there is nothing to learn from them or to map.
    """
    current = Revision.objects.filter(
        annotation__patch__project_id=project_id,
        annotation__patch__state=PatchState.APPROVED,
        annotation__current_id=F("pk"),
    )
    return (
        without_reports(current)
        .select_related("annotation__patch", "proposal__scene")
        .defer(
            "proposal__mask_png", "proposal__entropy_png", "proposal__embedding", "proposal__scene__footprint"
        )
        .order_by("annotation__patch__quadkey")
    )


def approved_since(project_id: int, run: TrainingRun | None) -> int:
    """How many approved masks the run did not have, be it to learn from or held out; all without a run."""
    known = run.training_revisions + run.holdout_revisions if run else []
    return approved_revisions(project_id).exclude(pk__in=known).count()


def legend_of(project_id: int) -> list[LabelClass]:
    """The present legend, without classes that are retired."""
    return list(LabelClass.objects.filter(project_id=project_id, retired_at__isnull=True).order_by("value"))
