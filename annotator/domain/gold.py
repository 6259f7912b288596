"""Gold patches: approved ones that annotators draw again unseen, so that their answers can be scored."""

from __future__ import annotations

import secrets
from collections.abc import Collection

from django.contrib.auth.models import User
from django.db import transaction

from annotator.domain.events import record_event
from annotator.enums import PatchState
from annotator.errors import IllegalTransition
from annotator.models import GoldPatch, Patch, Project, QueueEntry
from annotator.queries.gold import open_gold
from annotator.queries.labels import approved_revisions


@transaction.atomic
def mark_gold(*, patch: Patch, user: User) -> GoldPatch:
    """From now on the patch is served to annotators as if nobody had drawn it; its mask stays the truth.

    Raises IllegalTransition unless it is approved with a mask that answers can be compared with.
    """
    patch = Patch.objects.select_for_update().get(pk=patch.pk)
    if not approved_revisions(patch.project_id).filter(annotation__patch=patch).exists():
        raise IllegalTransition(
            "A gold patch needs an approved mask that others can be compared with. Approve one first."
        )
    gold, is_new = GoldPatch.objects.get_or_create(
        patch=patch, defaults={"project_id": patch.project_id, "marked_by": user}
    )
    if is_new or not gold.is_served:
        gold.is_served, gold.marked_by = True, user
        gold.save(update_fields=["is_served", "marked_by"])
        record_event(gold, "marked as gold", actor=user)
    return gold


@transaction.atomic
def unmark_gold(*, patch: Patch, user: User) -> None:
    """The patch is served no more, and is to everybody what it is; the answers that came in are kept."""
    gold = GoldPatch.objects.select_for_update().filter(patch=patch, is_served=True).first()
    if gold is not None:
        gold.is_served = False
        gold.save(update_fields=["is_served"])
        record_event(gold, "unmarked as gold", actor=user)


def is_golds_turn(project: Project) -> bool:
    """Whether the next patch of somebody's is a gold one, by lot: of any row of patches, nobody can tell which.

    Never where nothing else is left, as gold alone would give itself away.
    """
    if secrets.randbelow(1_000_000) >= project.gold_share * 1_000_000:
        return False
    return QueueEntry.objects.filter(project=project, holder__isnull=True).exists()


def pick_gold(project: Project, user: User, besides: Collection[int]) -> Patch | None:
    """The gold patch that is served to the person next, None where there is none left."""
    gold = open_gold(project.pk, user).exclude(patch__in=besides).select_related("patch").first()
    return gold.patch if gold is not None else None


def open_gold_of(patch: Patch, user: User) -> bool:
    """Whether the person can be served this gold patch."""
    if patch.state != PatchState.APPROVED:
        return False
    return open_gold(patch.project_id, user).filter(patch=patch).exists()
