"""State changes and the append-only rows that record them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import models
from django.db.models import TextChoices

from annotator.errors import IllegalTransition
from annotator.models import Event

StateT = TypeVar("StateT", bound=TextChoices)


def record_event(
    subject: models.Model,
    verb: str,
    *,
    actor: User | None,
    from_state: str = "",
    to_state: str = "",
    **facts: Any,
) -> Event:
    """Adds the event row; ``actor`` is None where the system acts by itself."""
    return Event.objects.create(
        project_id=subject.project_id,  # type: ignore[attr-defined]
        subject=subject._meta.model_name or "",
        subject_id=subject.pk,
        verb=verb,
        from_state=from_state,
        to_state=to_state,
        actor=actor,
        facts=facts,
    )


def move(
    subject: models.Model,
    to_state: StateT,
    table: Mapping[StateT, frozenset[StateT]],
    verb: str,
    *,
    actor: User | None,
    only_from: StateT | None = None,
    fields: tuple[str, ...] = (),
    **facts: Any,
) -> None:
    """Changes the state of a row that the caller has locked, if the table allows it, and records the event.

    ``only_from`` narrows the table where two verbs lead to the same state from different ones. ``fields``
    names other fields that the caller has set and that are saved together with the state.
    Raises IllegalTransition.
    """
    from_state = type(to_state)(subject.state)  # type: ignore[attr-defined]
    if to_state not in table[from_state] or only_from not in (None, from_state):
        name = subject._meta.verbose_name
        raise IllegalTransition(
            f"The {name} is {from_state.label}; it cannot become {to_state.label} from there. "
            "Reload to see its present state.",
            state=from_state.value,
        )
    subject.state = to_state  # type: ignore[attr-defined]
    stamps = {f.name for f in subject._meta.concrete_fields if getattr(f, "auto_now", False)}
    subject.save(update_fields=["state", *fields, *stamps])
    record_event(subject, verb, actor=actor, from_state=from_state, to_state=to_state, **facts)
