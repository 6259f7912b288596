from __future__ import annotations

from django.conf import settings
from django.db import models

from annotator.models.annotation import Annotation
from annotator.models.model_version import ModelVersion
from annotator.models.patch import Patch
from annotator.models.project import Project


class Correction(models.Model):
    """What it took to make a submitted mask from a proposal: a narrow row, so that many are summed at once.

    It is of the newest submission of an annotation; the effort is that of all its revisions.
    """

    annotation = models.OneToOneField(
        Annotation, on_delete=models.CASCADE, primary_key=True, related_name="correction"
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="corrections")
    patch = models.ForeignKey(Patch, on_delete=models.CASCADE, related_name="+")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="corrections")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    is_hidden = models.BooleanField(default=False, help_text="The proposal was kept from the person.")
    miou = models.FloatField(
        null=True, help_text="Of the mask with the proposal; empty for work of before it was measured."
    )
    seconds = models.PositiveIntegerField()
    strokes = models.PositiveIntegerField()
    pixels_changed = models.PositiveIntegerField()
    submitted_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["project", "model_version"], name="corrections_by_version"),
            models.Index(fields=["project", "miou"], name="corrections_by_miou"),
        ]

    def __str__(self) -> str:
        return f"correction of {self.annotation}"
