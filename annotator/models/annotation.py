from __future__ import annotations

from django.conf import settings
from django.db import models

from annotator.models.patch import Patch
from annotator.models.proposal import Proposal


class Annotation(models.Model):
    """A person's work on a patch: a chain of immutable revisions."""

    patch = models.OneToOneField(Patch, on_delete=models.CASCADE, related_name="annotation")
    current = models.ForeignKey(
        "Revision", null=True, on_delete=models.SET_NULL, related_name="+", help_text="The newest revision."
    )

    def __str__(self) -> str:
        return f"annotation of {self.patch}"


class Revision(models.Model):
    """One saved mask with its author, the time spent and the proposal it started from."""

    annotation = models.ForeignKey(Annotation, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField(help_text="1, 2, 3 ... within the annotation; the ETag of a save.")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="revisions")
    mask_png = models.BinaryField(help_text="256 x 256, 8 bits, class values; 255 is unsure.")
    proposal = models.ForeignKey(Proposal, null=True, on_delete=models.SET_NULL, related_name="revisions")
    is_submitted = models.BooleanField(default=False)
    is_conflicting = models.BooleanField(
        default=False, help_text="Kept beside the chain because another revision was saved first."
    )
    is_import = models.BooleanField(default=False)
    seconds_spent = models.PositiveIntegerField(default=0)
    stroke_count = models.PositiveIntegerField(default=0)
    pixels_changed = models.PositiveIntegerField(
        default=0,
        help_text="Against the proposal; what is left unsure does not count where points are asked for.",
    )
    idempotency_key = models.CharField(max_length=64, blank=True, default="")
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["annotation", "number"]
        constraints = [
            models.UniqueConstraint(fields=["annotation", "number"], name="revision_numbers_are_unique"),
            models.UniqueConstraint(
                fields=["annotation", "author", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="a_save_happens_once",
            ),
        ]

    def __str__(self) -> str:
        return f"revision {self.number} of {self.annotation}"
