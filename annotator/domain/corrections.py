from __future__ import annotations

from django.db.models import Sum

from annotator import inference
from annotator.domain.masks import values_of
from annotator.models import Correction, Revision


def record_correction(revision: Revision) -> None:
    """Keeps what the submitted revision changed of its proposal, shown or hidden, and what that took.

    Without a proposal there is nothing to correct. What the mask leaves unsure was not looked at.
    """
    proposal = revision.proposal or revision.hidden_proposal
    if proposal is None or revision.is_import:
        return
    annotation = revision.annotation
    masks = values_of(revision.mask_png), values_of(proposal.mask_png)
    drawn = annotation.revisions.filter(is_conflicting=False)
    Correction.objects.update_or_create(
        annotation=annotation,
        defaults={
            "project_id": annotation.drawn_patch.project_id,
            "patch": annotation.drawn_patch,
            "model_version_id": proposal.model_version_id,
            "author_id": revision.author_id,
            "is_hidden": revision.proposal is None,
            "miou": inference.compare_masks(*masks, None, first_is_truth=True).miou,
            **drawn.aggregate(seconds=Sum("seconds_spent"), strokes=Sum("stroke_count")),
            "pixels_changed": revision.pixels_changed,
            "submitted_at": revision.saved_at,
        },
    )
