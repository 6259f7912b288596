from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from numpy.typing import NDArray

from annotator import inference
from annotator.domain.chores import do_chore, tell_chore, wake_chore
from annotator.domain.dispatch import enqueue
from annotator.domain.locks import lock_project
from annotator.domain.projects import record_project_event
from annotator.domain.reviews import RETURNED_SCORE
from annotator.enums import ChoreKind, QueueReason, Strategy
from annotator.models import Chore, Patch, Project, Ranking
from annotator.queries.ranking import (
    RankedBy,
    approvals_since_ranking,
    labelled_embeddings,
    ranked_by,
    stored_class_entropies,
    stored_embeddings,
    stored_measures,
)

REASONS = {
    Strategy.ENTROPY: QueueReason.ENTROPY,
    Strategy.TOP_ENTROPY: QueueReason.ENTROPY,
    Strategy.CLASS_ENTROPY: QueueReason.ENTROPY,
    Strategy.DIVERSITY: QueueReason.ENTROPY,
    Strategy.MARGIN: QueueReason.MARGIN,
    Strategy.BOUNDARY: QueueReason.BOUNDARY,
}
RANKING_REQUESTED = "ranking requested"
# So many rows are locked at a time, for some tens of milliseconds: claims step over them meanwhile.
CHUNK = 2000

# In the order of their ids, so that nobody who locks several entries, also in that order, is met in a deadlock.
_WRITE_ORDER_SQL = """
WITH new AS (
    SELECT * FROM unnest(%s::bigint[], %s::float8[], %s::text[], %s::int[], %s::float8[], %s::int[], %s::bool[])
        AS new (patch_id, score, reason, place, worth, worth_rank, is_novel)),
locked AS (
    SELECT entry.patch_id FROM annotator_queueentry AS entry JOIN new USING (patch_id)
    WHERE entry.reason <> 'returned' ORDER BY entry.patch_id FOR UPDATE OF entry)
UPDATE annotator_queueentry AS entry
SET score = new.score, reason = new.reason, place = new.place, worth = new.worth,
    worth_rank = new.worth_rank, is_novel = new.is_novel, ranking_id = %s
FROM new JOIN locked USING (patch_id) WHERE entry.patch_id = new.patch_id
"""


@dataclass(frozen=True)
class _Patches:
    """All patches of a project; ``waits`` tells which are to be ranked, returned ones are not."""

    ids: NDArray[np.int64]
    keys: NDArray[np.str_]
    xy: NDArray[np.int64]
    waits: NDArray[np.bool_]
    is_audit: NDArray[np.bool_]


def rank_due_projects() -> int:
    """Ranks the projects in which a batch of patches was approved since their last ranking; returns how many."""
    due = [
        project_id
        for project_id, approved in approvals_since_ranking().items()
        if approved >= settings.RANK_AFTER_APPROVALS
    ]
    for project_id in due:
        rank_patches(project_id)
    return len(due)


@transaction.atomic
def request_ranking(*, project: Project, user: User) -> None:
    """Asks for the queue to be ranked anew, whether or not anything changed since it was ranked last."""
    record_project_event(project, RANKING_REQUESTED, user)
    wake_chore(project.pk, ChoreKind.RANKING)
    enqueue("rank_patches", project.pk)


def rank_patches(project_id: int) -> Ranking | None:
    """Ranks the project's queue; asked for while another worker ranks it, it is that one's to rank it once more.

    None where another worker is at it, and where it was given up, as each worker was lost at it.
    """
    made: list[Ranking] = []
    do_chore(project_id, ChoreKind.RANKING, lambda chore: made.append(_rank(project_id, chore)))
    return made[-1] if made else None


def _rank(project_id: int, chore: Chore) -> Ranking:
    """Orders the labelling queue by the project's strategy, and records the order with all that it follows from.

    Worths are of one model version and one scene; patches without one follow, spread over the area, and the
    random sample is mixed in. Returned patches keep their place in front. While the order is being written, what
    is written already goes before all of the ranking before, so the two never mix; a ranking that begins
    meanwhile takes over, and this one ends unfinished.
    """
    tell_chore(chore, 0)
    project = Project.objects.get(pk=project_id)
    by = ranked_by(project)
    ranking = Ranking.objects.create(
        project=project,
        strategy=project.strategy,
        seed=project.queue_seed,
        audit_share=project.audit_share,
        legend_number=project.legend_number,
    )
    patches = _patches_of(project_id)
    _record_sample(project, patches)
    waiting, ids = _waiting(project, by, patches)
    order = inference.arrange(waiting)
    ranking.scored_count = int(np.isfinite(waiting.worth).sum())
    ranking.model_version = by.version if ranking.scored_count else None
    ranking.scene = by.scene if ranking.scored_count else None
    ranking.placement_number = by.scene.placement_number if by.scene else 1
    ranking.patch_count = len(ids)
    ranking.audit_count = int(order.is_drawn.sum())
    ranking.parameters = {
        "labelled": waiting.done,
        "labelled_of_the_sample": waiting.done_drawn,
        "embeddings_looked_at": len(waiting.embedded),
        "labelled_embeddings": len(waiting.labelled),
    }
    keys = [waiting.keys[i] for i in order.order]
    ranking.order_hash = hashlib.sha256("\n".join(keys).encode()).hexdigest()
    if _write(ranking, waiting, order, ids, chore):
        ranking.finished_at = timezone.now()
        ranking.save(update_fields=["finished_at"])
    return ranking


