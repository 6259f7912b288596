"""The only door to `mlservice`: rows become frozen dataclasses of arrays, and answers come back as such.

Whatever would load torch is imported inside the functions, so that the web process never does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from annotator.models import LabelClass, ModelVersion
from mlservice.acquisition import PatchWorths
from mlservice.contracts import (
    EvaluateReport,
    EvaluateSpec,
    FinetuneConfig,
    FinetuneReport,
    FinetuneSpec,
    LabelledPatch,
    Legend,
    LegendClass,
    ModelRef,
    PatchSegmentation,
    PatchWindow,
    SegmentRequest,
    StepReport,
)
from mlservice.errors import Cancelled, MethodError
from mlservice.parcel_pieces import PatchPieces
from mlservice.parcels import DrawnParcel, draw_parcels, join_outlines, join_pieces, piece_certainties
from mlservice.parcels import area_m2 as parcel_area_m2
from mlservice.queue_order import QueueOrder, Waiting, arrange, is_audited
from mlservice.queue_order import candidates as queue_candidates
from mlservice.version_record import STARTER_NAME, Measured, Region, VersionRecord

if TYPE_CHECKING:
    from mlservice.agreement import PairAgreement

MANNERS = ("one_pass", "rows", "run_lengths")
"""How an answer may say the classes of a token patch; see `mlservice.answer_format.Manner`."""

__all__ = [
    "MANNERS",
    "STARTER_NAME",
    "Cancelled",
    "DrawnParcel",
    "EvaluateReport",
    "FinetuneConfig",
    "FinetuneReport",
    "LabelledPatch",
    "Legend",
    "Measured",
    "MethodError",
    "PatchPieces",
    "PatchSegmentation",
    "PatchWindow",
    "QueueOrder",
    "Region",
    "StepReport",
    "VersionRecord",
    "Waiting",
    "agreement_alphas",
    "arrange",
    "base_hash",
    "base_temperature",
    "check_class_words",
    "code_version",
    "compare_masks",
    "draw_parcels",
    "evaluate_version",
    "finetune_config",
    "finetune_from",
    "gate_rule",
    "gate_verdict",
    "has_sound_adapter",
    "is_audited",
    "join_outlines",
    "join_pieces",
    "labels_hash",
    "landscape_classes",
    "largest_adapter_difference",
    "legend_for",
    "parcel_area_m2",
    "parcel_pieces",
    "patch_worths",
    "piece_certainties",
    "points_of",
    "queue_candidates",
    "report_fields",
    "segment_context",
    "spread_scores",
    "stac_classes",
    "version_archive",
    "weighted_entropies",
    "write_instructions",
    "write_landscape_scene",
]


def legend_for(classes: Sequence[LabelClass]) -> Legend:
    return Legend(
        tuple(
            LegendClass(c.value, c.name, c.color, is_null=c.is_null, is_boundary=c.is_boundary)
            for c in classes
        )
    )


def parcel_pieces(
    masks: Mapping[tuple[int, int], NDArray[np.uint8]], place: tuple[int, int], classes: Sequence[LabelClass]
) -> PatchPieces:
    """What the patch at tile ``(x, y)`` holds of each parcel, from its mask and those of the patches around it."""
    from mlservice.parcel_pieces import patch_pieces

    return patch_pieces(masks, place, legend_for(classes))


def check_class_words(classes: Sequence[LabelClass]) -> None:
    """Raises MethodError, saying what to change, for classes that models cannot tell apart in words."""
    from mlservice.legend import class_words

    class_words(legend_for(classes))


def model_ref(version: ModelVersion) -> ModelRef:
    return ModelRef(_base_path(version.base), version.adapter_path, version.temperature)


def _base_path(base: str) -> str:
    from mlservice.starter import starter_model

    return base or starter_model().base


def base_temperature(base: str) -> float:
    """The calibration that the base model comes with; 1 for a model that is not ours."""
    from mlservice.starter import starter_model

    return 1.0 if base else starter_model().temperature


def segment_context(
    version: ModelVersion,
    classes: Sequence[LabelClass],
    image: NDArray[np.uint8],
    valid: NDArray[np.bool_],
    windows: Sequence[PatchWindow],
) -> tuple[PatchSegmentation, ...]:
    """The model version's answers for the patches of one context image. Raises MethodError."""
    from mlservice.segment import segment

    request = SegmentRequest(model_ref(version), legend_for(classes), image, tuple(windows), valid)
    return segment(request).patches


