from __future__ import annotations

from django.db import models

from annotator.models.model_version import ModelVersion
from annotator.models.patch import Patch
from annotator.models.scene import Scene


class Proposal(models.Model):
    """The machine's mask and entropy map for a patch, from one model version and one scene; never edited."""

    patch = models.ForeignKey(Patch, on_delete=models.CASCADE, related_name="proposals")
    scene = models.ForeignKey(Scene, on_delete=models.CASCADE, related_name="proposals")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="proposals")
    legend_number = models.PositiveIntegerField(
        default=1, help_text="The project's legend that it was made with; older ones are stale."
    )
    placement_number = models.PositiveIntegerField(
        default=1, help_text="Where its scene lay when it was made; proposals of an earlier place are stale."
    )
    mask_png = models.BinaryField(help_text="256 x 256, 8 bits, class values.")
    entropy_png = models.BinaryField(
        help_text="One 8-bit value a cell: entropy divided by entropy_max_nats, times 255."
    )
    cells_per_side = models.PositiveSmallIntegerField(
        default=64, help_text="Rows and columns of the entropy map."
    )
    entropy_max_nats = models.FloatField(help_text="The entropy of a uniform answer: ln(classes).")
    mean_entropy_nats = models.FloatField()
    embedding = models.BinaryField(help_text="Unit-length float16 vector, little-endian.")
    points = models.BinaryField(
        default=b"",
        help_text="Cells to ask a person for, in the order of asking: indices of the entropy map's values, "
        "row by row, 16 bits, little-endian. Empty in proposals from before points were drawn.",
    )
    points_by_chance = models.BooleanField(
        default=False,
        help_text="Every cell was as likely to be asked for, as measuring needs it; else uncertain ones more.",
    )
    top_entropy_nats = models.FloatField(
        null=True, help_text="Mean entropy of the least certain tenth of the cells; empty in older proposals."
    )
    mean_margin = models.FloatField(
        null=True, help_text="How near the two likeliest classes of a cell are on average, 1 where level."
    )
    boundary_error = models.FloatField(
        null=True, help_text="Cells along outlines that are expected to be wrong, as a share of all cells."
    )
    class_cells = models.JSONField(
        default=list, help_text="How many cells say each class, in the order of the legend."
    )
    class_entropy_nats = models.JSONField(
        default=list, help_text="The entropies of those cells, added up, in the same order."
    )
    unparsed_cells = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model_version", "scene", "patch", "legend_number", "placement_number"],
                name="one_proposal_per_version_scene_legend_and_place",
            )
        ]

    def __str__(self) -> str:
        return f"{self.patch} by {self.model_version}"
