from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models

from annotator.enums import VersionState
from annotator.models.patch import Patch
from annotator.models.project import Project


class ModelVersion(models.Model):
    """Base model, adapter and calibration, with provenance; at most one is promoted in a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="model_versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=VersionState, default=VersionState.CANDIDATE)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    base = models.CharField(
        max_length=500, blank=True, default="", help_text="Folder or hub name; empty for the starter."
    )
    adapter_name = models.CharField(
        max_length=200, blank=True, default="", help_text="Folder under MEDIA_ROOT/adapters; empty for none."
    )
    temperature = models.FloatField(default=1.0)
    context_levels = models.PositiveSmallIntegerField(
        default=0,
        help_text="How many levels above the patch its context image lies; 0 is the patch's own tile.",
    )
    provenance = models.JSONField(
        default=dict, blank=True, help_text="Data hash, config, seed and code version that it was made with."
    )
    verdict = models.JSONField(
        null=True,
        blank=True,
        help_text="What the gate said of it beside its parent; empty: it was not asked.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    promoted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["project", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="version_numbers_are_unique"),
            models.UniqueConstraint(
                fields=["project"],
                condition=models.Q(state=VersionState.PROMOTED),
                name="one_promoted_version",
            ),
            models.CheckConstraint(condition=models.Q(temperature__gt=0), name="temperature_is_positive"),
        ]

    @property
    def adapter_path(self) -> Path | None:
        return Path(settings.MEDIA_ROOT) / "adapters" / self.adapter_name if self.adapter_name else None

    def __str__(self) -> str:
        return f"version {self.number}"


class Evaluation(models.Model):
    """A model version measured on a fixed held-out set."""

    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="evaluations")
    training_run = models.ForeignKey(
        "TrainingRun", null=True, blank=True, on_delete=models.CASCADE, related_name="evaluations"
    )
    patch_count = models.PositiveIntegerField()
    patch_keys = models.JSONField(default=list, help_text="The quadkeys of the held-out patches.")
    miou = models.FloatField()
    legend = models.JSONField(
        default=list, help_text="The classes that were asked for: value, name, color, is_boundary."
    )
    metrics = models.JSONField(default=dict, help_text="The whole report, by the names of its fields.")
    measured_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-measured_at"]

    def __str__(self) -> str:
        return f"{self.model_version}: mIoU {self.miou:.3f} on {self.patch_count} patches"


class EvaluationMask(models.Model):
    """What the measured version answered for a held-out patch, to be looked at beside the other version's answer.

    Both evaluations of a training run keep those of the same patches: the few where the two differ most.
    """

    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="masks")
    patch = models.ForeignKey(Patch, on_delete=models.CASCADE, related_name="+")
    mask_png = models.BinaryField(help_text="256 x 256, 8 bits, class values; 255 where no class was said.")
    differing_pixels = models.PositiveIntegerField(
        help_text="How many pixels the parent and the candidate answer differently."
    )

    class Meta:
        ordering = ["-differing_pixels", "patch_id"]
        constraints = [
            models.UniqueConstraint(fields=["evaluation", "patch"], name="one_mask_per_measured_patch")
        ]

    def __str__(self) -> str:
        return f"{self.patch} in {self.evaluation}"
