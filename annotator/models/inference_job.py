from __future__ import annotations

from django.conf import settings
from django.db import models

from annotator.enums import ACTIVE_JOB_STATES, JobState
from annotator.models.model_version import ModelVersion
from annotator.models.project import Project
from annotator.models.scene import Scene


class InferenceJob(models.Model):
    """Making proposals for all patches of a scene with one model version; resumable, one active a scene."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="inference_jobs")
    scene = models.ForeignKey(Scene, on_delete=models.CASCADE, related_name="inference_jobs")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="inference_jobs")
    state = models.CharField(max_length=12, choices=JobState, default=JobState.QUEUED)
    total = models.PositiveIntegerField(default=0, help_text="Patches to answer for.")
    done = models.PositiveIntegerField(default=0)
    message = models.TextField(blank=True, default="")
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="inference_jobs",
        help_text="Empty where a rule of the project asked for it.",
    )
    requested_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["scene"],
                condition=models.Q(state__in=[str(s) for s in ACTIVE_JOB_STATES]),
                name="one_active_inference_job_per_scene",
            )
        ]

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_JOB_STATES

    def __str__(self) -> str:
        return f"proposals for {self.scene} by {self.model_version}"
