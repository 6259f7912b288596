"""What is only ever added: events and rankings."""

from __future__ import annotations

from django.contrib import admin

from annotator.admin.scoped import OwnProjectsAdmin
from annotator.models import Event, Ranking


@admin.register(Event)
class EventAdmin(OwnProjectsAdmin):
    list_display = ("at", "project", "whom", "verb", "change", "actor_name")
    list_filter = ("subject", ("project", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("project", "actor")
    search_fields = ("verb", "=subject_id")
    ordering = ("-at", "-id")

    @admin.display(description="subject", ordering="subject")
    def whom(self, event: Event) -> str:
        return f"{event.subject} {event.subject_id}"

    @admin.display(description="change of state")
    def change(self, event: Event) -> str:
        return " → ".join(state for state in (event.from_state, event.to_state) if state)

    @admin.display(description="by", ordering="actor__username")
    def actor_name(self, event: Event) -> str:
        return event.actor.get_username() if event.actor else "the system"

    def event_filter(self, event: Event) -> dict[str, object]:
        return {"subject": event.subject, "subject_id": event.subject_id}


@admin.register(Ranking)
class RankingAdmin(OwnProjectsAdmin):
    list_display = ("made_at", "project", "strategy", "model_version", "scene", "patch_count")
    list_filter = ("strategy", ("project", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("project", "model_version", "scene")

    def event_filter(self, ranking: Ranking) -> dict[str, object]:
        return {"project__id__exact": ranking.project_id}
