from __future__ import annotations

from typing import Any

from annotator.enums import DoubleState, PatchState
from annotator.models import DoubleAnnotation
from annotator.queries.documents import revision_document


def double_document(patch_id: int) -> dict[str, Any] | None:
    """For leads: how far the double annotation is, and the second mask; None where one person draws the patch."""
    double = (
        DoubleAnnotation.objects.filter(patch_id=patch_id)
        .select_related("patch", "reading__annotation__current__author")
        .defer("reading__annotation__current__mask_png")
        .first()
    )
    if double is None:
        return None
    annotation = getattr(double.reading, "annotation", None)
    second = (
        annotation.current if annotation and annotation.current and annotation.current.is_submitted else None
    )
    return {
        "state": double.state,
        "state_text": double.get_state_display(),
        "agreement": double.agreement,
        "consensus_miou": double.consensus_miou,
        "is_open": double.state == DoubleState.WANTED,
        "is_disputed": double.state == DoubleState.DISPUTED and double.patch.state == PatchState.SUBMITTED,
        "second": revision_document(second) if second else None,
    }
