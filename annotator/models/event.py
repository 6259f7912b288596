from __future__ import annotations

from django.conf import settings
from django.db import models

from annotator.models.project import Project


class Event(models.Model):
    """Who did what when, for every change of a state; rows are only ever added.

    The database itself refuses to change or delete one, whoever asks; only its owner can empty the whole table.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="events")
    subject = models.CharField(max_length=20, help_text="patch, scene, training_run, model_version, ...")
    subject_id = models.BigIntegerField()
    verb = models.CharField(max_length=40)
    from_state = models.CharField(max_length=12, blank=True, default="")
    to_state = models.CharField(max_length=12, blank=True, default="")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty where the system acted by itself.",
    )
    facts = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["at", "id"]
        indexes = [
            models.Index(fields=["subject", "subject_id"], name="event_by_subject"),
            models.Index(fields=["project", "id"], name="event_by_project"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.subject_id}: {self.verb}"
