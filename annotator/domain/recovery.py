from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from annotator.domain.dispatch import send
from annotator.domain.leases import is_lost
from annotator.domain.ranking import RANKING_REQUESTED
from annotator.enums import (
    ACTIVE_JOB_STATES,
    ACTIVE_RUN_STATES,
    ACTIVE_SCENE_STATES,
    ChoreKind,
    JobState,
    SceneState,
)
from annotator.models import (
    Chore,
    DisplayCopy,
    Event,
    Export,
    InferenceJob,
    LabelImport,
    ParcelUpdate,
    Ranking,
    Scene,
    TrainingRun,
)


def resend_lost_jobs() -> int:
    """Sends again what is wanted by a row but is in nobody's hands: a worker or Redis was lost.

    A waiting row's heartbeat is the time it was last sent, so that a long queue does not fill with copies.
    Whoever receives a copy of a row that is being worked on leaves it alone. Returns how many were sent.
    """
    sent = 0
    for model, task, active in (
        (Scene, "ingest_scene", ACTIVE_SCENE_STATES),
        (InferenceJob, "make_proposals", ACTIVE_JOB_STATES),
        (DisplayCopy, "make_display_copy", ACTIVE_JOB_STATES),
        (TrainingRun, "train", ACTIVE_RUN_STATES),
        (Export, "make_export", ACTIVE_JOB_STATES),
        (LabelImport, "import_labels", ACTIVE_JOB_STATES),
    ):
        for row in model.objects.filter(is_lost(), state__in=active):
            if row.state in ("queued", SceneState.PENDING):
                row.heartbeat_at = timezone.now()
                row.save(update_fields=["heartbeat_at"])
            send(task, row.pk)
            sent += 1
    for kind, task, wanted in (
        (ChoreKind.RANKING, "rank_patches", _unranked_projects()),
        (ChoreKind.PARCELS, "draw_parcels", _undrawn_projects()),
    ):
        for project_id in _with_lost_chores(kind, wanted):
            send(task, project_id)
            sent += 1
    return sent


def _with_lost_chores(kind: ChoreKind, wanted: set[int]) -> set[int]:
    """Those and the projects whose worker was lost at it, without those where it was given up."""
    chores = Chore.objects.filter(kind=kind)
    lost = chores.filter(is_lost(), state=JobState.RUNNING).values_list("project_id", flat=True)
    given_up = chores.filter(state=JobState.FAILED).values_list("project_id", flat=True)
    return (wanted | set(lost)) - set(given_up)


def _undrawn_projects() -> set[int]:
    """Projects with patches that have waited for their parcels for long; a copy finds the project locked, if a
    worker is drawing them."""
    limit = timezone.now() - timedelta(seconds=settings.JOB_LOST_AFTER_SECONDS)
    waiting = ParcelUpdate.objects.filter(wanted_at__lt=limit)
    return set(waiting.order_by().values_list("project_id", flat=True).distinct())


def _unranked_projects() -> set[int]:
    """Projects whose newest proposals, or a request, were never ranked: the message about them was lost."""
    limit = timezone.now() - timedelta(seconds=settings.JOB_LOST_AFTER_SECONDS)
    # One that is being written has a heartbeat; one whose worker was lost has not.
    whole = Ranking.objects.filter(Q(finished_at__isnull=False) | Q(heartbeat_at__gte=limit))
    newest = whole.filter(project=OuterRef("project")).order_by("-made_at").values("made_at")[:1]
    asked = Event.objects.filter(subject="project", verb=RANKING_REQUESTED, at__lt=limit).annotate(
        ranked_at=Subquery(newest)
    )
    unmet = asked.filter(Q(ranked_at=None) | Q(ranked_at__lt=F("at")))
    ended = InferenceJob.objects.filter(
        state__in=(JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED), done__gt=0, ended_at__lt=limit
    ).annotate(ranked_at=Subquery(newest))
    unranked = ended.filter(Q(ranked_at=None) | Q(ranked_at__lt=F("ended_at")))
    return {row for rows in (unranked, unmet) for row in rows.order_by().values_list("project_id", flat=True)}
