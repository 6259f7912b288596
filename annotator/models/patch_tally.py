from __future__ import annotations

from django.db import models

from annotator.models.project import Project


class PatchTally(models.Model):
    """A change of how many patches of a project are in a state; their sum is the count.

    A trigger adds a row with every change of a state, so that nobody waits for a counter that others write;
    a sweep adds rows up from time to time.
    """

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    state = models.CharField(max_length=12)
    change = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["project", "state"], include=["change"], name="tally_by_state")]

    def __str__(self) -> str:
        return f"{self.state} {self.change:+}"
