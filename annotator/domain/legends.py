"""Changing a project's legend between rounds: classes are added, renamed, recoloured, retired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from annotator import inference
from annotator.domain.legend_records import legend_record
from annotator.domain.locks import lock_project
from annotator.domain.parcels import rebuild_parcels
from annotator.domain.projects import ClassSpec, check_classes, record_project_event
from annotator.domain.proposals import renew_proposals
from annotator.errors import BadProject
from annotator.models import LabelClass, Project
from annotator.queries.labels import legend_of
from annotator.queries.versions import promoted_version

MOST_VALUES = 32


@dataclass(frozen=True)
class ClassChange:
    """One row of the legend as it shall be; without a value it is a class to add.

    ``is_boundary`` and ``drawn_before_as``, the value that the land of the class has had until now, count for an
    added class only.
    """

    name: str
    color: str
    value: int | None = None
    is_boundary: bool = False
    drawn_before_as: int = 0


@transaction.atomic
def change_legend(*, project: Project, user: User, classes: Sequence[ClassChange]) -> list[LabelClass]:
    """Makes the legend what ``classes`` say; a class that is not among them is retired.

    Masks are not touched: pixels of a retired class no longer teach, nor do pixels of masks that were approved
    before a class was added where they may be that class. A value is never used again, and the null class stays.
    Proposals of the legend before are stale and made again, unless only colours changed. Returns the legend.
    Raises BadProject.
    """
    project = lock_project(project.pk)
    before = legend_of(project.pk)
    record_before = legend_record(before)
    values_before = {one.value for one in before}
    added = _numbered(project, classes, values_before)
    kept = {change.value: change for change in classes if change.value is not None}
    _check(classes, kept, added, before)
    now = timezone.now()
    retired = values_before - kept.keys()
    project.label_classes.filter(value__in=retired).update(retired_at=now)
    _rename([one for one in before if one.value in kept], kept)
    LabelClass.objects.bulk_create(
        LabelClass(
            project=project,
            value=value,
            name=change.name.strip(),
            color=change.color,
            is_boundary=change.is_boundary,
            drawn_before_as=change.drawn_before_as,
            added_at=now,
        )
        for value, change in added.items()
    )
    after = legend_of(project.pk)
    record_after = legend_record(after)
    if record_after != record_before:
        record_project_event(project, "legend changed", user, before=record_before, after=record_after)
    if _said(record_after) != _said(record_before):
        _outdate_proposals(project, user)
        # Which classes are farmed goes by their names.
        rebuild_parcels(project=project, user=user)
    return after


def _said(record: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """What of a legend a model is asked with: its colours are not."""
    return [(one["value"], one["name"]) for one in record]


def _numbered(
    project: Project, classes: Sequence[ClassChange], values_before: set[int]
) -> dict[int, ClassChange]:
    """The classes to add, by the value that each gets. Raises BadProject for a value that the legend lacks."""
    for change in classes:
        if change.value is not None and change.value not in values_before:
            raise BadProject(
                f"The legend has no class of value {change.value}. Leave the value out to add a class: it gets "
                "the next value that was never used."
            )
    used = project.label_classes.aggregate(last=Max("value"))["last"]
    new = [change for change in classes if change.value is None]
    if used + len(new) >= MOST_VALUES:
        raise BadProject(
            f"A project can have {MOST_VALUES} classes in its life, retired ones counted; {used + 1} are used up."
        )
    return dict(enumerate(new, used + 1))


def _check(
    classes: Sequence[ClassChange],
    kept: dict[int, ClassChange],
    added: dict[int, ClassChange],
    before: Sequence[LabelClass],
) -> None:
    if len(kept) + len(added) < len(classes):
        raise BadProject("Two rows of the legend have the same value; each class has one row.")
    if 0 not in kept:
        raise BadProject("The null class (value 0) stays in every legend; it can be renamed and recoloured.")
    for change in added.values():
        if change.drawn_before_as not in {one.value for one in before}:
            raise BadProject(
                f"{change.name!r} cannot have been drawn as value {change.drawn_before_as} before: the legend has "
                "no such class."
            )
    is_boundary = {one.value: one.is_boundary for one in before}
    specs = [
        *(ClassSpec(value, c.name, c.color, is_boundary[value]) for value, c in sorted(kept.items())),
        *(ClassSpec(value, c.name, c.color, c.is_boundary) for value, c in added.items()),
    ]
    check_classes(specs)
    try:
        inference.check_class_words(
            [LabelClass(value=s.value, name=s.name, color=s.color, is_boundary=s.is_boundary) for s in specs]
        )
    except inference.MethodError as error:
        raise BadProject(str(error)) from error


def _rename(rows: Sequence[LabelClass], kept: dict[int, ClassChange]) -> None:
    """Gives the rows their names and colours; by way of names that nobody has, as two may swap theirs."""
    for row in rows:
        # Nobody can have written it: names are stripped.
        row.name = f" {row.value}"
    LabelClass.objects.bulk_update(rows, ["name"])
    for row in rows:
        row.name, row.color = kept[row.value].name.strip(), kept[row.value].color
    LabelClass.objects.bulk_update(rows, ["name", "color"])


def _outdate_proposals(project: Project, user: User) -> None:
    project.legend_number += 1
    project.save(update_fields=["legend_number"])
    version = promoted_version(project.pk)
    if version is not None:
        renew_proposals(version=version, user=user, reason="The legend changed.")
