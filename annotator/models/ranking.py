from __future__ import annotations

from django.db import models
from django.utils import timezone

from annotator.enums import Strategy
from annotator.models.model_version import ModelVersion
from annotator.models.project import Project
from annotator.models.scene import Scene


class Ranking(models.Model):
    """One ordering of the labelling queue, with all that is needed to reproduce it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rankings")
    strategy = models.CharField(max_length=20, choices=Strategy)
    seed = models.PositiveIntegerField(default=0)
    audit_share = models.FloatField(default=0.0)
    model_version = models.ForeignKey(ModelVersion, null=True, on_delete=models.SET_NULL, related_name="+")
    scene = models.ForeignKey(Scene, null=True, on_delete=models.SET_NULL, related_name="+")
    placement_number = models.PositiveIntegerField(
        default=1, help_text="Where its scene lay when the proposals were made."
    )
    legend_number = models.PositiveIntegerField(
        default=1, help_text="The project's legend that the proposals were made with."
    )
    patch_count = models.PositiveIntegerField(default=0)
    scored_count = models.PositiveIntegerField(default=0, help_text="How many of them have a worth.")
    audit_count = models.PositiveIntegerField(default=0, help_text="How many of them chance has drawn.")
    parameters = models.JSONField(
        default=dict, help_text="What else the order follows from: counts of labelled patches, limits."
    )
    order_hash = models.CharField(
        max_length=64, blank=True, default="", help_text="SHA-256 of the quadkeys in their order."
    )
    made_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(
        null=True, help_text="Empty while the order is being written, and where a newer one took over."
    )

    class Meta:
        ordering = ["-made_at", "-id"]

    def __str__(self) -> str:
        return f"{self.get_strategy_display()}, {self.patch_count} patches"
