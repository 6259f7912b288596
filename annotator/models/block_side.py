from __future__ import annotations

from django.db import models

from annotator.enums import Side
from annotator.models.project import Project


class BlockSide(models.Model):
    """What the labels of a block are for, decided by the first run that met one; rows are only ever added.

    As long as a project lasts, no version is measured on a block that another one learned from.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="block_sides")
    block = models.CharField(max_length=24, help_text="The quadkey of the tile one level above its patches.")
    side = models.CharField(max_length=12, choices=Side)
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["block"]
        constraints = [models.UniqueConstraint(fields=["project", "block"], name="a_block_has_one_side")]

    def __str__(self) -> str:
        return f"{self.block}: {self.get_side_display()}"
