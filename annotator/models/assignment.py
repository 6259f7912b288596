from __future__ import annotations

from django.conf import settings
from django.contrib.gis.db import models

from annotator.models.project import Project


class Assignment(models.Model):
    """An area whose patches are for certain people only, until a lead ends it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="assignments")
    name = models.CharField(max_length=120, blank=True, default="")
    # In Web Mercator, as the patches' squares are.
    area = models.MultiPolygonField(srid=3857)
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="assignments")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    patch_count = models.PositiveIntegerField(
        default=0, help_text="How many patches waited in it when it was made, those of a newer one left out."
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name or f"Area {self.pk}"
