from __future__ import annotations

from django.conf import settings
from django.db import models

from annotator.models.patch import Patch
from annotator.models.project import Project


class GoldPatch(models.Model):
    """An approved patch that annotators are given unseen, to be compared with its mask."""

    patch = models.OneToOneField(Patch, on_delete=models.CASCADE, primary_key=True, related_name="gold")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="gold_patches")
    marked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    marked_at = models.DateTimeField(auto_now_add=True)
    is_served = models.BooleanField(default=True, help_text="False once it was taken out again.")

    class Meta:
        verbose_name_plural = "gold patches"
        indexes = [
            models.Index(fields=["project"], condition=models.Q(is_served=True), name="served_gold"),
        ]

    def __str__(self) -> str:
        return f"gold patch {self.patch}"
