from __future__ import annotations

from django.db import models

from annotator.enums import ChoreKind, JobState
from annotator.models.job import Leased
from annotator.models.project import Project


class Chore(Leased):
    """Work that a project wants again and again, and who is at it: one row a project and kind.

    It is queued while nobody is at it, running while a worker is, and failed once it was given up.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="chores")
    kind = models.CharField(max_length=12, choices=ChoreKind)
    state = models.CharField(max_length=12, choices=JobState, default=JobState.QUEUED)
    is_wanted = models.BooleanField(
        default=False, help_text="It was asked for while a worker was at it, who does it once more."
    )
    done = models.PositiveIntegerField(default=0, help_text="How far the present worker is, in patches.")
    message = models.TextField(blank=True, default="")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it was given up.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "kind"], name="one_chore_of_a_kind_per_project"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.project}"
