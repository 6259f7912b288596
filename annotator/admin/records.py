"""What is only ever added: events and rankings."""

from __future__ import annotations

from django.contrib import admin

from annotator.admin.scoped import OwnProjectsAdmin
from annotator.models import Event, Ranking


@admin.register(Event)
class EventAdmin(OwnProjectsAdmin):
    list_display = ("at", "project", "subject", "subject_id", "verb", "from_state", "to_state", "actor")
    list_filter = ("subject", ("project", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("project", "actor")
    search_fields = ("verb", "=subject_id")
    ordering = ("-at", "-id")


@admin.register(Ranking)
class RankingAdmin(OwnProjectsAdmin):
    list_display = ("made_at", "project", "strategy", "model_version", "scene", "patch_count")
    list_filter = ("strategy", ("project", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("project", "model_version", "scene")
