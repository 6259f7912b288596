"""The JSON documents that the API answers with and the pages start from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet

from annotator.enums import Asks, PatchState, SceneState
from annotator.imagery.composites import composites_of
from annotator.imagery.grid import lonlat_bounds, mercator_per_metre, propose_patch_zoom
from annotator.imagery.rendering import tile_stamp
from annotator.models import (
    DisplayCopy,
    Evaluation,
    InferenceJob,
    ModelVersion,
    OwnComposite,
    Patch,
    PinnedComment,
    Project,
    Review,
    Revision,
    Scene,
    TrainingRun,
)
from annotator.queries.chosen import is_proposal_hidden
from annotator.queries.composites import own_composites
from annotator.queries.projects import project_rows
from annotator.queries.proposals import ShownProposal, asked_points, shown_proposal
from annotator.queries.queue_places import queue_place
from annotator.queries.seen import seen_by

Document = dict[str, Any]
User = AbstractBaseUser | AnonymousUser


def project_document(project: Project, user: User) -> Document:
    """The project as in the list, with its scenes and its area of interest."""
    area = project.area_of_interest
    (row,) = project_rows([project], user)
    return {
        **row,
        "area_of_interest": area.json if area else None,
        "scenes": scene_documents(project.scenes.all(), project.pk),
    }


def scene_document(scene: Scene) -> Document:
    """The scene; ``tile_url`` changes whenever its display does, so that no cache shows the old one."""
    return _scene_document(scene, own_composites(scene.project_id))


def scene_documents(scenes: Iterable[Scene], project_id: int) -> list[Document]:
    """Likewise of scenes of one project."""
    own = own_composites(project_id)
    return [_scene_document(scene, own) for scene in scenes]


def scene_tile_url(scene: Scene) -> str:
    """Where the tiles of a ready scene are, as a template with {z}, {x} and {y}."""
    return f"/tiles/scenes/{scene.pk}/{{z}}/{{x}}/{{y}}?v={tile_stamp(scene)}"


def _scene_document(scene: Scene, own: Sequence[OwnComposite]) -> Document:
    ready = scene.state == SceneState.READY
    composites = composites_of(scene.band_names, own)
    return {
        "id": scene.pk,
        "name": scene.name,
        "state": scene.state,
        "message": scene.message,
        "percent": 100 if ready else scene.percent,
        "heartbeat_at": scene.heartbeat_at,
        "is_active": scene.is_active,
        "can_be_tried_again": scene.can_be_tried_again,
        "acquired_on": scene.acquired_on,
        "bounds": list(scene.footprint.extent) if scene.footprint else None,
        "crs": scene.crs,
        "gsd_m": scene.gsd_m,
        "band_count": scene.band_count,
        "band_names": scene.band_names,
        "pixel_type": scene.pixel_type,
        "nodata": scene.nodata,
        "width_px": scene.width_px,
        "height_px": scene.height_px,
        "composites": [one.key for one in composites],
        "own_composites": [
            {"composite": one.key, "name": one.name, "query": one.query} for one in composites if one.recipe
        ],
        "display_bands": scene.display_bands,
        "stretch": scene.stretch,
        "shift_m": ground_shift_m(scene),
        "tile_url": scene_tile_url(scene) if ready else None,
        "patch_zoom_proposed": propose_patch_zoom(scene.gsd_m, scene.footprint.centroid.y) if ready else None,
    }


def ground_shift_m(scene: Scene) -> list[float]:
    """How far the scene was moved east and north, in metres on the ground."""
    if scene.footprint is None:
        return [0.0, 0.0]
    stretched_by = mercator_per_metre(scene.footprint.centroid.y)
    return [round(metres / stretched_by, 2) for metres in scene.shift_m]


def display_copy_document(copy: DisplayCopy) -> Document:
    """How far the making of a scene's display copy is."""
    return {
        "scene": copy.scene_id,
        "state": copy.state,
        "percent": copy.percent,
        "message": copy.message,
        "is_active": copy.is_active,
        "requested_at": copy.requested_at,
        "ended_at": copy.ended_at,
    }


def patch_document(patch: Patch, user: User) -> Document:
    """The patch as the person meets it: its claim, place in the queue, proposal, current revision and last review."""
    seen = seen_by(patch, user)
    entry, revision = seen.entry, seen.revision
    review = (
        Review.objects.filter(revision__annotation=revision.annotation_id).order_by("-decided_at").first()
        if revision
        else None
    )
    shown = None if is_proposal_hidden(patch, user) else shown_proposal(patch.pk)
    points = asked_points(patch.project, shown.proposal) if shown else []
    return {
        **patch_summary(patch, seen.state),
        "project": patch.project.slug,
        "size_px": 256,
        "asks_for": Asks.POINTS if points else Asks.PATCHES,
        "points": points,
        "claim": {"mine": entry.holder_id == user.pk, "expires_at": entry.expires_at}
        if entry and entry.holder_id
        else None,
        "queue": queue_place(entry) if entry else None,
        "proposal": _proposal_document(shown) if shown else None,
        "revision": revision_document(revision) if revision else None,
        "review": review_document(review) if review else None,
        "pins": [pin_document(pin) for pin in open_pins(revision.annotation_id)] if revision else [],
    }


