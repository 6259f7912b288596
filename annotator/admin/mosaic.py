"""The held-out patches that changed most, before and after a training run, as pictures beside one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.urls import reverse

from annotator.admin.pictures import GAINED, LOST, changes, changes_png, class_shares, mask_png
from annotator.domain.legend_records import classes_of, teachable
from annotator.domain.masks import Mask, values_of
from annotator.errors import MilpaError
from annotator.imagery import rendering
from annotator.models import Evaluation, LabelClass, Patch, Scene, TrainingRun
from annotator.queries.held_out import HeldOutAnswers, held_out_answers, painted_classes

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
    run: TrainingRun, before: Evaluation, after: Evaluation, painted: Sequence[LabelClass]
) -> list[PatchPictures]:
    """A row for each patch whose answers were kept, those first that the versions differ most on."""
    first, second = (e.metrics.get("patch_miou") or {} for e in (before, after))
    return [
        _row(run, answers, painted, first.get(answers.patch.quadkey), second.get(answers.patch.quadkey))
        for answers in held_out_answers(run)
    ]


def _row(
    run: TrainingRun,
    answers: HeldOutAnswers,
    painted: Sequence[LabelClass],
    before_miou: float | None,
    after_miou: float | None,
) -> PatchPictures:
    approved, parent, candidate = (
        values_of(png) for png in (answers.approved_png, answers.parent_png, answers.candidate_png)
    )
    found = changes(_judging(run, answers), parent, candidate)
    gained, lost = found.share(GAINED), found.share(LOST)
    texts = {
        "image": "The imagery that both versions saw",
        "approved": f"Approved mask: {class_shares(approved, painted)}",
        "parent": f"Parent's mask: {class_shares(parent, painted)}",
        "candidate": f"Candidate's mask: {class_shares(candidate, painted)}",
        "change": f"{gained:.1%} of the pixels became right, {lost:.1%} became wrong",
    }
    pictures = tuple(
        Picture(title, picture_url(run.candidate_id, answers.patch.pk, kind), texts[kind])
        for kind, title in PICTURES.items()
    )
    return PatchPictures(
        answers.patch, answers.revision.pk, before_miou, after_miou, gained, lost, pictures
    )  # fmt: skip


def _judging(run: TrainingRun, answers: HeldOutAnswers) -> Mask:
    """The approved mask as the run measured by it, with 255 where it may not judge."""
    approved = values_of(answers.approved_png)
    if not run.legend:
        # Of before runs kept their legend, when none could change.
        return approved
    return teachable(approved, classes_of(run.legend), run.hidden_values.get(str(answers.revision.pk), ()))


def picture_url(version_id: int | None, patch_id: int, kind: str) -> str:
    return reverse("admin:annotator_modelversion_picture", args=[version_id, patch_id, kind])


def picture_response(run: TrainingRun, patch_id: int, kind: str) -> HttpResponse:
    """One picture of the mosaic; the caller has checked the role. Raises Http404."""
    answers = next(iter(held_out_answers(run, patch_id)), None)
    if answers is None or kind not in PICTURES:
        raise Http404("There is no such picture: the run kept the answers for few of its held-out patches.")
    if kind == "image":
        body, content_type = _image(run, answers), rendering.CONTENT_TYPE
    else:
        body, content_type = _mask_picture(run, answers, kind), "image/png"
    return HttpResponse(
        body, content_type=content_type, headers={"Cache-Control": f"private, max-age={CACHED_SECONDS}"}
    )


def _image(run: TrainingRun, answers: HeldOutAnswers) -> bytes:
    """Of the scene that was measured on, with the bands and the stretch of then."""
    imagery = run.imagery
    scene_id = imagery.get("others", {}).get(str(answers.revision.pk), imagery.get("scene"))
    scene = Scene.objects.filter(pk=scene_id).first()
    if scene is None:
        raise Http404("The scene that was measured on is gone, or the run did not record it.")
    patch, shown = answers.patch, imagery["display"][str(scene_id)]
    try:
        return rendering.render_tile(scene.cog_path, patch.x, patch.y, patch.z, **shown)
    except MilpaError as error:
        raise Http404(error.detail) from error


def _mask_picture(run: TrainingRun, answers: HeldOutAnswers, kind: str) -> bytes:
    if kind == "change":
        before, after = values_of(answers.parent_png), values_of(answers.candidate_png)
        return changes_png(changes(_judging(run, answers), before, after))
    pngs = {
        "approved": answers.approved_png,
        "parent": answers.parent_png,
        "candidate": answers.candidate_png,
    }
    return mask_png(values_of(pngs[kind]), painted_classes(run.project_id))
