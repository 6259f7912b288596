from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotator.enums import SpotOutcome
from annotator.models.patch import Patch
from annotator.models.project import Project


class SpotDraw(models.Model):
    """One draw of spot checks over what was submitted on one day; with its seed it can be drawn again."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="spot_draws", db_index=False)
    day = models.DateField(help_text="The day (UTC) of the submissions.")
    seed = models.BigIntegerField()
    per_annotator = models.PositiveSmallIntegerField()
    drawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    drawn_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-day"]
        constraints = [models.UniqueConstraint(fields=["project", "day"], name="a_day_is_drawn_once")]

    def __str__(self) -> str:
        return f"spot checks of {self.day}"


class SpotCheck(models.Model):
    """A patch that a draw chose, with the annotator whose work it was that day."""

    draw = models.ForeignKey(SpotDraw, on_delete=models.CASCADE, related_name="checks", db_index=False)
    patch = models.ForeignKey(Patch, on_delete=models.CASCADE, related_name="spot_checks")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    submitted_that_day = models.PositiveIntegerField(help_text="How many patches of theirs were drawn from.")
    outcome = models.CharField(max_length=8, choices=SpotOutcome, default=SpotOutcome.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["draw", "patch"], name="a_patch_is_drawn_once"),
            models.CheckConstraint(
                condition=Q(outcome=SpotOutcome.OPEN, decided_at__isnull=True)
                | ~Q(outcome=SpotOutcome.OPEN) & Q(decided_at__isnull=False),
                name="a_decided_check_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"spot check of {self.patch}"
