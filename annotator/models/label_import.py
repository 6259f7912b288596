from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models

from annotator.enums import ACTIVE_JOB_STATES, ImportState
from annotator.models.job import Leased
from annotator.models.project import Project


class LabelImport(Leased):
    """A file of labels that exist already, on its way to become revisions of the person who brought it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="label_imports")
    file_name = models.CharField(max_length=160, help_text="As it was called where it came from.")
    stored_name = models.CharField(max_length=120, help_text="Under MEDIA_ROOT/imports.")
    state = models.CharField(max_length=12, choices=ImportState, default=ImportState.UPLOADED)
    reading = models.JSONField(default=dict, help_text="How the file is read: crs, encoding, swap_axes.")
    preview = models.JSONField(default=dict, help_text="What is in it: kind, attributes, dropped, repaired.")
    mapping = models.JSONField(
        default=dict, help_text="Which class each value becomes, and what else was chosen."
    )
    report = models.JSONField(default=dict, help_text="What became of it, and what was left out and why.")
    total = models.PositiveIntegerField(default=0, help_text="Patches to look at.")
    done = models.PositiveIntegerField(default=0)
    message = models.TextField(blank=True, default="")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="label_imports"
    )
    requested_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-requested_at", "-id"]

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_JOB_STATES

    @property
    def file_path(self) -> Path:
        return Path(settings.MEDIA_ROOT) / "imports" / self.stored_name

    @property
    def idempotency_key(self) -> str:
        """What its revisions are saved with, so that a patch is imported once."""
        return f"import-{self.pk}"

    def __str__(self) -> str:
        return f"import of {self.file_name}"
