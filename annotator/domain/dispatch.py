"""How the domain hands long work to Celery: by name and id, once the row is committed."""

from __future__ import annotations

import logging

from celery import current_app
from django.db import transaction

logger = logging.getLogger(__name__)

# What may take an hour has a queue apart: expired claims are swept by the default one.
QUEUES = {
    "ingest_scene": "imagery",
    "make_display_copy": "imagery",
    "make_export": "imagery",
    "import_labels": "imagery",
    "rank_patches": "default",
    "draw_parcels": "default",
    "make_proposals": "inference",
    "train": "training",
}


def enqueue(task: str, row_id: int) -> None:
    """Sends the task when the present transaction commits.

    A broker that cannot be reached loses nothing: the row says that the work is wanted, and the periodic
    `resume_lost_jobs` sends it again.
    """
    transaction.on_commit(lambda: send(task, row_id))


def send(task: str, row_id: int) -> None:
    try:
        current_app.send_task(f"annotator.tasks.{task}", args=[row_id], queue=QUEUES[task], retry=False)
    except Exception as error:  # whatever the broker answers, the row is committed and loses nothing
        logger.warning("could not send %s(%s): %s; it will be sent again", task, row_id, error)
