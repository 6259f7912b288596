from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models

from annotator.enums import ACTIVE_JOB_STATES, ExportKind, JobState
from annotator.models.job import Job
from annotator.models.project import Project


class Export(Job):
    """Approved masks of a project as a file to take away; the same basis makes the same bytes."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="exports")
    kind = models.CharField(max_length=12, choices=ExportKind)
    parameters = models.JSONField(default=dict, help_text="All of them, also those left at their default.")
    revisions = models.JSONField(
        default=list, help_text="Ids of the revisions, in the order of their patches."
    )
    basis = models.JSONField(
        default=dict,
        help_text="What else its bytes come from, as it was when it was asked for: legend, sides, imagery.",
    )
    fingerprint = models.CharField(
        max_length=64, help_text="SHA-256 of kind, parameters, revisions and basis."
    )
    total = models.PositiveIntegerField(default=0, help_text="Patches in it.")
    done = models.PositiveIntegerField(default=0)
    file_name = models.CharField(max_length=160, blank=True, default="", help_text="As it is downloaded.")
    size_bytes = models.BigIntegerField(default=0, help_text="Of the file that is kept; 0 where none is.")
    sha256 = models.CharField(max_length=64, blank=True, default="")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="exports"
    )

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "fingerprint"],
                condition=models.Q(state__in=[str(s) for s in ACTIVE_JOB_STATES]),
                name="an_export_is_made_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=JobState.SUCCEEDED) | ~models.Q(sha256=""),
                name="a_made_export_has_a_checksum",
            ),
        ]

    @property
    def has_file(self) -> bool:
        return self.size_bytes > 0

    @property
    def work_path(self) -> Path:
        """Where its finished parts lie while it is made."""
        return Path(settings.MEDIA_ROOT) / "exports" / f"export-{self.pk}"

    @property
    def file_path(self) -> Path:
        return Path(settings.MEDIA_ROOT) / "exports" / f"export-{self.pk}.zip"

    def __str__(self) -> str:
        return f"export {self.pk} of {self.project}"
