from __future__ import annotations

from django.db import models

from annotator.enums import ACTIVE_JOB_STATES, JobState


class Job(models.Model):
    """Long work that is a row: a worker tells of it by its heartbeat, and a lost one is taken up by another."""

    state = models.CharField(max_length=12, choices=JobState, default=JobState.QUEUED)
    message = models.TextField(blank=True, default="")
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    requested_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_JOB_STATES
