"""One verb on many patches: each for itself, so that what is not possible on one stops none of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from django.contrib.auth.models import User

from annotator.domain.assigning import reassign_patch
from annotator.domain.doubles import withdraw_second
from annotator.domain.reviews import reopen_patch, review_patch
from annotator.enums import Verdict
from annotator.errors import MilpaError
from annotator.models import Patch, Project

# As many as one request does within a few seconds.
MOST_PATCHES = 500


class BulkVerb(StrEnum):
    APPROVE = "approve"
    RETURN = "return"
    REASSIGN = "reassign"
    REOPEN = "reopen"
    DO_WITHOUT = "do-without"


@dataclass(frozen=True)
class Chosen:
    """A patch as the list showed it; ``revision`` is the number of its revision there, 0 for none."""

    patch_id: int
    revision: int = 0


@dataclass(frozen=True)
class Refusal:
    """A patch that stayed as it was, with the sentence why."""

    patch_id: int
    name: str
    code: str
    detail: str


@dataclass
class BulkReport:
    """Every chosen patch is in one of the two lists."""

    done: list[int] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def act_on_patches(
    *,
    project: Project,
    user: User,
    verb: BulkVerb,
    chosen: Sequence[Chosen],
    comment: str = "",
    to: User | None = None,
) -> BulkReport:
    """Does the verb on each patch in a transaction of its own, and says of each whether it was possible.

    ``comment`` is for returning and reopening, ``to`` (None for anybody) for reassigning; to do without is to call
    off a second mask that is still to come. A verdict falls on the revision that the list showed, so nothing newer is
    approved unseen.
    """
    patches = project.patches.in_bulk([one.patch_id for one in chosen])
    report = BulkReport()
    for one in dict.fromkeys(chosen):
        patch = patches.get(one.patch_id)
        if patch is None:
            report.refused.append(
                Refusal(one.patch_id, str(one.patch_id), "not-found", "The project has no such patch.")
            )
            continue
        try:
            _action(verb, patch, one.revision, user, comment, to)()
        except MilpaError as error:
            report.refused.append(Refusal(patch.pk, str(patch), error.code, error.detail))
        else:
            report.done.append(patch.pk)
    return report


def _action(
    verb: BulkVerb, patch: Patch, revision: int, user: User, comment: str, to: User | None
) -> Callable[[], object]:
    match verb:
        case BulkVerb.REASSIGN:
            return lambda: reassign_patch(patch=patch, user=user, to=to)
        case BulkVerb.DO_WITHOUT:
            return lambda: withdraw_second(patch=patch, user=user)
        case BulkVerb.REOPEN:
            return lambda: reopen_patch(patch=patch, user=user, comment=comment)
        case _:
            verdict = Verdict.APPROVE if verb == BulkVerb.APPROVE else Verdict.RETURN
            return lambda: review_patch(
                patch=patch,
                user=user,
                verdict=verdict,
                revision_number=revision,
                comment=comment,
                in_bulk=True,
            )