def patch_summary(patch: Patch, seen: PatchState | None = None) -> Document:
    """The patch in a list; ``seen`` is the state that the reader is told, its own unless given."""
    return {
        "id": patch.pk,
        "quadkey": patch.quadkey,
        "z": patch.z,
        "x": patch.x,
        "y": patch.y,
        "state": seen or patch.state,
        "is_audit": patch.is_audit,
        "bounds": lonlat_bounds(patch.x, patch.y, patch.z),
    }


def _proposal_document(shown: ShownProposal) -> Document:
    proposal = shown.proposal
    return {
        "id": proposal.pk,
        "mask_url": f"/api/v1/proposals/{proposal.pk}/mask",
        "entropy_url": f"/api/v1/proposals/{proposal.pk}/entropy",
        "entropy_rows": proposal.cells_per_side,
        "entropy_cols": proposal.cells_per_side,
        "entropy_max_nats": proposal.entropy_max_nats,
        "mean_entropy_nats": proposal.mean_entropy_nats,
        "points_by_chance": proposal.points_by_chance,
        "model_version": proposal.model_version.number,
        "scene": proposal.scene_id,
        "is_stale": shown.is_stale,
    }


def revision_document(revision: Revision) -> Document:
    return {
        "id": revision.pk,
        "number": revision.number,
        "author": revision.author.get_username(),
        "mask_url": f"/api/v1/revisions/{revision.pk}/mask",
        "is_submitted": revision.is_submitted,
        "is_conflicting": revision.is_conflicting,
        "saved_at": revision.saved_at,
        "seconds_spent": revision.seconds_spent,
        "stroke_count": revision.stroke_count,
        "pixels_changed": revision.pixels_changed,
        "proposal": revision.proposal_id,
    }


def open_pins(annotation_id: int) -> QuerySet[PinnedComment]:
    """The pinned comments on any revision of the patch that nobody has called done, the oldest first."""
    rows = PinnedComment.objects.filter(revision__annotation=annotation_id, resolved_at=None)
    return rows.select_related("author", "answered_by").order_by("pk")


def pin_document(pin: PinnedComment) -> Document:
    return {
        "id": pin.pk,
        "x": pin.x,
        "y": pin.y,
        "text": pin.text,
        "author": pin.author.get_username(),
        "answer": pin.answer,
        "answered_by": pin.answered_by.get_username() if pin.answered_by else None,
        "is_resolved": pin.resolved_at is not None,
    }


def review_document(review: Review) -> Document:
    return {
        "verdict": review.verdict,
        "comment": review.comment,
        "reviewer": review.reviewer.get_username(),
        "decided_at": review.decided_at,
    }


def job_document(job: InferenceJob) -> Document:
    return {
        "id": job.pk,
        "state": job.state,
        "total": job.total,
        "done": job.done,
        "message": job.message,
        "scene": job.scene_id,
        "model_version": job.model_version.number,
        "is_active": job.is_active,
        "requested_at": job.requested_at,
        "ended_at": job.ended_at,
    }


def run_document(run: TrainingRun) -> Document:
    return {
        "id": run.pk,
        "state": run.state,
        "step": run.step,
        "steps": run.steps,
        "losses": run.losses,
        "log": run.log,
        "message": run.message,
        "config": run.config,
        "parent": run.parent.number,
        "candidate": run.candidate.number if run.candidate else None,
        "verdict": run.candidate.verdict if run.candidate else None,
        "training_patch_count": len(run.training_revisions),
        "holdout_patch_count": len(run.holdout_revisions),
        "is_active": run.is_active,
        "is_given_up": run.is_given_up,
        "requested_at": run.requested_at,
        "ended_at": run.ended_at,
        "evaluations": [evaluation_document(e) for e in run.evaluations.all()],
    }


# The gate's raw material, which is long for many patches.
_NOT_TOLD = {"patch_confusion", "patch_statistics"}


def evaluation_document(evaluation: Evaluation) -> Document:
    """What was measured, but for the counts of each patch that intervals come from."""
    metrics = {name: value for name, value in evaluation.metrics.items() if name not in _NOT_TOLD}
    return {
        "model_version": evaluation.model_version.number,
        "miou": evaluation.miou,
        "patch_count": evaluation.patch_count,
        "metrics": metrics,
        "measured_at": evaluation.measured_at,
    }


def version_document(version: ModelVersion) -> Document:
    return {
        "id": version.pk,
        "number": version.number,
        "state": version.state,
        "parent": version.parent.number if version.parent else None,
        "base": version.base,
        "temperature": version.temperature,
        "provenance": version.provenance,
        "verdict": version.verdict,
        "created_at": version.created_at,
        "promoted_at": version.promoted_at,
        "evaluations": [evaluation_document(e) for e in version.evaluations.all()],
    }
