"""The masks that help to draw a patch: its own of other days, its proposals, and those of its neighbours."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from django.db.models import F, QuerySet
from numpy.typing import NDArray

from annotator.imagery.grid import quadkey
from annotator.models import Patch, Proposal, Revision
from annotator.queries.chosen import is_proposal_hidden
from annotator.queries.gold import User, hidden_gold
from annotator.queries.labels import approved_revisions


@dataclass(frozen=True)
class Neighbour:
    """An approved mask beside a patch; ``dx`` counts patches to the east, ``dy`` to the south: -1, 0 or 1."""

    dx: int
    dy: int
    revision: Revision


def approved_neighbours(patch: Patch, user: User) -> list[Neighbour]:
    """The approved masks of the eight patches around, whoever drew them; none that still waits for review.

    Nor those of gold patches that the person has to draw unseen.
    """
    places = {
        quadkey(patch.x + dx, patch.y + dy, patch.z): (dx, dy)
        for dx in (-1, 0, 1)
        for dy in (-1, 0, 1)
        if (dx or dy) and 0 <= patch.x + dx < 2**patch.z and 0 <= patch.y + dy < 2**patch.z
    }
    rows = approved_revisions(patch.project_id).filter(annotation__patch__quadkey__in=places)
    rows = rows.exclude(annotation__patch__in=hidden_gold([patch.project_id], user).values("patch"))
    return [Neighbour(*places[row.annotation.patch.quadkey], row) for row in rows.defer("mask_png")]


def proposals_of(patch: Patch, user: User) -> QuerySet[Proposal]:
    """Every proposal for the patch, of the newest date first, and of the newest model version within a date.

    None where they are kept from the person.
    """
    rows = Proposal.objects.none() if is_proposal_hidden(patch, user) else patch.proposals.all()
    return (
        rows.select_related("scene", "model_version")
        .defer("mask_png", "entropy_png", "embedding", "scene__footprint")
        .order_by(F("scene__acquired_on").desc(nulls_last=True), "scene_id", "-model_version__number")
    )


@dataclass(frozen=True)
class Difference:
    """Where two masks differ: how many pixels went from which class value to which, the most first."""

    pixels: int
    changes: list[tuple[int, int, int]]


def difference_of(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Difference:
    """The difference of two masks ``(row, col)`` of one size."""
    changed = before != after
    pairs = Counter(zip(before[changed].tolist(), after[changed].tolist(), strict=True))
    changes = sorted(((a, b, count) for (a, b), count in pairs.items()), key=lambda row: (-row[2], row))
    return Difference(int(changed.sum()), changes)


def difference_picture(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture in grey ``(row, col)``: white where the masks differ."""
    return np.where(before != after, np.uint8(255), np.uint8(0))
