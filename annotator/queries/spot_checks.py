from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from annotator.models import SpotCheck, SpotDraw

MOST_DRAWS = 30


def spot_draws(project_id: int) -> QuerySet[SpotDraw]:
    """The draws, the newest first, each with its checks by annotator, in three queries however many there are."""
    checks = SpotCheck.objects.select_related("annotator").order_by("annotator__username", "patch_id")
    rows = SpotDraw.objects.filter(project_id=project_id).select_related("drawn_by")
    return rows.prefetch_related(Prefetch("checks", checks))
