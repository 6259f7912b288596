from __future__ import annotations

from django.contrib import admin

from annotator.admin.scoped import OwnProjectsAdmin
from annotator.models import Scene


@admin.register(Scene)
class SceneAdmin(OwnProjectsAdmin):
    list_display = ("name", "project", "state_badge", "acquired_on", "gsd_m", "band_count", "added_at")
    list_filter = ("state", ("project", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("project",)
    search_fields = ("name",)
    fields = ("project", "name", "state_badge", "percent", "message", "heartbeat_at", "source", "added_by",
              "added_at", "acquired_on", "extent", "crs", "gsd_m", "width_px", "height_px", "band_count",
              "band_names", "pixel_type", "nodata", "display_bands", "stretch", "cog_name")  # fmt: skip
    readonly_fields = fields

    @admin.display(description="extent (longitude, latitude)")
    def extent(self, scene: Scene) -> str:
        if scene.footprint is None:
            return "not known yet"
        west, south, east, north = scene.footprint.extent
        return f"{west:.5f}, {south:.5f} to {east:.5f}, {north:.5f}"