def points_of(
    answer: PatchSegmentation, seen: NDArray[np.bool_], count: int, seed: int, *, by_chance: bool
) -> NDArray[np.intp]:
    """So many cells of a patch to ask a person for, as indices row by row, in the order of asking.

    Uncertain cells are asked for more often, and those of a class that the patch has little of; or all alike
    ``by_chance``. ``seen``, bool of the cells' shape, is false where the scene has no data; fewer come where fewer
    are seen. A smaller count with the same seed is the beginning of a larger one.
    """
    from mlservice.acquisition import balanced_worth, draw_points

    worth = np.ones(seen.shape)
    if not by_chance:
        said = answer.class_probabilities.argmax(axis=0)
        worth = balanced_worth(answer.entropy_nats, said, len(answer.class_probabilities))
    return draw_points(np.where(seen, worth, 0), count, np.random.default_rng(seed))


def finetune_config(values: dict[str, Any]) -> dict[str, Any]:
    """The whole config with defaults for what ``values`` leaves out. Raises TypeError or ValueError."""
    return asdict(FinetuneConfig(**values))


def finetune_from(
    parent: ModelVersion,
    classes: Sequence[LabelClass],
    *,
    training: Sequence[LabelledPatch],
    replay: Sequence[LabelledPatch],
    validation: Sequence[LabelledPatch],
    config: FinetuneConfig,
    work_dir: Path,
    out_dir: Path,
    on_progress: Callable[[StepReport], None],
) -> FinetuneReport:
    """One LoRA round from the parent version.

    Raises MethodError, OSError when the disk does not take a file, or what ``on_progress`` raises.
    """
    from mlservice.adapter_files import writing
    from mlservice.finetune import finetune

    spec = FinetuneSpec(
        parent=model_ref(parent),
        legend=legend_for(classes),
        training=tuple(training),
        replay=tuple(replay),
        validation=tuple(validation),
        config=config,
        work_dir=work_dir,
        out_dir=out_dir,
    )
    with writing(out_dir):
        return finetune(spec, on_progress)


def code_version() -> dict[str, str]:
    """The method's code and the libraries that it computes with, in hashes and versions."""
    from mlservice import fingerprints

    return fingerprints.code_version()


def base_hash(base: str) -> str:
    """What tells the files of one base model from those of another; empty where they are not there."""
    from mlservice import fingerprints

    return fingerprints.base_hash(_base_path(base))


def labels_hash(patches: Sequence[LabelledPatch]) -> str:
    """The ``data_hash`` of a round that learns from these patches and repeats them."""
    from mlservice.dataset import data_hash

    return data_hash(patches)


def has_sound_adapter(version: ModelVersion) -> bool:
    """Whether every weight of the version's adapter, if it has one, is a number. Raises OSError."""
    from mlservice.adapter_files import has_only_numbers

    return version.adapter_path is None or has_only_numbers(version.adapter_path)


def largest_adapter_difference(one: Path, other: Path) -> float:
    """The largest absolute difference of a weight; infinite for adapters of other shapes. Raises OSError."""
    from mlservice.adapter_files import largest_difference

    return largest_difference(one, other)


def evaluate_version(
    version: ModelVersion, classes: Sequence[LabelClass], patches: Sequence[LabelledPatch]
) -> tuple[EvaluateReport, dict[str, NDArray[np.uint8]]]:
    """The version's quality on held-out patches, and its masks by patch key; an unsaved ModelVersion does."""
    from mlservice.evaluate import answers, evaluate_answers

    spec = EvaluateSpec(model_ref(version), legend_for(classes), tuple(patches))
    masks: dict[str, NDArray[np.uint8]] = {}

    def keep_masks() -> Iterator[tuple[LabelledPatch, PatchSegmentation]]:
        for patch, answer in answers(spec):
            masks[patch.key] = answer.mask
            yield patch, answer

    return evaluate_answers(spec.legend, keep_masks()), masks


def report_fields(report: EvaluateReport) -> dict[str, Any]:
    """The report as JSON keeps it: class values and quadkeys as string keys."""
    fields = asdict(report)
    fields["iou"] = {str(value): iou for value, iou in report.iou.items()}
    return fields


def gate_rule(values: dict[str, Any]) -> dict[str, Any]:
    """The whole rule with defaults for what ``values`` leaves out. Raises TypeError or ValueError."""
    from mlservice.gate import GateRule

    return asdict(GateRule(**values))


