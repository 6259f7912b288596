"""Saying that the imagery of a patch is bad."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from annotator.domain.annotations import Effort, save_mask
from annotator.domain.events import record_event
from annotator.domain.masks import SIZE_PX, UNSURE
from annotator.enums import ImageryProblem
from annotator.errors import CommentMissing
from annotator.models import Event, Patch, Revision
from annotator.queries.imagery_reports import REPORTED


def report_imagery(
    *,
    patch: Patch,
    user: User,
    problem: ImageryProblem,
    comment: str = "",
    base_number: int,
    effort: Effort | None = None,
    idempotency_key: str = "",
) -> Revision:
    """Submits a mask that is unsure everywhere, with what is wrong with the imagery recorded beside it.

    The patch goes to review as any other: approved, it is settled and no run learns from it; returned, it waits
    to be labelled. The same ``idempotency_key`` again records nothing new.
    Raises CommentMissing for "something else" without a word, and what `save_mask` raises.
    """
    comment = comment.strip()
    if problem == ImageryProblem.OTHER and not comment:
        raise CommentMissing(_("Say what is wrong with the imagery: the reviewer decides by it."))
    with transaction.atomic():
        revision = save_mask(
            patch=patch,
            user=user,
            mask=np.full((SIZE_PX, SIZE_PX), UNSURE, np.uint8),
            base_number=base_number,
            submit=True,
            effort=effort,
            idempotency_key=idempotency_key,
        )
        facts: dict[str, Any] = {"revision": revision.number, "problem": problem.value, "comment": comment}
        # Numbers of a reading's revisions are its own.
        drawn = revision.annotation.reading or patch
        known = Event.objects.filter(
            subject=drawn._meta.model_name, subject_id=drawn.pk, verb=REPORTED, facts=facts
        )
        if not known.exists():
            record_event(drawn, REPORTED, actor=user, **facts)
    return revision