def _patches_of(project_id: int) -> _Patches:
    rows = list(
        Patch.objects.filter(project_id=project_id)
        .order_by("pk")
        .values_list("pk", "quadkey", "x", "y", "is_audit", "queue_entry__reason")
    )
    columns = list(zip(*rows, strict=True)) or [()] * 6
    return _Patches(
        ids=np.array(columns[0], dtype=np.int64),
        keys=np.array(columns[1], dtype=np.str_),
        xy=np.array([columns[2], columns[3]], dtype=np.int64).T.reshape(-1, 2),
        waits=np.array([reason not in (None, QueueReason.RETURNED) for reason in columns[5]], dtype=np.bool_),
        is_audit=np.array(columns[4], dtype=np.bool_),
    )


def _record_sample(project: Project, patches: _Patches) -> None:
    """Notes on every patch whether the random sample holds it, whatever its state: the sample is of all the land."""
    drawn = inference.is_audited(tuple(patches.keys.tolist()), project.queue_seed, project.audit_share)
    for value in (True, False):
        changed = patches.ids[(drawn == value) & (patches.is_audit != value)]
        for start in range(0, len(changed), CHUNK):
            ids = changed[start : start + CHUNK].tolist()
            with transaction.atomic():
                rows = Patch.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
                Patch.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).update(is_audit=value)
    patches.is_audit[:] = drawn


def _waiting(
    project: Project, by: RankedBy, patches: _Patches
) -> tuple[inference.Waiting, NDArray[np.int64]]:
    """What the order follows from, and the ids of the patches that it is of."""
    ids = patches.ids[patches.waits]
    keys = tuple(patches.keys[patches.waits].tolist())
    worths = _worths(by, Strategy(project.strategy))
    worth = np.array([worths.get(patch_id, math.nan) for patch_id in ids.tolist()], dtype=np.float64)
    embedded = inference.queue_candidates(worth, keys)
    found = stored_embeddings(by, ids[embedded].tolist()) if len(embedded) else {}
    embedded = np.array([i for i in embedded if int(ids[i]) in found], dtype=np.intp)
    waiting = inference.Waiting(
        keys=keys,
        xy=patches.xy[patches.waits],
        worth=worth,
        embedded=embedded,
        embeddings=_stacked([found[int(ids[i])] for i in embedded]),
        labelled=_stacked(labelled_embeddings(by)) if len(embedded) else _stacked([]),
        is_diverse=project.strategy == Strategy.DIVERSITY,
        seed=project.queue_seed,
        audit_share=project.audit_share,
        done=int((~patches.waits).sum()),
        done_drawn=int((~patches.waits & patches.is_audit).sum()),
    )
    return waiting, ids


def _worths(by: RankedBy, strategy: Strategy) -> dict[int, float]:
    """By patch id; the spatial spread asks for none."""
    if strategy == Strategy.SPREAD:
        return {}
    if strategy != Strategy.CLASS_ENTROPY:
        return stored_measures(by, strategy)
    rows = stored_class_entropies(by)
    if not rows:
        return {}
    ids, cells, entropies = zip(*rows, strict=True)
    return dict(zip(ids, inference.weighted_entropies(cells, entropies), strict=True))


def _stacked(rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.stack(rows) if rows else np.empty((0, 1), dtype=np.float32)


def _write(
    ranking: Ranking,
    waiting: inference.Waiting,
    order: inference.QueueOrder,
    ids: NDArray[np.int64],
    chore: Chore,
) -> bool:
    """Writes the order, the best first; False when a newer ranking of the project has begun meanwhile."""
    count = len(ids)
    assert ranking.pk + 1 < RETURNED_SCORE
    for start in range(0, max(count, 1), CHUNK):
        rows = order.order[start : start + CHUNK]
        places = np.arange(start + 1, start + len(rows) + 1)
        with transaction.atomic():
            lock_project(ranking.project_id)
            if Ranking.objects.filter(project_id=ranking.project_id, pk__gt=ranking.pk).exists():
                return False
            with connection.cursor() as cursor:
                cursor.execute(
                    _WRITE_ORDER_SQL,
                    [
                        ids[rows].tolist(),
                        # Whole numbers are rankings: the newest goes before all older ones.
                        (ranking.pk + 1 - places / (count + 1)).tolist(),
                        [str(_reason(ranking, order, waiting, int(i))) for i in rows],
                        places.tolist(),
                        [None if math.isnan(worth) else worth for worth in waiting.worth[rows].tolist()],
                        order.worth_rank[rows].tolist(),
                        order.is_novel[rows].tolist(),
                        ranking.pk,
                    ],
                )
            ranking.heartbeat_at = timezone.now()
            ranking.save()
        tell_chore(chore, start + len(rows))
    return True


def _reason(
    ranking: Ranking, order: inference.QueueOrder, waiting: inference.Waiting, index: int
) -> QueueReason:
    if order.is_drawn[index]:
        return QueueReason.AUDIT
    if math.isnan(waiting.worth[index]):
        return QueueReason.SPREAD
    if order.is_chosen[index] and order.is_novel[index]:
        return QueueReason.NOVELTY
    return REASONS[Strategy(ranking.strategy)]
