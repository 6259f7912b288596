from __future__ import annotations

from django.conf import settings
from django.contrib.gis.db import models
from django.db.models import Q

from annotator.enums import PatchState, QueueReason
from annotator.models.project import Project


class Patch(models.Model):
    """A tile at the project's patch zoom: the unit of work."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="patches")
    quadkey = models.CharField(max_length=24)
    z = models.PositiveSmallIntegerField()
    x = models.PositiveIntegerField()
    y = models.PositiveIntegerField()
    # In Web Mercator, so that a vector tile needs no reprojection.
    square = models.PolygonField(srid=3857)
    state = models.CharField(max_length=12, choices=PatchState, default=PatchState.UNLABELLED)
    changed_at = models.DateTimeField(auto_now=True)
    is_audit = models.BooleanField(
        default=False,
        help_text="Of the project's random sample: accuracy and area measured on it are unbiased, whatever the "
        "strategy of the queue.",
    )

    class Meta:
        verbose_name_plural = "patches"
        ordering = ["quadkey"]
        constraints = [
            models.UniqueConstraint(fields=["project", "quadkey"], name="one_patch_per_tile"),
            models.CheckConstraint(condition=Q(state__in=PatchState.values), name="patch_state_is_known"),
        ]
        indexes = [
            # With the id, so that the list of one state is walked in order, and counts read nothing but the index.
            models.Index(fields=["project", "state", "id"], name="patch_by_state_and_id"),
            models.Index(fields=["project", "changed_at", "id"], name="patch_by_age"),
            # What waits for review, the longest waiting first.
            models.Index(
                fields=["project", "changed_at", "id"],
                condition=Q(state=PatchState.SUBMITTED),
                name="submitted_by_age",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.z}/{self.x}/{self.y}"


class QueueEntry(models.Model):
    """A patch that waits to be labelled, and the claim (a lease with an expiry) on it, if any.

    A narrow table, so that a claim is one cheap statement. A patch has an entry while it is unlabelled,
    claimed or returned.
    """

    patch = models.OneToOneField(
        Patch, on_delete=models.CASCADE, primary_key=True, related_name="queue_entry"
    )
    # Every claim writes every index of its row, so there are few, and none of a whole column.
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="queue_entries", db_index=False
    )
    score = models.FloatField(default=0.0, help_text="The higher, the sooner it is served.")
    reason = models.CharField(max_length=12, choices=QueueReason, default=QueueReason.SPREAD)
    # What put it where it is. Not indexed: only the rows of one patch are ever asked for theirs.
    ranking = models.ForeignKey(
        "annotator.Ranking",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    place = models.PositiveIntegerField(null=True, blank=True, help_text="In the ranking, from 1.")
    worth = models.FloatField(
        null=True, blank=True, help_text="By the ranking's strategy; empty without a proposal."
    )
    worth_rank = models.PositiveIntegerField(
        default=0, help_text="Of the worth among all that have one, from 1; 0 without."
    )
    is_novel = models.BooleanField(default=False, help_text="Unlike anything labelled when it was ranked.")
    # A returned patch goes back to the person who drew it, and so does one that a lead gave to somebody, whatever
    # area it lies in; anyone else meets it once that person releases it.
    reserved_for = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    # The people of the assignment only are served the patch.
    assignment = models.ForeignKey(
        "annotator.Assignment",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="claims",
        db_index=False,
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    # Whoever skipped the patch last gets others first.
    skipped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )

    class Meta:
        verbose_name_plural = "queue entries"
        constraints = [
            models.CheckConstraint(
                condition=Q(holder__isnull=True, expires_at__isnull=True)
                | Q(holder__isnull=False, expires_at__isnull=False),
                name="a_claim_has_an_expiry",
            ),
        ]
        indexes = [
            models.Index(
                "project",
                models.F("score").desc(),
                "patch",
                condition=Q(holder__isnull=True, assignment__isnull=True),
                name="free_queue",
            ),
            models.Index(
                "assignment",
                models.F("score").desc(),
                "patch",
                condition=Q(holder__isnull=True, assignment__isnull=False),
                name="assigned_queue",
            ),
            models.Index(
                fields=["reserved_for", "project"],
                condition=Q(holder__isnull=True, reserved_for__isnull=False),
                name="reserved_queue",
            ),
            models.Index(fields=["holder", "project"], condition=Q(holder__isnull=False), name="held_by"),
            models.Index(fields=["expires_at"], condition=Q(holder__isnull=False), name="claim_expiry"),
            models.Index(
                fields=["reserved_for"], condition=Q(reserved_for__isnull=False), name="reserved_for"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patch_id}: {self.score:.3f}"
