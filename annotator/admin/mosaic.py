"""The held-out patches that changed most, before and after a training run, as pictures beside one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.urls import reverse

from annotator.admin.pictures import GAINED, LOST, changes, changes_png, class_shares, mask_png
from annotator.domain.masks import values_of
from annotator.errors import MilpaError
from annotator.imagery import tiles
from annotator.models import Evaluation, LabelClass, Patch, TrainingRun
from annotator.queries.held_out import HeldOutAnswers, held_out_answers
from annotator.queries.labels import legend_of
from annotator.queries.scenes import default_scene

CACHED_SECONDS = 3600
PICTURES = {
    "image": "Image",
    "approved": "Approved mask",
    "parent": "Parent",
    "candidate": "Candidate",
    "change": "Change",
}


@dataclass(frozen=True)
class Picture:
    """One picture of a patch, its address, and the same in words."""

    title: str
    url: str
    text: str


@dataclass(frozen=True)
class PatchPictures:
    """A row of the mosaic. ``gained`` and ``lost`` are shares of its judged pixels."""

    patch: Patch
    revision_id: int
    before_miou: float | None
    after_miou: float | None
    gained: float
    lost: float
    pictures: tuple[Picture, ...]

    @property
    def change_text(self) -> str:
        if self.before_miou is None or self.after_miou is None:
            return ""
        return f"{self.after_miou - self.before_miou:+.3f}"


def patch_pictures(
    run: TrainingRun, before: Evaluation, after: Evaluation, legend: Sequence[LabelClass]
) -> list[PatchPictures]:
    """A row for each patch whose answers were kept, those first that the versions differ most on."""
    first, second = (e.metrics.get("patch_miou") or {} for e in (before, after))
    return [
        _row(run, answers, legend, first.get(answers.patch.quadkey), second.get(answers.patch.quadkey))
        for answers in held_out_answers(run)
    ]


def _row(
    run: TrainingRun,
    answers: HeldOutAnswers,
    legend: Sequence[LabelClass],
    before_miou: float | None,
    after_miou: float | None,
) -> PatchPictures:
    approved, parent, candidate = (
        values_of(png) for png in (answers.approved_png, answers.parent_png, answers.candidate_png)
    )
    found = changes(approved, parent, candidate)
    gained, lost = found.share(GAINED), found.share(LOST)
    texts = {
        "image": "The imagery that both versions saw",
        "approved": f"Approved mask: {class_shares(approved, legend)}",
        "parent": f"Parent's mask: {class_shares(parent, legend)}",
        "candidate": f"Candidate's mask: {class_shares(candidate, legend)}",
        "change": f"{gained:.1%} of the pixels became right, {lost:.1%} became wrong",
    }
    pictures = tuple(
        Picture(title, picture_url(run.candidate_id, answers.patch.pk, kind), texts[kind])
        for kind, title in PICTURES.items()
    )
    return PatchPictures(
        answers.patch, answers.revision.pk, before_miou, after_miou, gained, lost, pictures
    )  # fmt: skip


def picture_url(version_id: int | None, patch_id: int, kind: str) -> str:
    return reverse("admin:annotator_modelversion_picture", args=[version_id, patch_id, kind])


def picture_response(run: TrainingRun, patch_id: int, kind: str) -> HttpResponse:
    """One picture of the mosaic; the caller has checked the role. Raises Http404."""
    answers = next(iter(held_out_answers(run, patch_id)), None)
    if answers is None or kind not in PICTURES:
        raise Http404("There is no such picture: the run kept the answers for few of its held-out patches.")
    if kind == "image":
        body, content_type = _image(answers, run.project_id), tiles.CONTENT_TYPE
    else:
        body, content_type = _mask_picture(answers, kind, legend_of(run.project_id)), "image/png"
    return HttpResponse(
        body, content_type=content_type, headers={"Cache-Control": f"private, max-age={CACHED_SECONDS}"}
    )


def _image(answers: HeldOutAnswers, project_id: int) -> bytes:
    """Of the scene that the mask was drawn on, which is the one that was measured on."""
    proposal, patch = answers.revision.proposal, answers.patch
    scene = proposal.scene if proposal else default_scene(project_id)
    if scene is None:
        raise Http404("The scene that the mask was drawn on is gone.")
    try:
        return tiles.render_tile(
            *(scene.cog_path, patch.x, patch.y, patch.z),
            display_bands=scene.display_bands,
            stretch=scene.stretch,
        )
    except MilpaError as error:
        raise Http404(error.detail) from error


def _mask_picture(answers: HeldOutAnswers, kind: str, legend: Sequence[LabelClass]) -> bytes:
    if kind == "change":
        masks = (answers.approved_png, answers.parent_png, answers.candidate_png)
        return changes_png(changes(*(values_of(png) for png in masks)))
    pngs = {
        "approved": answers.approved_png,
        "parent": answers.parent_png,
        "candidate": answers.candidate_png,
    }
    return mask_png(values_of(pngs[kind]), legend)
