from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotator.enums import PatchState
from annotator.models.patch import Patch
from annotator.models.project import Project


class PatchWork(models.Model):
    """What leads look for among the patches that were submitted at least once: one narrow row a patch.

    It repeats what revisions and reviews tell, so that a list of a million patches is filtered by an index.
    """

    patch = models.OneToOneField(Patch, on_delete=models.CASCADE, primary_key=True, related_name="work")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        # Indexes with the project serve it.
        db_index=False,
        help_text="Who drew the revision that was submitted last.",
    )
    submitted_at = models.DateTimeField()
    is_import = models.BooleanField(
        default=False, db_default=False, help_text="It came from a file, so it is nobody's work."
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    comment = models.TextField(blank=True, default="", help_text="Of the newest verdict or reopening.")
    # Both are the patch's, and triggers write them, so that an index alone tells where somebody's patches lie and in
    # which states they are.
    quadkey = models.CharField(max_length=24, blank=True, editable=False)
    state = models.CharField(max_length=12, choices=PatchState, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "work on patches"
        indexes = [
            models.Index(fields=["project", "annotator", "patch"], name="work_by_annotator"),
            models.Index(fields=["project", "reviewer", "patch"], name="work_by_reviewer"),
            models.Index(
                fields=["project", "annotator", "quadkey"],
                include=["state"],
                name="work_by_annotator_and_place",
            ),
            models.Index(
                fields=["project", "reviewer", "quadkey"],
                include=["state"],
                name="work_by_reviewer_and_place",
            ),
            models.Index(
                fields=["project", "submitted_at"],
                include=["annotator"],
                condition=Q(is_import=False),
                name="work_by_day",
            ),
            models.Index(fields=["project", "patch"], condition=~Q(comment=""), name="work_with_comment"),
        ]

    def __str__(self) -> str:
        return f"work on {self.patch}"


class PatchClass(models.Model):
    """How many pixels of the revision submitted last have a class."""

    patch = models.ForeignKey(Patch, on_delete=models.CASCADE, related_name="classes", db_index=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    value = models.PositiveSmallIntegerField()
    pixels = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "classes of patches"
        constraints = [models.UniqueConstraint(fields=["patch", "value"], name="a_class_is_counted_once")]
        indexes = [models.Index(fields=["project", "value", "patch"], name="patch_by_class")]

    def __str__(self) -> str:
        return f"class {self.value} of {self.patch_id}: {self.pixels} px"
