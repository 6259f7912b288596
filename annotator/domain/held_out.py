"""Parent and candidate measured on the held-out patches, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator import inference
from annotator.domain.legend_records import known_classes, legend_record
from annotator.domain.masks import png_of
from annotator.inference import EvaluateReport, LabelledPatch
from annotator.models import Evaluation, EvaluationMask, LabelClass, ModelVersion, Patch, TrainingRun

# So many held-out patches keep both versions' masks: as many as a person looks at before promoting.
KEPT_MASKS = 12


@dataclass(frozen=True)
class Measured:
    """A version's report on the held-out patches and its answers, uint8 ``(256, 256)`` by quadkey.

    ``classes`` are those that it was measured by.
    """

    classes: tuple[LabelClass, ...]
    report: EvaluateReport
    masks: dict[str, NDArray[np.uint8]]


def comparable_classes(parent: ModelVersion, legend: Sequence[LabelClass]) -> list[LabelClass]:
    """The classes of the legend by which the parent can be compared: those that it was taught.

    All of the legend where that leaves no two.
    """
    known = known_classes(parent, legend)
    return known if len(known) > 1 else list(legend)


def measure(
    version: ModelVersion,
    asked: Sequence[LabelClass],
    patches: Sequence[LabelledPatch],
    *,
    counted: Sequence[LabelClass],
    on_patch: Callable[[], None],
) -> Measured:
    """Measures the version, which need not be saved, where the patches are of one of the classes ``counted``.

    ``asked`` are those that it may say: a class that it learned besides must not hide where it takes land of the
    others. Raises MethodError when nothing can be measured, and what ``on_patch`` raises.
    """
    told = inference.evaluate_version(version, asked, patches, counted=counted, on_patch=on_patch)
    return Measured(tuple(counted), *told)


def keep_measures(*, run: TrainingRun, parent: Measured, candidate: Measured, version: ModelVersion) -> None:
    """Saves both evaluations of the run, with the masks of the patches where the two differ most.

    ``version`` is the candidate's row. The caller holds a transaction.
    """
    differing = _most_differing(parent.masks, candidate.masks)
    patches = Patch.objects.filter(project_id=run.project_id, quadkey__in=differing)
    ids = dict(patches.values_list("quadkey", "pk"))
    for measured, of in ((parent, run.parent), (candidate, version)):
        evaluation = Evaluation.objects.create(
            model_version=of,
            training_run=run,
            patch_count=measured.report.patch_count,
            patch_keys=sorted(measured.masks),
            miou=measured.report.miou,
            legend=legend_record(measured.classes),
            metrics=inference.report_fields(measured.report),
        )
        EvaluationMask.objects.bulk_create(
            EvaluationMask(
                evaluation=evaluation,
                patch_id=ids[quadkey],
                mask_png=png_of(measured.masks[quadkey]),
                differing_pixels=count,
            )
            for quadkey, count in differing.items()
        )


def _most_differing(
    parent: dict[str, NDArray[np.uint8]], candidate: dict[str, NDArray[np.uint8]]
) -> dict[str, int]:
    """By quadkey, how many pixels differ, of the `KEPT_MASKS` patches with the most; none where all are alike."""
    counts = {quadkey: int((mask != candidate[quadkey]).sum()) for quadkey, mask in parent.items()}
    most = sorted(counts, key=lambda quadkey: (-counts[quadkey], quadkey))[:KEPT_MASKS]
    return {quadkey: counts[quadkey] for quadkey in most if counts[quadkey]}
