"""The labelling queue as people see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Min, Q, Subquery

from annotator.enums import PatchState
from annotator.models import Assignment, Project, QueueEntry, Ranking
from annotator.queries.prepared import Prepared
from annotator.queries.progress import tallied
from annotator.queries.scenes import newest_ready
from annotator.queries.versions import promoted_versions


@dataclass(frozen=True)
class QueueSummary:
    """How much waits, how much is held, and when the next claim can come free."""

    open: int
    claimed: int
    next_expiry: datetime | None
    total: int


def queue_summary(project_id: int) -> QueueSummary:
    """From the tallies and the few claims, so that it costs as little for a million patches as for ten."""
    counts = tallied([project_id])[project_id]
    held = QueueEntry.objects.filter(project_id=project_id, holder__isnull=False)
    row = held.aggregate(claimed=Count("pk"), next_expiry=Min("expires_at"))
    return QueueSummary(
        open=counts[PatchState.UNLABELLED] + counts[PatchState.RETURNED],
        total=sum(counts.values()),
        **row,
    )


def within_reach(project_id: int, user: User) -> Q:
    """The entries that lie in an area of the person's, or in none."""
    mine = Assignment.objects.filter(project=project_id, people=user.pk).values("pk")
    return Q(assignment__isnull=True) | Q(assignment__in=mine)


@dataclass(frozen=True)
class HeldByOthers:
    claimed: int
    next_expiry: datetime | None


def held_by_others(project_id: int, user: User) -> HeldByOthers:
    """The claims of other people on patches that this person could be given when they come free."""
    rows = QueueEntry.objects.filter(
        within_reach(project_id, user), project_id=project_id, holder__isnull=False, reserved_for__isnull=True
    )
    row = rows.exclude(holder=user.pk).aggregate(claimed=Count("pk"), next_expiry=Min("expires_at"))
    return HeldByOthers(**row)


def first_places(project_id: int, count: int = 20) -> list[QueueEntry]:
    """The open entries that are served next, of those kept for nobody, with all that explains them."""
    rows = QueueEntry.objects.filter(
        project_id=project_id, holder__isnull=True, assignment__isnull=True, reserved_for__isnull=True
    )
    rows = rows.select_related("patch", "ranking__project", "ranking__model_version", "ranking__scene")
    return list(rows.order_by("-score", "patch_id")[:count])


class Staleness(StrEnum):
    """Why a ranking no longer says what the project would say now."""

    FRESH = ""
    VERSION = "version"
    LEGEND = "legend"
    SCENE = "scene"
    RULES = "rules"


@dataclass(frozen=True)
class RankingState:
    """A ranking, and whether it is stale: another version is promoted by now, the legend or the rules of the queue
    changed, or a newer scene is there that has no proposals yet.
    """

    ranking: Ranking
    staleness: Staleness

    @property
    def is_stale(self) -> bool:
        return self.staleness != Staleness.FRESH


def latest_ranking(project_id: int) -> RankingState | None:
    """The newest ranking that was written to its end."""
    rows = Ranking.objects.filter(project_id=project_id, finished_at__isnull=False)
    ranking = rows.select_related("model_version", "scene", "project").first()
    return ranking_state(ranking) if ranking else None


def ranking_state(ranking: Ranking) -> RankingState:
    """Asks for the promoted version and the newest scene; the ranking's own rows are to be fetched with it."""
    return RankingState(ranking, _staleness(ranking))


# What a ranking is fresh or stale against, in one query: every claim asks it.
_NOW: Prepared[Any] = Prepared(
    lambda project: (
        Project.objects.filter(pk=project)
        .only("pk")
        .annotate(
            promoted_id=Subquery(promoted_versions(project).values("pk")),
            scene_id=Subquery(newest_ready(project).values("pk")),
            placement_number=Subquery(newest_ready(project).values("placement_number")),
        )
    ),
    project=int,
)


def _staleness(ranking: Ranking) -> Staleness:
    project = ranking.project
    rules = (ranking.strategy, ranking.seed, ranking.audit_share)
    if rules != (project.strategy, project.queue_seed, project.audit_share):
        return Staleness.RULES
    if ranking.model_version_id is None:
        return Staleness.FRESH
    [now] = _NOW.rows(project=project.pk)
    if now.promoted_id != ranking.model_version_id:
        return Staleness.VERSION
    if ranking.legend_number != project.legend_number:
        return Staleness.LEGEND
    if now.scene_id is not None and (now.scene_id, now.placement_number) != (
        ranking.scene_id,
        ranking.placement_number,
    ):
        return Staleness.SCENE
    return Staleness.FRESH
