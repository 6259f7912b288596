from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from annotator.domain.dispatch import send
from annotator.domain.leases import is_lost
from annotator.enums import ACTIVE_JOB_STATES, ACTIVE_RUN_STATES, SceneState
from annotator.models import InferenceJob, Scene, TrainingRun


def resend_lost_jobs() -> int:
    """Sends again what is wanted by a row but is in nobody's hands: a worker or Redis was lost.

    A waiting row's heartbeat is the time it was last sent, so that a long queue does not fill with copies.
    Whoever receives a copy of a row that is being worked on leaves it alone. Returns how many were sent.
    """
    sent = 0
    for model, task, active in (
        (InferenceJob, "make_proposals", ACTIVE_JOB_STATES),
        (TrainingRun, "train", ACTIVE_RUN_STATES),
    ):
        for row in model.objects.filter(is_lost(), state__in=active):
            if row.state == "queued":
                row.heartbeat_at = timezone.now()
                row.save(update_fields=["heartbeat_at"])
            send(task, row.pk)
            sent += 1
    limit = timezone.now() - timedelta(seconds=settings.SCENE_LOST_AFTER_SECONDS)
    lost_scenes = Scene.objects.filter(
        Q(state=SceneState.PENDING) | Q(state=SceneState.INGESTING), changed_at__lt=limit
    )
    for scene in lost_scenes:
        scene.save(update_fields=["changed_at"])
        send("ingest_scene", scene.pk)
        sent += 1
    return sent
