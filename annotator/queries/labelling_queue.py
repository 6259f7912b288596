"""The labelling queue as people see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q

from annotator.models import QueueEntry, Ranking
from annotator.queries.versions import promoted_version


@dataclass(frozen=True)
class QueueSummary:
    """How much waits, how much is held, and when the next claim can come free."""

    open: int
    claimed: int
    next_expiry: datetime | None


def queue_summary(project_id: int) -> QueueSummary:
    held = Q(holder__isnull=False)
    row = QueueEntry.objects.filter(project_id=project_id).aggregate(
        open=Count("pk", filter=~held), claimed=Count("pk", filter=held), next_expiry=Min("expires_at")
    )
    return QueueSummary(**row)


@dataclass(frozen=True)
class RankingState:
    """The newest ranking; stale when it was made with a version that is no longer promoted, or an older legend."""

    ranking: Ranking
    is_stale: bool


def latest_ranking(project_id: int) -> RankingState | None:
    rows = Ranking.objects.filter(project_id=project_id)
    ranking = rows.select_related("model_version", "scene", "project").first()
    if ranking is None:
        return None
    promoted = promoted_version(project_id)
    stale = ranking.model_version_id is not None and (
        promoted is None
        or promoted.pk != ranking.model_version_id
        or ranking.legend_number != ranking.project.legend_number
    )
    return RankingState(ranking, stale)
