from __future__ import annotations

from django.conf import settings
from django.db import models

from annotator.models.patch import Patch
from annotator.models.proposal import Proposal
from annotator.models.reading import Reading


class Annotation(models.Model):
    """A person's work on a patch: a chain of immutable revisions.

    The one with a patch holds what may become its truth. Those with a reading are beside it.
    """

    patch = models.OneToOneField(Patch, null=True, on_delete=models.CASCADE, related_name="annotation")
    reading = models.OneToOneField(Reading, null=True, on_delete=models.CASCADE, related_name="annotation")
    current = models.ForeignKey(
        "Revision", null=True, on_delete=models.SET_NULL, related_name="+", help_text="The newest revision."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(patch__isnull=False, reading__isnull=True)
                | models.Q(patch__isnull=True, reading__isnull=False),
                name="of_a_patch_or_of_a_reading",
            )
        ]

    @property
    def drawn_patch(self) -> Patch:
        """The patch that the masks are of, whether they are its own or a reading's."""
        return self.patch or self.reading.patch

    def __str__(self) -> str:
        return f"annotation of {self.patch or self.reading}"


class Revision(models.Model):
    """One saved mask with its author, the time spent and the proposal it started from."""

    annotation = models.ForeignKey(Annotation, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField(help_text="1, 2, 3 ... within the annotation; the ETag of a save.")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="revisions")
    mask_png = models.BinaryField(help_text="256 x 256, 8 bits, class values; 255 is unsure.")
    proposal = models.ForeignKey(Proposal, null=True, on_delete=models.SET_NULL, related_name="revisions")
    hidden_proposal = models.ForeignKey(
        Proposal,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The proposal that was kept from the person, where the patch is drawn without.",
    )
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
