"""How much of a project's labelling is checked, and how."""

from __future__ import annotations

import math

from django.contrib.auth.models import User
from django.db import transaction

from annotator.domain.locks import lock_project
from annotator.domain.projects import record_project_event
from annotator.errors import BadRule
from annotator.models import Project

SHARES = ("double_share", "gold_share", "blind_share")
FIELDS = (*SHARES, "consensus_miou")


@transaction.atomic
def change_quality_rules(*, project: Project, user: User, **values: float) -> Project:
    """Sets what is given of `FIELDS`, each between 0 and 1; the event keeps them before and after.

    What was chosen already stays: a larger share takes more patches from now on. Raises BadRule, naming the field.
    """
    for name, value in values.items():
        if name not in FIELDS:
            raise BadRule(f"There is no rule {name!r}; name one of {', '.join(FIELDS)}.", field=name)
        if not math.isfinite(value) or not 0 <= value <= 1:
            raise BadRule(f"{name} must be between 0 and 1, got {value:g}.", field=name)
    project = lock_project(project.pk)
    before = quality_rules(project)
    for name, value in values.items():
        setattr(project, name, value)
    after = quality_rules(project)
    if after != before:
        project.save(update_fields=FIELDS)
        record_project_event(project, "quality rules changed", user, before=before, after=after)
    return project


def quality_rules(project: Project) -> dict[str, float]:
    return {name: getattr(project, name) for name in FIELDS}
