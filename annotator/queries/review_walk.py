"""The list that a reviewer goes through patch by patch: any filter of the desk."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from annotator.models import Patch, Project
from annotator.queries.desk import Cursor
from annotator.queries.desk_filter import DeskFilter

# What the list of the review page shows, in its order.
WAITING = "awaits=review&order=age"


@dataclass(frozen=True)
class ReviewWalk:
    """``query`` is the filter of the desk; ``place`` the patch's own in it, told when the patch was opened.

    A verdict takes the patch out of the list, or to another place of it, and the next is still the one that came
    after. ``is_chosen`` where the reviewer came with a filter of their own.
    """

    query: str
    place: Cursor
    is_chosen: bool


def walk_from(project: Project, patch: Patch, given: QueryDict) -> ReviewWalk:
    """The walk that the page's address names; that through all that waits where it names none, or none that is."""
    query = given.copy()
    query.pop("cursor", None)
    wanted = DeskFilter(project, query)
    is_chosen = bool(query) and wanted.is_valid()
    if not is_chosen:
        query = QueryDict(WAITING)
        wanted = DeskFilter(project, query)
        wanted.full_clean()
    by_age = wanted.cleaned_data["order"] == "age"
    return ReviewWalk(query.urlencode(), Cursor(patch.pk, patch.changed_at if by_age else None), is_chosen)
