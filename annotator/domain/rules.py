from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from annotator import inference
from annotator.domain.locks import lock_project
from annotator.domain.points import MOST_POINTS
from annotator.domain.projects import record_project_event
from annotator.enums import Asks
from annotator.errors import BadRule
from annotator.models import Project

MOST_PATCHES = 100_000
MOST_HOURS = 24 * 366
FIELDS = (
    "gate_rule",
    "promotes_passing",
    "trains_after_patches",
    "trains_every_hours",
    "asks_for",
    "points_per_patch",
)


@transaction.atomic
def change_rules(
    *,
    project: Project,
    user: User,
    gate_rule: dict[str, Any],
    promotes_passing: bool,
    trains_after_patches: int | None,
    trains_every_hours: int | None,
    asks_for: str,
    points_per_patch: int,
) -> Project:
    """Sets what a candidate has to show, what annotators are asked for, and what happens without anybody's doing.

    The event keeps the rules before and after. Verdicts that were given stay. Raises BadRule, naming the field.
    """
    _check_count("trains_after_patches", trains_after_patches, MOST_PATCHES)
    _check_count("trains_every_hours", trains_every_hours, MOST_HOURS)
    _check_points(asks_for, points_per_patch)
    checked = checked_gate_rule(gate_rule)
    project = lock_project(project.pk)
    before = {name: getattr(project, name) for name in FIELDS}
    after = {
        "gate_rule": checked,
        "promotes_passing": promotes_passing,
        "trains_after_patches": trains_after_patches,
        "trains_every_hours": trains_every_hours,
        "asks_for": asks_for,
        "points_per_patch": points_per_patch,
    }
    for name, value in after.items():
        setattr(project, name, value)
    project.save(update_fields=FIELDS)
    record_project_event(project, "rules changed", user, before=before, after=after)
    return project


def checked_gate_rule(values: dict[str, Any]) -> dict[str, Any]:
    """The gate's rule with its defaults filled in. Raises BadRule."""
    try:
        return inference.gate_rule(values)
    except (TypeError, ValueError) as error:
        sentence = str(error)
        raise BadRule(
            f"The gate's rule cannot be used: {sentence}.",
            field=next((name for name in inference.gate_rule({}) if sentence.startswith(name)), None),
        ) from error


def _check_points(asks_for: str, points_per_patch: int) -> None:
    if asks_for not in Asks.values:
        raise BadRule(
            f"asks_for must be one of {', '.join(Asks.values)}, got {asks_for!r}.", field="asks_for"
        )
    if not 1 <= points_per_patch <= MOST_POINTS:
        raise BadRule(f"points_per_patch must be between 1 and {MOST_POINTS}.", field="points_per_patch")


def _check_count(field: str, value: int | None, most: int) -> None:
    if value is not None and not 1 <= value <= most:
        raise BadRule(f"{field} must be between 1 and {most}, or empty for never.", field=field)
