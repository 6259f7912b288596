"""What a project wants again and again: done by one worker at a time, given up if it kills each that takes it up."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from annotator.domain.events import move
from annotator.domain.leases import WORKERS_LOST, signs_of_life, take_lease
from annotator.enums import JOB_TRANSITIONS, ChoreKind, JobState
from annotator.models import Chore

REMEDIES = {
    ChoreKind.RANKING: "The queue keeps its order of before. Rank it anew once the server has more memory.",
    ChoreKind.PARCELS: "What is drawn stays. Draw all parcels anew once the server has more memory.",
}


def do_chore(
    project_id: int,
    kind: ChoreKind,
    work: Callable[[Chore], None],
    on_given_up: Callable[[str], None] = lambda message: None,
) -> None:
    """Does the work, and once more where it is asked for meanwhile.

    Where another worker is at it, that one is told to do it once more. Where it was given up, it is left until a
    person asks for it: see `wake_chore`. ``on_given_up`` gets the sentence when that happens.
    """
    chore = Chore.objects.get_or_create(project_id=project_id, kind=kind)[0]
    while not _take(chore, on_given_up):
        here = Chore.objects.filter(pk=chore.pk)
        if (
            here.filter(state=JobState.RUNNING).update(is_wanted=True)
            or here.filter(state=JobState.FAILED).exists()
        ):
            return
    mine = Chore.objects.filter(pk=chore.pk, state=JobState.RUNNING)
    try:
        with signs_of_life(mine):
            work(chore)
            while not _rest(mine.filter(is_wanted=False)) and _begin_anew(mine.filter(is_wanted=True)):
                work(chore)
    except BaseException:
        _rest(mine)
        raise


def _take(chore: Chore, on_given_up: Callable[[str], None]) -> bool:
    def give_up(lost: Chore, message: str) -> None:
        lost.message = f"{WORKERS_LOST} {REMEDIES[ChoreKind(lost.kind)]}"
        lost.ended_at = timezone.now()
        with transaction.atomic():
            move(lost, JobState.FAILED, JOB_TRANSITIONS, "failed", actor=None, fields=("message", "ended_at"))
            on_given_up(lost.message)

    return (
        take_lease(
            Chore,
            chore.pk,
            waiting=JobState.QUEUED,
            working=(JobState.RUNNING,),
            becomes=JobState.RUNNING,
            give_up=give_up,
        )
        is not None
    )


def _rest(chores: QuerySet[Chore]) -> bool:
    """Nobody is at it from here on: whoever asks takes it up."""
    return bool(
        chores.update(
            state=JobState.QUEUED, is_wanted=False, takeovers=0, furthest=0, done=0, heartbeat_at=None
        )
    )


def _begin_anew(chores: QuerySet[Chore]) -> bool:
    return bool(chores.update(is_wanted=False, takeovers=0, furthest=0, done=0))


def tell_chore(chore: Chore, done: int) -> None:
    """So many patches are done by the present worker."""
    Chore.objects.filter(pk=chore.pk).update(done=done, heartbeat_at=timezone.now())


def wake_chore(project_id: int, kind: ChoreKind) -> None:
    """A person asks for it: what was given up is tried again."""
    Chore.objects.filter(project_id=project_id, kind=kind, state=JobState.FAILED).update(
        state=JobState.QUEUED, takeovers=0, furthest=0, done=0, message="", ended_at=None
    )
