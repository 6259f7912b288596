from __future__ import annotations

from django.db.models import Sum

from annotator import inference
from annotator.domain.masks import values_of
from annotator.models import Annotation, Correction, Revision


def record_correction(revision: Revision, *, drawn_in: Annotation | None = None) -> None:
    """Keeps what the submitted revision changed of its proposal, shown or hidden, and what that took.

    Without a proposal there is nothing to correct, and what an earlier submission corrected no longer stands. What
    the mask leaves unsure was not looked at. ``drawn_in`` is the annotation whose revisions tell the effort, where
    the mask was drawn in another one.
    """
    annotation = revision.annotation
    proposal = revision.proposal or revision.hidden_proposal
    if proposal is None or revision.is_import:
        Correction.objects.filter(annotation=annotation).delete()
        return
    masks = values_of(revision.mask_png), values_of(proposal.mask_png)
    drawn = (drawn_in or annotation).revisions.filter(is_conflicting=False)
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
