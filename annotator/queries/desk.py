"""The patches on the lead's desk: pages by cursor, and what is told of each patch."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from annotator.models import Patch, PatchClass, Project
from annotator.queries.desk_filter import DeskFilter
from annotator.queries.ranking import ranked_by

PAGE_SIZE, MOST_ON_A_PAGE = 50, 500
MOST_COUNTED = 1_000
_CURSOR = re.compile(r"(?P<way>[np])(?P<id>\d{1,18})(?:~(?P<at>[0-9T:.+\-]{10,40}))?")


@dataclass(frozen=True)
class Cursor:
    """A place between two rows of an ordered list, and which way the page lies from there."""

    id: int
    at: datetime | None = None
    is_back: bool = False

    def __str__(self) -> str:
        return f"{'p' if self.is_back else 'n'}{self.position}"

    @property
    def position(self) -> str:
        """The place alone, which either way can lead from."""
        return f"{self.id}~{self.at.isoformat()}" if self.at else str(self.id)

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Raises ValueError for what no page has given out."""
        match = _CURSOR.fullmatch(text)
        at = parse_datetime(match["at"]) if match and match["at"] else None
        if match is None or bool(match["at"]) != bool(at and at.tzinfo):
            raise ValueError("The cursor was not given out by this list. Begin at its first page.")
        return cls(int(match["id"]), at, match["way"] == "p")


@dataclass(frozen=True)
class DeskPage:
    rows: list[dict[str, Any]]
    next: Cursor | None
    previous: Cursor | None


def desk_page(wanted: DeskFilter, cursor: Cursor | None, size: int) -> DeskPage:
    """One page of what the filter lets through; it costs the same wherever it is in the list."""
    by_age = wanted.cleaned_data["order"] == "age"
    is_back = cursor is not None and cursor.is_back
    rows = _from(wanted.chosen(), cursor, by_age)
    signs = "-" if is_back else ""
    names = ("changed_at", "pk") if by_age else ("pk",)
    found = list(_with_people(rows.order_by(*(f"{signs}{name}" for name in names)))[: size + 1])
    has_more = len(found) > size
    found = found[:size]
    if is_back:
        found.reverse()
    after = found and (has_more or is_back)
    before = found and (has_more if is_back else cursor is not None)
    return DeskPage(
        rows=_rows(wanted.project, found),
        next=_at(found[-1], by_age, is_back=False) if after else None,
        previous=_at(found[0], by_age, is_back=True) if before else None,
    )


def count_up_to(wanted: DeskFilter, most: int = MOST_COUNTED) -> int:
    """How many the filter lets through; ``most`` where there are as many or more, since all would take long."""
    work = wanted.work()
    return (wanted.chosen().order_by() if work is None else work)[:most].count()


def all_rows(wanted: DeskFilter) -> Iterator[dict[str, Any]]:
    """Every row of what the filter lets through, in the memory of one page."""
    cursor: Cursor | None = None
    while True:
        page = desk_page(wanted, cursor, MOST_ON_A_PAGE)
        yield from page.rows
        if page.next is None:
            return
        cursor = page.next


def _at(patch: Patch, by_age: bool, *, is_back: bool) -> Cursor:
    return Cursor(patch.pk, patch.changed_at if by_age else None, is_back)


def _from(rows: QuerySet[Patch], cursor: Cursor | None, by_age: bool) -> QuerySet[Patch]:
    if cursor is None:
        return rows
    than = "lt" if cursor.is_back else "gt"
    if not by_age or cursor.at is None:
        return rows.filter(**{f"pk__{than}": cursor.id})
    later = Q(**{f"changed_at__{than}": cursor.at}) | Q(changed_at=cursor.at, **{f"pk__{than}": cursor.id})
    # The first condition alone lets the index begin at the place.
    return rows.filter(**{f"changed_at__{than}e": cursor.at}).filter(later)


def _with_people(rows: QuerySet[Patch]) -> QuerySet[Patch]:
    return rows.select_related(
        "work__annotator",
        "work__reviewer",
        "queue_entry__holder",
        "queue_entry__reserved_for",
        "annotation__current",
        "annotation__correction",
        "double",
    ).defer("square", "annotation__current__mask_png")


def _rows(project: Project, patches: Sequence[Patch]) -> list[dict[str, Any]]:
    """What is told of each patch, in a few queries more however many they are.

    Scores are of the proposals that the queue is ranked by: none of an older legend, scene or place of the scene.
    """
    ids = [patch.pk for patch in patches]
    values: dict[int, list[int]] = defaultdict(list)
    classes = PatchClass.objects.filter(patch__in=ids).order_by("value").values_list("patch_id", "value")
    for patch_id, value in classes:
        values[patch_id].append(value)
    proposals = ranked_by(project).proposals().filter(patch__in=ids)
    scores = dict(proposals.values_list("patch_id", "mean_entropy_nats"))
    return [_row(patch, scores.get(patch.pk), values[patch.pk]) for patch in patches]


def _row(patch: Patch, score: float | None, classes: list[int]) -> dict[str, Any]:
    work = getattr(patch, "work", None)
    entry = getattr(patch, "queue_entry", None)
    annotation = getattr(patch, "annotation", None)
    revision = annotation.current if annotation else None
    double, correction = getattr(patch, "double", None), getattr(annotation, "correction", None)
    return {
        "id": patch.pk,
        "quadkey": patch.quadkey,
        "z": patch.z,
        "x": patch.x,
        "y": patch.y,
        "state": patch.state,
        "state_text": patch.get_state_display(),
        "changed_at": patch.changed_at,
        "revision": revision.number if revision else 0,
        "annotator": _name(work and work.annotator),
        "submitted_at": work.submitted_at if work else None,
        "reviewer": _name(work and work.reviewer),
        "decided_at": work.decided_at if work else None,
        "comment": work.comment if work else "",
        "holder": _name(entry and entry.holder),
        "reserved_for": _name(entry and entry.reserved_for),
        "entropy_nats": score,
        "agreement": double.agreement if double else None,
        "proposal_miou": correction.miou if correction else None,
        "classes": classes,
        "seconds_spent": revision.seconds_spent if revision else None,
    }


def _name(user: Any) -> str | None:
    return user.get_username() if user else None
