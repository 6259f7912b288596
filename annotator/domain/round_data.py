"""What a round works on, first as it is recorded, then with pixels: the same record gives the same patches again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotator import inference
from annotator.domain.context import context_of
from annotator.domain.legend_records import classes_of, teachable
from annotator.domain.masks import UNSURE, values_of
from annotator.errors import NotReady
from annotator.imagery.grid import ground_resolution_m, lonlat_bounds
from annotator.inference import LabelledPatch
from annotator.models import LabelClass, Patch, Revision, Scene, TrainingRun
from annotator.models.scene import no_shift

# What changes how a scene's pixels become an image.
DISPLAY = ("display_bands", "stretch", "shift_m")


@dataclass(frozen=True)
class RoundRecord:
    """A round's labels by their ids, what of their masks teaches, and the scenes that they are seen on.

    ``training`` holds all that is learned from or validated on; ``replay`` and ``validation`` are parts of it.
    """

    legend: Sequence[Mapping[str, Any]]
    hidden_values: Mapping[str, Sequence[int]]
    imagery: Mapping[str, Any]
    training: Sequence[int]
    replay: Sequence[int]
    validation: Sequence[int]
    context_levels: int
    holdout: Sequence[int] = ()

    @property
    def classes(self) -> list[LabelClass]:
        return classes_of(self.legend)


@dataclass(frozen=True)
class RoundData:
    """The labelled patches of a round, read once."""

    training: tuple[LabelledPatch, ...]
    replay: tuple[LabelledPatch, ...]
    validation: tuple[LabelledPatch, ...]
    holdout: tuple[LabelledPatch, ...]


def record_of(run: TrainingRun) -> RoundRecord:
    return RoundRecord(
        legend=run.legend,
        hidden_values=run.hidden_values,
        imagery=run.imagery,
        training=run.training_revisions,
        replay=run.replay_revisions,
        validation=run.validation_revisions,
        holdout=run.holdout_revisions,
        context_levels=run.parent.context_levels,
    )


def imagery_record(revisions: Iterable[Revision], scene: Scene) -> dict[str, Any]:
    """Which scene each revision is seen on, that which it was drawn on, else ``scene``, and how scenes are shown."""
    others = {r.pk: r.proposal.scene for r in revisions if r.proposal and r.proposal.scene_id != scene.pk}
    scenes = {one.pk: one for one in (scene, *others.values())}
    return {
        "scene": scene.pk,
        "others": {str(revision_id): one.pk for revision_id, one in others.items()},
        "display": {str(pk): {name: getattr(one, name) for name in DISPLAY} for pk, one in scenes.items()},
    }


def read_round(record: RoundRecord) -> RoundData:
    """The patches of the record. Raises NotReady, naming what is gone, where it cannot be read any more."""
    wanted = {*record.training, *record.holdout}
    revisions = list(
        Revision.objects.filter(pk__in=wanted)
        .select_related("annotation__patch")
        .order_by("annotation__patch__quadkey")
    )
    if gone := wanted - {revision.pk for revision in revisions}:
        raise NotReady(f"Masks of the round are gone: revision {', '.join(map(str, sorted(gone)))}.")
    scenes = scenes_of(record.imagery)
    replay, validation, holdout = set(record.replay), set(record.validation), set(record.holdout)
    training = set(record.training) - replay - validation
    others, default = record.imagery["others"], record.imagery["scene"]

    def read(ids: set[int]) -> tuple[LabelledPatch, ...]:
        return tuple(
            labelled_patch(revision, scenes[others.get(str(revision.pk), default)], record)
            for revision in revisions
            if revision.pk in ids
        )

    return RoundData(read(training), read(replay), read(validation), read(holdout))


def scenes_of(imagery: Mapping[str, Any]) -> dict[int, Scene]:
    """The record's scenes, shown as they were then."""
    scenes = Scene.objects.in_bulk([int(pk) for pk in imagery["display"]])
    for pk, display in imagery["display"].items():
        scene = scenes.get(int(pk))
        if scene is None or not scene.cog_path.is_file():
            raise NotReady(
                f"The imagery of scene {scene.name if scene else pk} is gone, which masks of the round lie on. "
                "Add it again, or start a run from the labels on other scenes."
            )
        # Records from before places were corrected do not tell of a shift.
        for name in DISPLAY:
            setattr(scene, name, display.get(name) or no_shift())
    return scenes


def labelled_patch(revision: Revision, scene: Scene, record: RoundRecord) -> LabelledPatch:
    """The revision's mask on its scene's pixels, with what of it teaches."""
    patch = revision.annotation.drawn_patch
    context = context_of(patch, record.context_levels)
    window = context.window_of(patch)
    hidden = record.hidden_values.get(str(revision.pk), ())
    mask = teachable(values_of(revision.mask_png), record.classes, hidden)
    seen = context.read(scene)
    valid = seen.valid[window.row : window.row + len(mask), window.col : window.col + len(mask)]
    return LabelledPatch(
        key=patch.quadkey,
        image=inference.without_gaps(seen.rgb, seen.valid),
        # Where there is no data, proposals are the null class whatever the model says: nothing to learn or measure.
        mask=np.where(valid, mask, np.uint8(UNSURE)),
        row=window.row,
        col=window.col,
        pixel_m=_pixel_m(patch),
    )


def _pixel_m(patch: Patch) -> float:
    _, south, _, north = lonlat_bounds(patch.x, patch.y, patch.z)
    return ground_resolution_m(patch.z, (south + north) / 2)
