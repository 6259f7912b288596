"""What a project wants again and again, and whether it was given up."""

from __future__ import annotations

from annotator.enums import ChoreKind, JobState
from annotator.models import Chore


def given_up_chore(project_id: int, kind: ChoreKind) -> Chore | None:
    """The chore of that kind if it waits for a person to ask for it, as each worker was lost at it."""
    return Chore.objects.filter(project_id=project_id, kind=kind, state=JobState.FAILED).first()
