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


class PinnedComment(models.Model):
    """What a reviewer says about one place of a revision; the annotator answers it and says when it is done."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="pins")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    x = models.PositiveSmallIntegerField(help_text="Pixels from the west side of the patch.")
    y = models.PositiveSmallIntegerField(help_text="Pixels from its north side.")
    text = models.TextField()
    made_at = models.DateTimeField(auto_now_add=True)
    answer = models.TextField(blank=True, default="")
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(x__lt=256, y__lt=256) & ~models.Q(text=""), name="a_pin_says_what_where"
            )
        ]

    def __str__(self) -> str:
        return f"comment at ({self.x}, {self.y}) of {self.revision}"

    @property
    def project_id(self) -> int:
        return self.revision.annotation.drawn_patch.project_id
