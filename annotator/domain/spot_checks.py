from __future__ import annotations

import hashlib
import secrets
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from annotator.domain.events import record_event
from annotator.domain.locks import lock_project
from annotator.enums import PatchState, SpotOutcome
from annotator.errors import IllegalTransition, NotReady
from annotator.models import Patch, PatchWork, Project, SpotCheck, SpotDraw

MOST_PER_ANNOTATOR = 50
Candidate = tuple[int, str]


@transaction.atomic
def draw_spot_checks(
    *, project: Project, user: User, day: date, per_annotator: int, seed: int | None = None
) -> SpotDraw:
    """Draws patches that each annotator submitted on a day (UTC), every one of theirs as likely as another.

    A day is drawn once: asked again, the same draw is answered. The seed is chosen by chance unless given, and
    kept. Raises NotReady while the day lasts, since later submissions could not be drawn.
    """
    if day >= timezone.now().astimezone(UTC).date():
        raise NotReady(
            "The day is not over (UTC), so not all of its work is there. Draw from a day before it."
        )
    project = lock_project(project.pk)
    known = SpotDraw.objects.filter(project=project, day=day).first()
    if known is not None:
        return known
    draw = SpotDraw.objects.create(
        project=project,
        day=day,
        seed=secrets.randbits(48) if seed is None else seed,
        per_annotator=per_annotator,
        drawn_by=user,
    )
    by_annotator = _submitted_on(project, day)
    SpotCheck.objects.bulk_create(
        SpotCheck(draw=draw, patch_id=patch_id, annotator_id=annotator_id, submitted_that_day=len(rows))
        for annotator_id, rows in by_annotator.items()
        for patch_id in drawn(rows, draw.seed, per_annotator)
    )
    record_event(draw, "drawn", actor=user, day=day.isoformat(), seed=draw.seed, per_annotator=per_annotator)
    return draw


def note_spot_outcome(*, patch: Patch, annotator_id: int, user: User, outcome: SpotOutcome) -> int:
    """What a lead did with the work of an annotator, for the checks of it that are open; returns how many.

    A verdict on somebody else's revision of the patch says nothing of the annotator who was drawn.
    """
    rows = SpotCheck.objects.filter(patch=patch, annotator=annotator_id, outcome=SpotOutcome.OPEN)
    return rows.update(outcome=outcome, decided_by=user, decided_at=timezone.now())


@transaction.atomic
def pass_spot_check(*, patch: Patch, user: User) -> None:
    """Says of an approved patch that the check of it found nothing to change.

    Of a submitted one, the verdict says it. Raises IllegalTransition where no check is open or the patch is not
    approved.
    """
    patch = Patch.objects.select_for_update().get(pk=patch.pk)
    work = PatchWork.objects.filter(patch=patch).first()
    if patch.state != PatchState.APPROVED or work is None:
        raise IllegalTransition(
            f"The patch is {patch.get_state_display()}. Approve or return it: that settles its spot check too.",
            state=patch.state,
        )
    passed = note_spot_outcome(
        patch=patch, annotator_id=work.annotator_id, user=user, outcome=SpotOutcome.PASSED
    )
    if not passed:
        raise IllegalTransition("No spot check of this patch is open. Draw one on the desk.")
    record_event(patch, "spot check passed", actor=user)


def drawn(candidates: list[Candidate], seed: int, count: int) -> list[int]:
    """Ids of ``count`` of the candidates, the same for the same seed, in whatever order they come.

    A candidate is an id and a quadkey; the lowest SHA-256 digests of seed and quadkey win.
    """

    def place(candidate: Candidate) -> bytes:
        return hashlib.sha256(f"{seed}/{candidate[1]}".encode()).digest()

    return [patch_id for patch_id, _ in sorted(candidates, key=place)[:count]]


def _submitted_on(project: Project, day: date) -> dict[int, list[Candidate]]:
    start = datetime.combine(day, time(), UTC)
    rows = PatchWork.objects.filter(
        project=project,
        is_import=False,
        submitted_at__gte=start,
        submitted_at__lt=start + timedelta(days=1),
    ).order_by("annotator_id", "patch_id")
    found: dict[int, list[Candidate]] = defaultdict(list)
    for annotator_id, patch_id, quadkey in rows.values_list("annotator_id", "patch_id", "patch__quadkey"):
        found[annotator_id].append((patch_id, quadkey))
    return found
