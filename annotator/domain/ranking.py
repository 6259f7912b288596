from __future__ import annotations

import hashlib

from django.db import connection, transaction

from annotator import inference
from annotator.domain.locks import lock_project
from annotator.domain.reviews import RETURNED_SCORE
from annotator.enums import QueueReason
from annotator.models import Project, Proposal, QueueEntry, Ranking
from annotator.queries.scenes import default_scene
from annotator.queries.versions import promoted_version

_WRITE_SCORES_SQL = """
UPDATE annotator_queueentry AS entry SET score = new.score, reason = new.reason
FROM unnest(%s::bigint[], %s::float8[], %s::text[]) AS new (patch_id, score, reason)
WHERE entry.patch_id = new.patch_id AND entry.reason <> 'returned'
"""


def rank_patches(project_id: int) -> Ranking:
    """Orders the labelling queue by the mean token entropy of the promoted version's proposals.

    Patches without a fresh proposal follow, spread over the area: scores of different model versions are
    never mixed. Returned patches keep their place in front. The order is recorded as a Ranking.
    """
    version, scene = promoted_version(project_id), default_scene(project_id)
    legend_number = Project.objects.values_list("legend_number", flat=True).get(pk=project_id)
    entropies = dict(
        Proposal.objects.filter(
            model_version=version,
            scene=scene,
            legend_number=legend_number,
            placement_number=scene.placement_number,
            patch__queue_entry__isnull=False,
        ).values_list("patch_id", "mean_entropy_nats")
        if version and scene
        else ()
    )
    entries = list(
        QueueEntry.objects.filter(project_id=project_id)
        .exclude(reason=QueueReason.RETURNED)
        .order_by("patch_id")
        .values_list("patch_id", "patch__quadkey", "patch__x", "patch__y")
    )
    fresh = [row for row in entries if row[0] in entropies]
    rest = [row for row in entries if row[0] not in entropies]
    scored = [
        (row[0], row[1], score, QueueReason.ENTROPY)
        for row, score in zip(
            fresh, inference.score_by_entropy([entropies[row[0]] for row in fresh]), strict=True
        )
    ] + [
        (row[0], row[1], score, QueueReason.SPREAD)
        for row, score in zip(rest, inference.spread_scores([(row[2], row[3]) for row in rest]), strict=True)
    ]
    assert all(score < RETURNED_SCORE for _, _, score, _ in scored)
    scored.sort(key=lambda row: (-row[2], row[0]))
    with transaction.atomic():
        # Rankings of one project wait for each other: both would lock the same rows in orders of their own.
        lock_project(project_id)
        with connection.cursor() as cursor:
            cursor.execute(
                _WRITE_SCORES_SQL,
                [[r[0] for r in scored], [r[2] for r in scored], [str(r[3]) for r in scored]],
            )
        return Ranking.objects.create(
            project_id=project_id,
            strategy=QueueReason.ENTROPY if fresh else QueueReason.SPREAD,
            model_version=version if fresh else None,
            scene=scene if fresh else None,
            legend_number=legend_number,
            placement_number=scene.placement_number if fresh and scene else 1,
            patch_count=len(scored),
            order_hash=hashlib.sha256("\n".join(r[1] for r in scored).encode()).hexdigest(),
        )
