"""LoRA rounds: their config, training, measuring, and the verdict of the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.inference.answers import base_path, model_ref
from annotator.inference.classes import legend_for
from annotator.models import LabelClass, ModelVersion
from mlservice.contracts import (
    EvaluateReport,
    EvaluateSpec,
    FinetuneConfig,
    FinetuneReport,
    FinetuneSpec,
    LabelledPatch,
    PatchSegmentation,
    StepReport,
)


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

    return fingerprints.base_hash(base_path(base))


def labels_hash(patches: Sequence[LabelledPatch]) -> str:
    """The ``data_hash`` of a round that learns from these patches and repeats them."""
    from mlservice.dataset import data_hash

    return data_hash(patches)


def without_gaps(image: NDArray[np.uint8], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The image ``(rows, cols, 3)`` as proposals are made from it, where parts of it have no data."""
    from mlservice import dataset

    return dataset.without_gaps(image, valid)


def adapter_hash(version: ModelVersion) -> str:
    """What tells the version's adapter from any other; empty where it has none. Raises OSError."""
    from mlservice import fingerprints

    return fingerprints.base_hash(str(version.adapter_path)) if version.adapter_path else ""


def has_sound_adapter(version: ModelVersion) -> bool:
    """Whether every weight of the version's adapter, if it has one, is a number. Raises OSError."""
    from mlservice.adapter_files import has_only_numbers

    return version.adapter_path is None or has_only_numbers(version.adapter_path)


def largest_adapter_difference(one: Path, other: Path) -> float:
    """The largest absolute difference of a weight; infinite for adapters of other shapes. Raises OSError."""
    from mlservice.adapter_files import largest_difference

    return largest_difference(one, other)


def evaluate_version(
    version: ModelVersion,
    asked: Sequence[LabelClass],
    patches: Sequence[LabelledPatch],
    *,
    counted: Sequence[LabelClass],
    on_patch: Callable[[], None],
) -> tuple[EvaluateReport, dict[str, NDArray[np.uint8]]]:
    """The version's quality on held-out patches, and its masks by patch key; an unsaved ModelVersion does.

    It may say any class that is ``asked``, and is measured by those ``counted``, some of them: where the truth is one
    of these, another class is as wrong as no answer. ``on_patch`` is called after each patch.
    """
    from mlservice.evaluate import answers, evaluate_answers
    from mlservice.narrowing import narrowed

    said, legend = legend_for(asked), legend_for(counted)
    masks: dict[str, NDArray[np.uint8]] = {}
    unparsed_cells = 0

    def keep_masks() -> Iterator[tuple[LabelledPatch, PatchSegmentation]]:
        nonlocal unparsed_cells
        for patch, answer in answers(EvaluateSpec(model_ref(version), said, tuple(patches))):
            masks[patch.key] = answer.mask
            unparsed_cells += answer.unparsed_cells
            on_patch()
            yield patch, answer

    report = evaluate_answers(legend, narrowed(keep_masks(), said, legend))
    # A class that is not counted is a wrong answer, but not a broken one.
    return replace(report, unparsed_cells=unparsed_cells), masks


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
