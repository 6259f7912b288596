"""Which patches a share of a project takes, and whether the proposal is kept from somebody who draws one of them."""

from __future__ import annotations

import hashlib

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from annotator.enums import Asks, PatchState, ReadingState, Role
from annotator.models import Patch, Project, QueueEntry, Reading
from annotator.queries.access import member_roles
from annotator.queries.gold import is_hidden_gold

User = AbstractBaseUser | AnonymousUser


def is_chosen(project: Project, quadkey: str, share: float, purpose: str) -> bool:
    """Whether a share of the project's patches takes this one: always the same answer for the same seed and share.

    A larger share takes all that a smaller one took, and more.
    """
    digest = hashlib.sha256(f"{project.quality_seed} {project.pk} {purpose} {quadkey}".encode()).digest()
    return int.from_bytes(digest[:7], "big") < share * 2**56


def is_blind(patch: Patch) -> bool:
    """Whether the patch is drawn without its proposal. Where points are asked for, none is shown anyway."""
    project = patch.project
    if not project.blind_share or project.asks_for == Asks.POINTS:
        return False
    return is_chosen(project, patch.quadkey, project.blind_share, "blind")


def is_proposal_hidden(patch: Patch, user: User) -> bool:
    """Whether the person must not see the patch's proposals now: whoever draws it, and annotators until approval.

    Leads and ML staff see them unless they draw the patch themselves.
    """
    if not is_blind(patch):
        return False
    if patch.state == PatchState.APPROVED and not is_hidden_gold(patch, user):
        return False
    if not member_roles(user, patch.project_id) & {Role.LEAD, Role.ML_STAFF}:
        return True
    held = Reading.objects.filter(patch=patch, reader_id=user.pk, state=ReadingState.HELD)
    return QueueEntry.objects.filter(patch=patch, holder_id=user.pk).exists() or held.exists()
