from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib.gis.db import models
from django.core.validators import MaxValueValidator

from annotator.enums import ACTIVE_SCENE_STATES, SceneState
from annotator.models.job import Leased
from annotator.models.project import Project


def no_shift() -> list[float]:
    return [0.0, 0.0]


class Scene(Leased):
    """One georeferenced raster with an acquisition date, kept as a COG under ``MEDIA_ROOT``."""

    progress_field = "percent"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="scenes")
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=12, choices=SceneState, default=SceneState.PENDING)
    message = models.TextField(blank=True, default="", help_text="Why it failed, or what is being done.")
    percent = models.PositiveSmallIntegerField(
        default=0, validators=[MaxValueValidator(100)], help_text="How far its preparation is."
    )
    attempt = models.CharField(
        max_length=8,
        blank=True,
        default="",
        help_text="The worker's attempt that prepares it; one that was taken for lost stops.",
    )
    source = models.CharField(max_length=1000, help_text="The file or URL that it was added from.")
    source_is_upload = models.BooleanField(default=False)
    cog_name = models.CharField(max_length=200, blank=True, default="")
    acquired_on = models.DateField(null=True, blank=True)
    footprint = models.MultiPolygonField(srid=4326, null=True, blank=True)
    crs = models.TextField(blank=True, default="", help_text="EPSG code or WKT.")
    gsd_m = models.FloatField(null=True, blank=True)
    band_count = models.PositiveSmallIntegerField(null=True, blank=True)
    band_names = models.JSONField(default=list, blank=True)
    pixel_type = models.CharField(max_length=16, blank=True, default="")
    nodata = models.FloatField(null=True, blank=True)
    width_px = models.PositiveIntegerField(null=True, blank=True)
    height_px = models.PositiveIntegerField(null=True, blank=True)
    display_bands = models.JSONField(default=list, blank=True, help_text="Band numbers of red, green, blue.")
    stretch = models.JSONField(
        default=list, blank=True, help_text="[low, high] of the source's values for each display band."
    )
    shift_m = models.JSONField(
        default=no_shift,
        blank=True,
        help_text="How far east and north the file's place is corrected: metres of Web Mercator, not of the ground.",
    )
    placement_number = models.PositiveIntegerField(
        default=1, help_text="Counts the corrections of its place, each of which outdates proposals."
    )
    display_copy_name = models.CharField(
        max_length=200, blank=True, default="", help_text="The COG whose blocks are sent as tiles."
    )
    display_copy_stamp = models.CharField(
        max_length=40, blank=True, default="", help_text="Of the display that the display copy shows."
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="added_scenes"
    )
    added_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        # The newest date first: it is the one that annotators see and proposals are made from.
        ordering = [models.F("acquired_on").desc(nulls_last=True), "-id"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state=SceneState.READY)
                | models.Q(footprint__isnull=False, gsd_m__gt=0, band_count__gt=0) & ~models.Q(cog_name=""),
                name="a_ready_scene_is_described",
            ),
        ]

    @property
    def is_active(self) -> bool:
        """Whether it waits to be prepared, or is."""
        return self.state in ACTIVE_SCENE_STATES

    @property
    def can_be_tried_again(self) -> bool:
        """Whether its preparation did not come to its end, and what it is made of can still be had."""
        has_ended = self.state in (SceneState.FAILED, SceneState.CANCELLED)
        return has_ended and (not self.source_is_upload or Path(self.source).is_file())

    @property
    def cog_path(self) -> Path:
        return Path(settings.MEDIA_ROOT) / "scenes" / self.cog_name

    @property
    def display_copy_path(self) -> Path:
        return Path(settings.MEDIA_ROOT) / "scenes" / self.display_copy_name

    def __str__(self) -> str:
        return self.name
