"""What the labelling queue is ranked by: the worths and embeddings of one model version on one scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from annotator.enums import ACTIVE_JOB_STATES, PatchState, SceneState, Strategy, Verdict
from annotator.models import InferenceJob, ModelVersion, Project, Proposal, Ranking, Review, Scene
from annotator.queries.scenes import default_scene
from annotator.queries.versions import promoted_version

WORTH_FIELDS = {
    Strategy.ENTROPY: "mean_entropy_nats",
    Strategy.DIVERSITY: "mean_entropy_nats",
    Strategy.TOP_ENTROPY: "top_entropy_nats",
    Strategy.MARGIN: "mean_margin",
    Strategy.BOUNDARY: "boundary_error",
}
MOST_LABELLED = 2000


@dataclass(frozen=True)
class RankedBy:
    """The model version, scene and legend whose proposals are compared; None where there is none yet."""

    version: ModelVersion | None
    scene: Scene | None
    legend_number: int

    def proposals(self) -> QuerySet[Proposal]:
        if self.version is None or self.scene is None:
            return Proposal.objects.none()
        return Proposal.objects.filter(
            model_version=self.version,
            scene=self.scene,
            legend_number=self.legend_number,
            placement_number=self.scene.placement_number,
        )


def ranked_by(project: Project) -> RankedBy:
    """The promoted version, and the newest ready scene that it has made proposals from."""
    version = promoted_version(project.pk)
    made = Proposal.objects.filter(
        scene=OuterRef("pk"),
        model_version=version,
        legend_number=project.legend_number,
        placement_number=OuterRef("placement_number"),
    )
    scene = Scene.objects.filter(Exists(made), project=project, state=SceneState.READY).first()
    return RankedBy(version, scene or default_scene(project.pk), project.legend_number)


def stored_measures(by: RankedBy, strategy: Strategy) -> dict[int, float]:
    """The strategy's measure of every waiting patch, by its id; proposals from before it was taken have none."""
    field = WORTH_FIELDS[strategy]
    rows = by.proposals().filter(patch__queue_entry__isnull=False, **{f"{field}__isnull": False})
    return dict(rows.values_list("patch_id", field))


def stored_class_entropies(by: RankedBy) -> list[tuple[int, list[int], list[float]]]:
    """Of every waiting patch its id, the cells that say each class, and their entropies added up."""
    rows = by.proposals().filter(patch__queue_entry__isnull=False).exclude(class_cells=[])
    return list(rows.values_list("patch_id", "class_cells", "class_entropy_nats"))


def stored_embeddings(by: RankedBy, patch_ids: Sequence[int]) -> dict[int, NDArray[np.float32]]:
    rows = by.proposals().filter(patch__in=patch_ids).values_list("patch_id", "embedding")
    return {patch_id: _vector(embedding) for patch_id, embedding in rows}


def labelled_embeddings(by: RankedBy) -> list[NDArray[np.float32]]:
    """Of the patches that were submitted or approved last, as the same version saw them."""
    rows = by.proposals().filter(patch__state__in=(PatchState.SUBMITTED, PatchState.APPROVED))
    newest = rows.order_by("-patch__changed_at").values_list("embedding", flat=True)[:MOST_LABELLED]
    return [_vector(embedding) for embedding in newest]


def approvals_since_ranking() -> dict[int, int]:
    """By project id, how many patches were approved since its last ranking began; only where there are any.

    Projects whose proposals are being made are left out: a ranking would know the first of them only, and another one
    follows when they are there.
    """
    newest = Ranking.objects.filter(project=OuterRef("pk")).order_by("-made_at").values("made_at")[:1]
    being_made = InferenceJob.objects.filter(project=OuterRef("pk"), state__in=ACTIVE_JOB_STATES)
    projects = Project.objects.filter(~Exists(being_made)).annotate(
        since=Coalesce(Subquery(newest), F("created_at"))
    )
    since = dict(projects.values_list("pk", "since"))
    if not since:
        return {}
    fresh = Q()
    for project_id, moment in since.items():
        fresh |= Q(revision__annotation__patch__project=project_id, decided_at__gt=moment)
    rows = Review.objects.filter(fresh, verdict=Verdict.APPROVE, decided_at__gt=min(since.values()))
    return dict(rows.values_list("revision__annotation__patch__project").annotate(count=Count("pk")))


def _vector(stored: bytes | memoryview) -> NDArray[np.float32]:
    return np.frombuffer(bytes(stored), "<f2").astype(np.float32)