def gate_verdict(
    parent: EvaluateReport,
    candidate: EvaluateReport,
    classes: Sequence[LabelClass],
    rule: dict[str, Any],
    *,
    block_of: Callable[[str], str],
    region_of: Callable[[str], str],
    looks: int,
) -> dict[str, Any]:
    """The fields of `mlservice.gate.GateVerdict`, from both reports on the same held-out patches.

    The candidate is the ``looks``-th that is judged on them.
    """
    from mlservice.gate import GateRule, decide

    verdict = decide(
        parent,
        candidate,
        legend_for(classes),
        GateRule(**rule),
        block_of=block_of,
        region_of=region_of,
        looks=looks,
    )
    return asdict(verdict)


def compare_masks(
    first: NDArray[np.uint8], second: NDArray[np.uint8], boundary_value: int | None, *, first_is_truth: bool
) -> PairAgreement:
    """How far two people's masks ``(row, col)`` of one patch agree."""
    from mlservice.agreement import compare

    return compare(first, second, boundary_value, first_is_truth=first_is_truth)


def agreement_alphas(
    pairs: Mapping[tuple[int, int], int],
) -> tuple[float | None, dict[int, float | None]]:
    """Krippendorff's alpha of all classes, and of each class value, from pixels by pairs of values."""
    from mlservice.agreement import class_alphas, krippendorff_alpha

    return krippendorff_alpha(pairs), class_alphas(pairs)


def patch_worths(answer: PatchSegmentation) -> PatchWorths:
    """What labelling the patch is worth by each measure that a queue can be ranked by."""
    from mlservice.acquisition import patch_worths as measure

    return measure(answer.class_probabilities, answer.entropy_nats)


def weighted_entropies(class_cells: Sequence[Any], class_entropy_nats: Sequence[Any]) -> list[float]:
    """Mean entropies in which rare classes count more, of patches given by their cells and entropies by class."""
    from mlservice.acquisition import weighted_entropies as weigh

    return [float(worth) for worth in weigh(np.asarray(class_cells), np.asarray(class_entropy_nats))]


def spread_scores(positions: Sequence[tuple[int, int]], seed: int = 0) -> list[float]:
    """Negative queue scores that serve patches, given as tile (x, y), spread over the area."""
    from mlservice.acquisition import spread_order

    order = spread_order(np.asarray(positions, dtype=np.int64).reshape(-1, 2), seed)
    scores = np.empty(len(positions))
    scores[order] = -1 - np.arange(len(positions)) / max(1, len(positions))
    return [float(score) for score in scores]


def write_landscape_scene(path: Path, truth_path: Path, *, seed: int, size_px: int) -> None:
    """Draws a georeferenced smallholder landscape and its truth, as COGs."""
    from mlservice.landscape import write_landscape_scene as draw

    draw(path, truth_path, seed=seed, size_px=size_px)


def landscape_classes() -> tuple[LegendClass, ...]:
    """The classes of the drawn landscapes, by value."""
    from mlservice.landscape import LANDSCAPE_LEGEND

    return LANDSCAPE_LEGEND.classes


def version_archive(record: VersionRecord, adapter: Path) -> Iterator[bytes]:
    """The bytes of a ZIP of the adapter with its card, legend and STAC Item, piece after piece.

    Raises MethodError, before the first piece, when the adapter's files are not all there.
    """
    from mlservice.export import version_archive as pieces_of

    return pieces_of(record, adapter)


def stac_classes(legend: Legend) -> list[dict[str, Any]]:
    """The classes as STAC's classification extension tells them."""
    from mlservice.stac import classification_classes

    return classification_classes(legend)


def write_instructions(
    patches: Iterable[LabelledPatch], legend: Legend, folder: Path, *, manner: str
) -> bool:
    """Writes labelled patches as an instruction data set; false, and no folder, where no cell of them is sure.

    Raises MethodError for a legend or patches that cannot be said.
    """
    from mlservice.answer_format import AnswerFormat, Manner
    from mlservice.errors import NothingToLearn
    from mlservice.instruction import write_instruction_set
    from mlservice.legend import plain_words

    words, meanings = plain_words(legend)
    try:
        write_instruction_set(patches, legend, folder, AnswerFormat(words, Manner(manner)), meanings=meanings)
    except NothingToLearn:
        return False
    return True
