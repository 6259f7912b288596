from __future__ import annotations

import hashlib
import json

from django.db import models
from django.db.models.functions import Upper

from annotator.enums import Ramp
from annotator.models.project import Project


class OwnComposite(models.Model):
    """A way to see a project's scenes that a lead wrote: on every scene that has the bands it names."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="own_composites")
    name = models.CharField(max_length=60)
    expressions = models.JSONField(
        help_text="One expression, shown in the colours of the ramp, or three, shown as red, green and blue."
    )
    ranges = models.JSONField(
        help_text="For each expression [low, high] of its values, or null for the percentiles 2 and 98 in a scene."
    )
    ramp = models.CharField(max_length=12, choices=Ramp, default=Ramp.GREY)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint("project", Upper("name"), name="one_own_composite_of_a_name"),
        ]

    @property
    def key(self) -> str:
        """What it is called in addresses."""
        return f"own-{self.pk}"

    @property
    def stamp(self) -> str:
        """Changes whenever scenes look different by it."""
        parts = [self.expressions, self.ranges, self.ramp]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        return self.name
