from __future__ import annotations

from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.utils import timezone

from annotator.models.project import Project


class LabelClass(models.Model):
    """A named, coloured meaning of one mask value; value 0 is the null class.

    A retired class keeps its row, so that its value is never given to another class.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="label_classes")
    value = models.PositiveSmallIntegerField(validators=[MaxValueValidator(31)])
    name = models.CharField(max_length=60)
    color = models.CharField(
        max_length=7, validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", "Write the colour as #rrggbb.")]
    )
    is_boundary = models.BooleanField(default=False)
    added_at = models.DateTimeField(default=timezone.now)
    drawn_before_as = models.PositiveSmallIntegerField(
        default=0,
        help_text="The value that its land has in masks approved before it was added; those pixels do not teach.",
    )
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["value"]
        verbose_name_plural = "label classes"
        constraints = [
            models.UniqueConstraint(fields=["project", "value"], name="one_class_per_value"),
            models.UniqueConstraint(
                fields=["project", "name"],
                condition=models.Q(retired_at__isnull=True),
                name="one_class_per_name",
            ),
            models.UniqueConstraint(
                fields=["project"],
                condition=models.Q(is_boundary=True, retired_at__isnull=True),
                name="one_boundary_class",
            ),
            models.CheckConstraint(
                condition=~models.Q(value=0, retired_at__isnull=False), name="null_class_stays"
            ),
            models.CheckConstraint(
                condition=~models.Q(value=0, is_boundary=True), name="null_class_is_no_boundary"
            ),
            models.CheckConstraint(condition=models.Q(value__lte=31), name="class_value_at_most_31"),
        ]

    @property
    def is_null(self) -> bool:
        return self.value == 0

    def __str__(self) -> str:
        return self.name
