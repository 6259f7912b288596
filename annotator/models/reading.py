from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from annotator.enums import DoubleState, ReadingPurpose, ReadingState
from annotator.models.patch import Patch
from annotator.models.project import Project


class Reading(models.Model):
    """A person's own answer to a patch that somebody else answers too, drawn without seeing that other answer.

    Its masks hang on an annotation of their own, so nothing that reads a patch's annotation ever meets them.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="readings")
    patch = models.ForeignKey(Patch, on_delete=models.CASCADE, related_name="readings")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="readings")
    purpose = models.CharField(max_length=8, choices=ReadingPurpose)
    state = models.CharField(max_length=12, choices=ReadingState, default=ReadingState.HELD)
    expires_at = models.DateTimeField(null=True, blank=True)
    standing = models.JSONField(
        default=dict, help_text="The place in the queue that its reader is told, as of any patch."
    )
    begun_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patch", "reader"], name="one_reading_a_person"),
            models.CheckConstraint(
                condition=Q(state=ReadingState.HELD, expires_at__isnull=False)
                | ~Q(state=ReadingState.HELD) & Q(expires_at__isnull=True),
                name="a_held_reading_has_an_expiry",
            ),
        ]
        indexes = [
            models.Index(
                fields=["reader", "project"], condition=Q(state=ReadingState.HELD), name="held_readings"
            ),
            models.Index(fields=["expires_at"], condition=Q(state=ReadingState.HELD), name="reading_expiry"),
        ]

    def __str__(self) -> str:
        return f"reading of {self.patch} by {self.reader}"


class DoubleAnnotation(models.Model):
    """A patch that two people draw, each blind to the other, and what came of comparing them."""

    patch = models.OneToOneField(Patch, on_delete=models.CASCADE, primary_key=True, related_name="double")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="doubles")
    state = models.CharField(max_length=12, choices=DoubleState, default=DoubleState.WANTED)
    first = models.ForeignKey(
        "Revision", on_delete=models.CASCADE, related_name="+", help_text="What was submitted first."
    )
    reading = models.OneToOneField(
        Reading,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="double",
        help_text="The second answer, from the moment that somebody holds it.",
    )
    share = models.FloatField(
        help_text="The project's share of patches to draw twice when this one was chosen."
    )
    agreement = models.FloatField(null=True, blank=True, help_text="The mIoU of the two masks.")
    consensus_miou = models.FloatField(null=True, blank=True, help_text="The agreement that was asked for.")
    asked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=[DoubleState.AGREED, DoubleState.DISPUTED, DoubleState.SETTLED])
                | Q(agreement__isnull=False, consensus_miou__isnull=False),
                name="a_compared_double_has_its_agreement",
            )
        ]
        indexes = [
            models.Index(
                fields=["project", "asked_at"],
                condition=Q(state=DoubleState.WANTED, reading__isnull=True),
                name="open_doubles",
            ),
            models.Index(
                fields=["project", "agreement"],
                condition=Q(agreement__isnull=False),
                name="doubles_by_agreement",
            ),
        ]

    def __str__(self) -> str:
        return f"double annotation of {self.patch}"


class Comparison(models.Model):
    """Two answers to one patch beside each other: a second reading, or an answer to a gold patch."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="comparisons")
    reading = models.OneToOneField(Reading, on_delete=models.CASCADE, related_name="comparison")
    purpose = models.CharField(max_length=8, choices=ReadingPurpose)
    other = models.ForeignKey(
        "Revision", on_delete=models.CASCADE, related_name="+", help_text="What the reading is compared with."
    )
    first_author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    second_author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    miou = models.FloatField()
    value_pairs = ArrayField(
        models.PositiveIntegerField(),
        help_text="256 × the first's class value + the second's, of pixels that both were sure of.",
    )
    pixel_counts = ArrayField(models.PositiveIntegerField(), help_text="Pixels of each pair of values.")
    boundary_first = models.PositiveIntegerField(default=0, help_text="Boundary pixels of the first mask.")
    boundary_first_near = models.PositiveIntegerField(default=0, help_text="Of them, near the second's.")
    boundary_second = models.PositiveIntegerField(default=0)
    boundary_second_near = models.PositiveIntegerField(default=0)
    compared_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["project", "compared_at"], name="comparisons_over_time")]

    def __str__(self) -> str:
        return f"comparison for {self.reading}"
