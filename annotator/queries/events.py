"""Who did what when, from the event rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from annotator.models import Event

COLUMNS = ("id", "at", "actor", "subject", "subject_id", "verb", "from_state", "to_state", "facts")


def project_events(project_id: int, given: dict[str, str]) -> QuerySet[Event]:
    """A project's events, narrowed by ``subject``, ``verb`` and ``actor`` (a user name) where these are given."""
    rows = Event.objects.filter(project_id=project_id).select_related("actor")
    if given.get("actor"):
        rows = rows.filter(actor__username=given["actor"])
    return rows.filter(**{name: given[name] for name in ("subject", "verb") if given.get(name)})


def event_document(event: Event) -> dict[str, Any]:
    """The event by `COLUMNS`; ``actor`` is None where the system acted by itself."""
    return {
        "id": event.pk,
        "at": event.at,
        "actor": event.actor.get_username() if event.actor else None,
        "subject": event.subject,
        "subject_id": event.subject_id,
        "verb": event.verb,
        "from_state": event.from_state,
        "to_state": event.to_state,
        "facts": event.facts,
    }


def in_order(rows: QuerySet[Event], chunk: int = 1000) -> Iterator[Event]:
    """All of them by id, in the memory of one chunk."""
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:chunk]):
        yield from found
        last = found[-1].pk
