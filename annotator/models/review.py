from __future__ import annotations

from django.conf import settings
from django.db import models

from annotator.enums import Verdict
from annotator.models.annotation import Revision


class Review(models.Model):
    """A verdict on one revision."""

    revision = models.OneToOneField(Revision, on_delete=models.CASCADE, related_name="review")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    verdict = models.CharField(max_length=8, choices=Verdict)
    comment = models.TextField(blank=True, default="")
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["decided_at"], name="review_by_time")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(verdict=Verdict.APPROVE) | ~models.Q(comment=""),
                name="a_return_says_why",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} of {self.revision}"
