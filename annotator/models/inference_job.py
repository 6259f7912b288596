from __future__ import annotations

from django.conf import settings
from django.db import models

from annotator.enums import ACTIVE_JOB_STATES
from annotator.models.job import Job
from annotator.models.model_version import ModelVersion
from annotator.models.project import Project
from annotator.models.scene import Scene


class InferenceJob(Job):
    """Making proposals for all patches of a scene with one model version; resumable, one active a scene."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="inference_jobs")
    scene = models.ForeignKey(Scene, on_delete=models.CASCADE, related_name="inference_jobs")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="inference_jobs")
    total = models.PositiveIntegerField(default=0, help_text="Patches to answer for.")
    done = models.PositiveIntegerField(default=0)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="inference_jobs",
        help_text="Empty where a rule of the project asked for it.",
    )

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["scene"],
                condition=models.Q(state__in=[str(s) for s in ACTIVE_JOB_STATES]),
                name="one_active_inference_job_per_scene",
            )
        ]

    def __str__(self) -> str:
        return f"proposals for {self.scene} by {self.model_version}"
