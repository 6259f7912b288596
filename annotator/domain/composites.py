"""Ways to see scenes that a project's leads write: expressions of bands, for all its scenes that have those bands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from annotator.domain.events import record_event
from annotator.domain.locks import lock_project
from annotator.enums import Ramp
from annotator.errors import BadComposite
from annotator.imagery.expressions import parse
from annotator.imagery.recipes import Recipe, check_bands, missing_bands, recipe_of
from annotator.models import OwnComposite, Project, Scene
from annotator.queries.composites import ready_scenes

MOST_OF_A_PROJECT = 24
LONGEST_NAME = 60
CHANNELS = ("red", "green", "blue")
_FIELDS = ("name", "expressions", "ranges", "ramp")
# Wider ranges are no values of imagery, and narrower ones no float32 tells apart.
_LARGEST_END = 1e30
_SMALLEST_STEP = 1e-6

Ends = Sequence[float] | None


def add_composite(
    *,
    project: Project,
    user: User,
    name: str,
    expressions: Sequence[str],
    ranges: Sequence[Ends] = (),
    ramp: str = Ramp.GREY,
) -> OwnComposite:
    """Adds a band combination: one expression in the colours of a ramp, or three as red, green and blue.

    Each of ``ranges`` is the [low, high] of an expression, or None for the percentiles 2 and 98 in each scene;
    without ranges that is so for all. Raises BadComposite, naming the field.
    """
    with transaction.atomic():
        project = lock_project(project.pk)
        if project.own_composites.count() >= MOST_OF_A_PROJECT:
            raise BadComposite(f"A project has at most {MOST_OF_A_PROJECT} of its own. Delete one first.")
        row = OwnComposite(project=project)
        _write(row, name, expressions, ranges, ramp)
        record_event(row, "added", actor=user, **_facts(row))
    return row


def change_composite(
    *,
    composite: OwnComposite,
    user: User,
    name: str,
    expressions: Sequence[str],
    ranges: Sequence[Ends] = (),
    ramp: str = Ramp.GREY,
) -> OwnComposite:
    """Writes it anew, as `add_composite` does; the event keeps what it was before. Raises BadComposite."""
    with transaction.atomic():
        lock_project(composite.project_id)
        row = OwnComposite.objects.filter(pk=composite.pk).first()
        if row is None:
            raise BadComposite("It was deleted in the meantime. Add it anew.")
        before = _facts(row)
        _write(row, name, expressions, ranges, ramp)
        if _facts(row) != before:
            record_event(row, "changed", actor=user, before=before, after=_facts(row))
    return row


def delete_composite(*, composite: OwnComposite, user: User) -> None:
    """Takes it away; its event keeps what it was. Once more, nothing happens."""
    with transaction.atomic():
        lock_project(composite.project_id)
        row = OwnComposite.objects.filter(pk=composite.pk).first()
        if row is not None:
            record_event(row, "deleted", actor=user, **_facts(row))
            row.delete()


def checked_recipe(
    *, expressions: Sequence[str], ranges: Sequence[Ends], ramp: str, scenes: Sequence[Scene]
) -> Recipe:
    """What was written, read. Raises BadComposite, naming the field, and where none of ``scenes`` has its bands."""
    count = len(expressions)
    if count not in (1, 3):
        raise BadComposite("Write one expression, or three for red, green and blue.", field="expressions")
    if ramp not in Ramp.values:
        raise BadComposite(f"ramp must be one of {', '.join(Ramp.values)}, got {ramp!r}.", field="ramp")
    ranges = ranges or [None] * count
    if len(ranges) != count:
        raise BadComposite("Give a range, or null, for each expression.", field="ranges")
    for index, ends in enumerate(ranges):
        _check_range(ends, field_of(index, count))
    for index, text in enumerate(expressions):
        with _of_field(field_of(index, count)):
            parse(text)
    recipe = recipe_of(expressions, ranges, ramp)
    if scenes:
        nearest = min(scenes, key=lambda scene: len(missing_bands(recipe, scene.band_names)))
        for index, expression in enumerate(recipe.expressions):
            with _of_field(field_of(index, count)):
                check_bands(expression, nearest)
    return recipe


def field_of(index: int, count: int) -> str:
    """What an expression of so many is called in errors: by what it is shown as."""
    return CHANNELS[index] if count == len(CHANNELS) else "expression"


@contextmanager
def _of_field(field: str) -> Iterator[None]:
    try:
        yield
    except BadComposite as error:
        raise BadComposite(error.detail, **error.facts, field=field) from error


def _check_range(ends: Ends, field: str) -> None:
    if ends is None:
        return
    fits = len(ends) == 2 and all(math.isfinite(end) and abs(end) <= _LARGEST_END for end in ends)
    if not fits or not ends[1] - ends[0] > _SMALLEST_STEP * max(abs(ends[0]), abs(ends[1])):
        raise BadComposite(
            "Give the low and the high end of the values, the low below the high.", field=field
        )


def _write(
    row: OwnComposite, name: str, expressions: Sequence[str], ranges: Sequence[Ends], ramp: str
) -> None:
    name = " ".join(name.split())
    # What cannot be printed cannot be told to other programs either.
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadComposite(f"Give it a name of 1 to {LONGEST_NAME} characters of writing.", field="name")
    others = OwnComposite.objects.filter(project=row.project_id, name__iexact=name).exclude(pk=row.pk)
    if others.exists():
        raise BadComposite(f"The project has one called {name}. Choose another name.", field="name")
    recipe = checked_recipe(
        expressions=expressions, ranges=ranges, ramp=ramp, scenes=ready_scenes(row.project)
    )
    row.name, row.ramp = name, ramp
    row.expressions = [one.text for one in recipe.expressions]
    row.ranges = [None if ends is None else list(ends) for ends in recipe.ranges]
    row.save()


def _facts(row: OwnComposite) -> dict[str, Any]:
    return {field: getattr(row, field) for field in _FIELDS}
