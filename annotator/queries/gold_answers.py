from __future__ import annotations

from typing import Any

from django.db.models import Avg, Count, Q

from annotator.enums import ReadingPurpose
from annotator.models import GoldPatch


def gold_documents(project_id: int, patch_id: int | None = None) -> list[dict[str, Any]]:
    """For leads: the gold patches that are served, or one of them, with how many answered and how well."""
    answers = Q(patch__readings__comparison__purpose=ReadingPurpose.GOLD)
    rows = GoldPatch.objects.filter(project_id=project_id, is_served=True).select_related("marked_by")
    if patch_id is not None:
        rows = rows.filter(patch_id=patch_id)
    rows = rows.annotate(
        answers=Count("patch__readings__comparison", filter=answers),
        miou=Avg("patch__readings__comparison__miou", filter=answers),
    ).order_by("patch_id")
    return [
        {
            "patch": gold.patch_id,
            "marked_by": gold.marked_by.get_username(),
            "marked_at": gold.marked_at,
            "answers": gold.answers,
            "mean_miou": gold.miou,
        }
        for gold in rows
    ]
