from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Case, F, IntegerField, Value, When

from annotator.enums import Asks, VersionState
from annotator.models import Project, Proposal
from annotator.queries.prepared import Prepared


@dataclass(frozen=True)
class ShownProposal:
    """The proposal that an annotator starts from; stale when its version is not promoted, its legend is
    older, or its scene lies elsewhere since."""

    proposal: Proposal
    is_stale: bool


_SHOWN = Prepared(
    lambda patch: (
        Proposal.objects.filter(patch=patch)
        .defer("mask_png", "entropy_png", "embedding", "model_version__provenance", "scene__footprint")
        .annotate(
            is_fresh=Case(
                When(
                    model_version__state=VersionState.PROMOTED,
                    legend_number=F("patch__project__legend_number"),
                    placement_number=F("scene__placement_number"),
                    then=Value(1),
                ),
                default=Value(0),
                output_field=IntegerField(),
            )
        )
        .select_related("model_version", "scene")
        .order_by("-is_fresh", F("scene__acquired_on").desc(nulls_last=True), "-made_at")[:1]
    ),
    patch=int,
)


def shown_proposal(patch_id: int) -> ShownProposal | None:
    """The promoted version's newest-scene proposal, else the newest of any version, marked as stale."""
    proposal: Any = _SHOWN.first(patch=patch_id)
    return ShownProposal(proposal, is_stale=not proposal.is_fresh) if proposal else None


def asked_points(project: Project, proposal: Proposal) -> list[list[int]]:
    """The cells that an annotator is asked to name, ``[row, col]`` of the entropy map, in the order of asking.

    None where the project asks for whole patches, and where the proposal is from before points were drawn.
    """
    if project.asks_for != Asks.POINTS:
        return []
    cells = np.frombuffer(bytes(proposal.points), "<u2")[: project.points_per_patch]
    rows, cols = np.divmod(cells, proposal.cells_per_side)
    return [[int(row), int(col)] for row, col in zip(rows, cols, strict=True)]
