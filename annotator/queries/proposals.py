from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, F, IntegerField, Value, When

from annotator.enums import VersionState
from annotator.models import Proposal


@dataclass(frozen=True)
class ShownProposal:
    """The proposal that an annotator starts from; stale when its version is not promoted or its legend is older."""

    proposal: Proposal
    is_stale: bool


def shown_proposal(patch_id: int) -> ShownProposal | None:
    """The promoted version's newest-scene proposal, else the newest of any version, marked as stale."""
    fresh = Case(
        When(
            model_version__state=VersionState.PROMOTED,
            legend_number=F("patch__project__legend_number"),
            then=Value(1),
        ),
        default=Value(0),
        output_field=IntegerField(),
    )
    proposal = (
        Proposal.objects.filter(patch_id=patch_id)
        .defer("mask_png", "entropy_png", "embedding")
        .annotate(is_fresh=fresh)
        .select_related("model_version", "scene")
        .order_by("-is_fresh", F("scene__acquired_on").desc(nulls_last=True), "-made_at")
        .first()
    )
    if proposal is None:
        return None
    return ShownProposal(proposal, is_stale=not proposal.is_fresh)
