from __future__ import annotations

from django.conf import settings
from django.contrib.gis.db import models
from django.db.models import Q

from annotator.enums import ACTIVE_JOB_STATES, ParcelOrigin
from annotator.models.annotation import Revision
from annotator.models.job import Job
from annotator.models.patch import Patch
from annotator.models.project import Project


class Parcel(models.Model):
    """A polygon derived from approved masks; nobody edits one. Its id stays while its land is mostly the same."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="parcels")
    value = models.PositiveSmallIntegerField(help_text="The value of its class in the masks.")
    # In Web Mercator, where the sides of pixels are axes, so that neighbours share their corners exactly.
    outline = models.PolygonField(srid=3857)
    area_m2 = models.FloatField(help_text="On the WGS 84 ellipsoid.")
    origin = models.CharField(max_length=12, choices=ParcelOrigin)
    kept_share = models.FloatField(
        null=True, blank=True, help_text="Of its pixels, those left as proposed; empty without a proposal."
    )
    confidence = models.FloatField(
        null=True,
        blank=True,
        help_text="The mean of 1 - entropy / ln(classes) over the pixels left as proposed, from 0 to 1.",
    )
    made_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(area_m2__gt=0), name="a_parcel_has_an_area"),
            models.CheckConstraint(
                condition=Q(origin__in=ParcelOrigin.values), name="parcel_origin_is_known"
            ),
        ]
        indexes = [models.Index(fields=["project", "id"], name="parcel_by_project")]

    def __str__(self) -> str:
        return f"parcel {self.pk}, {self.area_m2 / 10_000:.2f} ha"


class ParcelPiece(models.Model):
    """What one patch holds of a parcel, and the revision that says so."""

    parcel = models.ForeignKey(Parcel, on_delete=models.CASCADE, related_name="pieces")
    patch = models.ForeignKey(Patch, on_delete=models.CASCADE, related_name="parcel_pieces")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="parcel_pieces")
    value = models.PositiveSmallIntegerField()
    outline_wkb = models.BinaryField(help_text="A polygon in pixels of the patch, (col, row).")
    seams = models.BinaryField(
        help_text="4 x 256 bits: at which pixels of the northern, western, eastern, southern side it goes on."
    )
    pixel_count = models.PositiveIntegerField()
    kept_pixels = models.PositiveIntegerField(
        null=True, help_text="Those left as proposed; empty without a proposal."
    )
    is_reshaped = models.BooleanField(
        default=False,
        help_text="It has other land than its proposal would have given it: trimmed, cut, grown.",
    )
    certainty_sum = models.FloatField(default=0, help_text="1 - entropy / ln(classes), over the kept pixels.")

    @property
    def is_corrected(self) -> bool:
        """Whether its author changed what a proposal had said of it: of its pixels, or of land that it had."""
        return self.kept_pixels is not None and (self.kept_pixels < self.pixel_count or self.is_reshaped)

    def __str__(self) -> str:
        return f"piece of {self.parcel_id} in {self.patch_id}"


class ParcelUpdate(models.Model):
    """A patch whose parcels wait to be drawn anew. Rows are added beside older ones, which a worker may have in
    its hands, and are deleted with what they asked for."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="parcel_updates")
    patch = models.ForeignKey(Patch, on_delete=models.CASCADE, related_name="parcel_updates")
    is_rebuild = models.BooleanField(
        default=False, help_text="All patches of the project wait, so that none draws its neighbours too."
    )
    wanted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["project", "is_rebuild", "id"], name="parcel_update_queue")]

    def __str__(self) -> str:
        return f"parcels of patch {self.patch_id}"


class ParcelRebuild(Job):
    """Drawing all parcels of a project anew; what it wants are the `ParcelUpdate` rows that are of a rebuild."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="parcel_rebuilds")
    total = models.PositiveIntegerField(default=0, help_text="Patches to draw.")
    done = models.PositiveIntegerField(default=0)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty where a command asked for it.",
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(state__in=[str(state) for state in ACTIVE_JOB_STATES]),
                name="one_active_parcel_rebuild_per_project",
            )
        ]

    def __str__(self) -> str:
        return f"drawing of all parcels of {self.project}"
