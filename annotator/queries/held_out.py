"""Held-out patches as the measured versions answered for them."""

from __future__ import annotations

from dataclasses import dataclass

from annotator.models import EvaluationMask, LabelClass, Patch, Revision, TrainingRun


@dataclass(frozen=True)
class HeldOutAnswers:
    """A held-out patch with the approved mask that counted and what both versions answered, all as PNG bytes."""

    patch: Patch
    revision: Revision
    parent_png: bytes
    candidate_png: bytes

    @property
    def approved_png(self) -> bytes:
        return bytes(self.revision.mask_png)


def held_out_answers(run: TrainingRun, patch_id: int | None = None) -> list[HeldOutAnswers]:
    """The patches of the run whose answers were kept, those first that the versions differ most on.

    Two queries however many there are; ``patch_id`` asks for one patch alone. A patch whose approved revision is
    gone is left out.
    """
    masks = EvaluationMask.objects.filter(evaluation__training_run=run).select_related("patch", "evaluation")
    if patch_id is not None:
        masks = masks.filter(patch_id=patch_id)
    patches: dict[int, Patch] = {}
    pngs: dict[tuple[int, int], bytes] = {}
    for mask in masks.defer("evaluation__metrics", "evaluation__patch_keys", "patch__square"):
        patches.setdefault(mask.patch_id, mask.patch)
        pngs[mask.patch_id, mask.evaluation.model_version_id] = bytes(mask.mask_png)
    revisions = Revision.objects.filter(
        pk__in=run.holdout_revisions, annotation__patch__in=patches
    ).select_related("annotation")
    revision_of = {revision.annotation.patch_id: revision for revision in revisions}
    return [
        HeldOutAnswers(
            patch, revision_of[pk], pngs[pk, run.parent_id], pngs[pk, run.candidate_id]
        )
        for pk, patch in patches.items()
        if pk in revision_of and (pk, run.parent_id) in pngs and (pk, run.candidate_id) in pngs
    ]  # fmt: skip


def painted_classes(project_id: int) -> list[LabelClass]:
    """All classes that a mask of the project may hold, those included that are retired by now."""
    return list(LabelClass.objects.filter(project_id=project_id).order_by("value"))
