from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models

from annotator.enums import ACTIVE_JOB_STATES
from annotator.models.job import Job
from annotator.models.project import Project
from annotator.models.scene import Scene


class DisplayCopy(Job):
    """Making the COG whose blocks are a scene's tiles, as it is shown; one active a scene."""

    progress_field = "percent"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="display_copies")
    scene = models.ForeignKey(Scene, on_delete=models.CASCADE, related_name="display_copies")
    percent = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(100)])
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty where it follows from adding a scene.",
    )

    class Meta:
        ordering = ["-requested_at"]
        verbose_name_plural = "display copies"
        constraints = [
            models.UniqueConstraint(
                fields=["scene"],
                condition=models.Q(state__in=[str(s) for s in ACTIVE_JOB_STATES]),
                name="one_active_display_copy_per_scene",
            )
        ]

    def __str__(self) -> str:
        return f"display copy of {self.scene}"
