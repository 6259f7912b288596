from __future__ import annotations

from typing import ClassVar

from django.db import models

from annotator.enums import ACTIVE_JOB_STATES, JobState

MAX_TAKEOVERS = 3
"""So many workers in a row take up what the ones before them were lost at, without getting any further."""


class Leased(models.Model):
    """Work that a worker tells of by its heartbeat; what a lost one was at is taken up by another, not for ever."""

    # Which field tells how far it is.
    progress_field: ClassVar[str] = "done"

    heartbeat_at = models.DateTimeField(null=True, blank=True)
    takeovers = models.PositiveSmallIntegerField(
        default=0,
        help_text="How many workers in a row took it up after a lost one, without getting further than before.",
    )
    furthest = models.PositiveIntegerField(
        default=0, help_text="How far any of the workers was that were lost at it."
    )

    class Meta:
        abstract = True

    @property
    def is_given_up(self) -> bool:
        """Whether it ended since worker after worker was lost at it."""
        return self.state == JobState.FAILED and self.takeovers > MAX_TAKEOVERS  # type: ignore[attr-defined]


class Job(Leased):
    """Long work that is a row of its own."""

    state = models.CharField(max_length=12, choices=JobState, default=JobState.QUEUED)
    message = models.TextField(blank=True, default="")
    requested_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_JOB_STATES
