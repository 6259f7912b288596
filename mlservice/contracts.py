"""The door to the method: a few verbs on frozen dataclasses of arrays, paths and plain values.

Arrays are ``(row, col)``; images are ``uint8`` ``(row, col, 3)`` in red, green, blue order. Nothing
here knows of Django, and nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PATCH_SIZE_PX = 256
UNSURE = 255
"""The mask value that is ignored in training and in scoring."""


@dataclass(frozen=True)
class LegendClass:
    """A named, coloured meaning of one mask value."""

    value: int
    name: str
    color: str
    is_null: bool = False
    is_boundary: bool = False


@dataclass(frozen=True)
class Legend:
    """A project's label classes in the order of their values; exactly one is the null class, value 0."""

    classes: tuple[LegendClass, ...]

    @property
    def values(self) -> tuple[int, ...]:
        return tuple(c.value for c in self.classes)

    @property
    def boundary_value(self) -> int | None:
        return next((c.value for c in self.classes if c.is_boundary), None)


@dataclass(frozen=True)
class ModelRef:
    """Where a model version lives: a base (folder or hub name), its adapter, its calibration."""

    base: str
    adapter: Path | None = None
    temperature: float = 1.0


@dataclass(frozen=True)
class PatchWindow:
    """A patch's place in its context image, as the pixel of its upper left corner."""

    key: str
    row: int = 0
    col: int = 0
    size_px: int = PATCH_SIZE_PX


@dataclass(frozen=True)
class SegmentRequest:
    """One context image and the patches of it to answer for.

    ``valid`` is false where the scene has no data; those pixels come back as the null class.
    """

    model: ModelRef
    legend: Legend
    image: NDArray[np.uint8]
    windows: tuple[PatchWindow, ...]
    valid: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class PatchSegmentation:
    """The model's answer for one patch.

    ``mask``: uint8 ``(256, 256)`` of class values. ``entropy_nats``: float32 ``(64, 64)``, one value
    a cell, of the calibrated class probabilities. ``class_probabilities``: float32
    ``(classes, 64, 64)`` in the legend's order. ``embedding``: float32 ``(dimensions,)``, unit length.
    ``unparsed_cells`` counts the cells whose answer was no class of the legend, and ``unparsed``, bool
    ``(64, 64)``, tells which; their entropy is the largest and their mask is `UNSURE`.
    """

    key: str
    mask: NDArray[np.uint8]
    entropy_nats: NDArray[np.float32]
    class_probabilities: NDArray[np.float32]
    embedding: NDArray[np.float32]
    unparsed_cells: int = 0
    unparsed: NDArray[np.bool_] | None = None

    @property
    def mean_entropy_nats(self) -> float:
        return float(self.entropy_nats.mean())


@dataclass(frozen=True)
class SegmentResult:
    """One answer for each window of the request, in its order."""

    patches: tuple[PatchSegmentation, ...]
    seconds: float


@dataclass(frozen=True)
class LabelledPatch:
    """A context image, a patch's place in it and the approved mask, with 255 where it is unsure.

    ``pixel_m`` is the ground width of a pixel in metres, None where it is not known.
    """

    key: str
    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    row: int = 0
    col: int = 0
    pixel_m: float | None = None


ADAPTED = ("all", "vision", "language")
"""The layers that an adapter may go on."""
MOST_KNOWN_SHARE = 0.9
PRECISIONS = ("auto", "bfloat16", "float32")


@dataclass(frozen=True)
class FinetuneConfig:
    """How a LoRA round is trained; checked where it is made.

    ``steps`` is the most there are: a round ends when ``patience`` validations in a row, one every
    ``validate_every_steps`` steps, did not improve (0: never). A step sees ``images_per_step`` context images,
    ``replay_share`` of them from earlier rounds and ``rehearsal_share`` of what the base model comes with, and at
    most ``token_patches_per_image`` token patches of each.
    ``adapted`` names the layers with LoRA, of `ADAPTED`; ``class_balance`` is from 0, every cell counts the same, to
    1, every class does; ``augmentation`` is the strength of other lights and coarser sensors, 0 for none.
    ``precision`` is one of `PRECISIONS`. Raises ValueError, naming the field, when a value is out of its range.
    """

    steps: int = 120
    learning_rate: float = 3e-3
    lora_rank: int = 8
    lora_alpha: int = 16
    adapted: str = "all"
    images_per_step: int = 4
    token_patches_per_image: int = 8
    class_balance: float = 0.5
    replay_share: float = 0.25
    rehearsal_share: float = 0.25
    augmentation: float = 1.0
    validate_every_steps: int = 20
    patience: int = 3
    precision: str = "auto"
    seed: int = 0
    checkpoint_every_steps: int = 10

    def __post_init__(self) -> None:
        for name, low, high in (
            ("steps", 1, 100_000),
            ("lora_rank", 1, 256),
            ("lora_alpha", 1, 1024),
            ("images_per_step", 1, 1024),
            ("token_patches_per_image", 1, 4096),
            ("validate_every_steps", 0, 100_000),
            ("patience", 0, 1000),
            ("checkpoint_every_steps", 1, 100_000),
            ("seed", 0, 2**31 - 1),
        ):
            value = getattr(self, name)
            if type(value) is not int:
                raise ValueError(f"{name} must be a whole number")
            if not low <= value <= high:
                raise ValueError(f"{name} must be between {low} and {high}, got {value}")
        for name, highest in (
            ("learning_rate", 1.0),
            ("class_balance", 1.0),
            ("replay_share", 0.9),
            ("rehearsal_share", 0.9),
            ("augmentation", 2.0),
        ):
            value = getattr(self, name)
            if type(value) not in (int, float):
                raise ValueError(f"{name} must be a number")
            if not 0 <= value <= highest:
                raise ValueError(f"{name} must be between 0 and {highest:g}, got {value}")
        if not self.learning_rate:
            raise ValueError("learning_rate must be above 0")
        if self.replay_share + self.rehearsal_share > MOST_KNOWN_SHARE:
            raise ValueError(
                f"rehearsal_share and replay_share must leave a tenth to the new patches: together at most "
                f"{MOST_KNOWN_SHARE:g}, got {self.replay_share + self.rehearsal_share:g}"
            )
        for name, choices in (("adapted", ADAPTED), ("precision", PRECISIONS)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}")


MOST_VALIDATED_PATCHES = 16
"""Steps are judged by no more: it would take longer than the steps between two validations."""


@dataclass(frozen=True)
class FinetuneSpec:
    """One LoRA round: the parent, the labels, the legend, the config, and where to write.

    ``replay`` are labelled patches that earlier rounds learned from, so that they are not forgotten.
    ``work_dir`` holds the checkpoint that an interrupted round resumes from; the adapter that PEFT
    loads is written to ``out_dir`` only when the round is complete.
    """

    parent: ModelRef
    legend: Legend
    training: tuple[LabelledPatch, ...]
    validation: tuple[LabelledPatch, ...]
    config: FinetuneConfig
    work_dir: Path
    out_dir: Path
    replay: tuple[LabelledPatch, ...] = ()


@dataclass(frozen=True)
class ValidationPoint:
    """The training loss and the mean IoU of cells on the validation patches after a step; 0 is the parent."""

    step: int
    loss: float
    miou: float


@dataclass(frozen=True)
class StepReport:
    """One training step as it is told to the caller; ``resumed_from`` is the checkpoint's step, if any.

    ``validation`` is there after the steps that were validated.
    """

    step: int
    steps: int
    loss: float
    resumed_from: int | None = None
    validation: ValidationPoint | None = None


OnProgress = Callable[[StepReport], None]
"""Called after every step; raise `errors.Cancelled` in it to end the round."""


@dataclass(frozen=True)
class FinetuneReport:
    """What a complete round leaves behind.

    ``data_hash`` is of training and replay patches. ``best_step`` is the step whose adapter was kept, 0 when no
    step was better than the parent; ``precision`` is the one that was computed in.
    """

    model: ModelRef
    losses: tuple[float, ...]
    data_hash: str
    seconds: float
    trainable_parameters: int
    validations: tuple[ValidationPoint, ...]
    best_step: int
    stopped_early: bool
    precision: str


@dataclass(frozen=True)
class EvaluateSpec:
    """A model version and the held-out patches to measure it on."""

    model: ModelRef
    legend: Legend
    patches: tuple[LabelledPatch, ...]


@dataclass(frozen=True)
class ReliabilityCurve:
    """How often a model is right where it says how sure it is, over equally wide bins of confidence.

    ``edges`` has one value more than there are bins; ``confidence`` and ``accuracy`` are the bins' means,
    None where no cell falls; ``counts`` are cells.
    """

    edges: tuple[float, ...]
    confidence: tuple[float | None, ...]
    accuracy: tuple[float | None, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class RetentionCurve:
    """The error that is left when a person corrects the most uncertain cells and keeps the others.

    ``error`` is the wrong cells among those kept as a share of all cells, for each of ``share_kept``, which
    go from 0 to 1; ``area`` is that under the curve. Without any order it would be half the last error.
    """

    share_kept: tuple[float, ...]
    error: tuple[float, ...]
    area: float


@dataclass(frozen=True)
class PatchStatistics:
    """What adds up over patches of one patch's measures, besides its confusion; intervals come from drawing it again.

    ``boundary``: boundary pixels said, those of them near true ones, true, and those of them near said ones.
    ``objects``: parcels said, true, and matched at an IoU of 0.5. ``surplus``: right cells less their
    confidence, summed in the 15 bins of confidence. ``right_cells`` and ``wrong_cells``: cells by bin of
    entropy (`metrics.entropy_histogram`). ``boundary_tolerance_m`` is the tolerance of ``boundary`` on the
    ground in metres, None where a pixel's size is not known.
    """

    boundary: tuple[int, int, int, int]
    objects: tuple[int, int, int]
    surplus: tuple[float, ...]
    right_cells: tuple[int, ...]
    wrong_cells: tuple[int, ...]
    boundary_tolerance_m: float | None = None


@dataclass(frozen=True)
class EvaluateReport:
    """A model version's quality on a fixed held-out set; pixels of value 255 are left out.

    No field is ever NaN: None stands where there is nothing to measure.

    Of pixels: ``iou`` is by class value, without the classes that are in neither mask. ``confusion`` counts
    pixels, rows true and columns said, in the legend's order; ``unsaid_pixels`` are those of each true class
    for which no class was said, which count as wrong. ``boundary_f1`` has a tolerance of 2 px,
    ``boundary_f1_1px`` of 1 px; ``boundary_tolerance_m`` is the former on the ground in metres, the mean over
    patches where latitudes differ, None where a pixel's size is not known. ``patch_miou`` is by patch key, and so
    are ``patch_confusion``, the pixel counts of each patch with a last column for what was not said, and
    ``patch_statistics``: intervals come from drawing them again.

    Of parcels as objects (`mlservice.objects`): ``object_precision``, ``object_recall`` and ``object_f1``
    ask for an IoU of 0.5, ``object_mean_f1`` is the mean over 0.50, 0.55, …, 0.95; ``true_objects`` and
    ``said_objects`` are how many there were.

    Of cells, whose truth is what the model is trained to say there: ``cell_miou``; ``ece``, the expected
    calibration error over 15 bins of confidence, with its ``reliability`` curve; ``ece_by_class``, the same of
    each class's own probability; ``error_auroc``, the area under the ROC curve of token entropy as a sign of
    a wrong cell, None where there is no error or nothing right; the ``retention`` curve of token entropy and
    ``retention_area``, the area under it; ``entropy_rank_correlation``, Spearman's, of patches' mean entropy
    with their share of wrong cells. ``unparsed_cells`` of all ``cell_count`` cells were no class of the legend;
    they count as wrong.
    """

    patch_count: int
    miou: float
    iou: dict[int, float]
    pixel_accuracy: float
    boundary_f1: float | None
    ece: float | None
    error_auroc: float | None
    confusion: tuple[tuple[int, ...], ...]
    patch_miou: dict[str, float] = field(default_factory=dict)
    boundary_f1_1px: float | None = None
    object_precision: float | None = None
    object_recall: float | None = None
    object_f1: float | None = None
    object_mean_f1: float | None = None
    true_objects: int = 0
    said_objects: int = 0
    cell_miou: float | None = None
    ece_by_class: dict[int, float] = field(default_factory=dict)
    reliability: ReliabilityCurve | None = None
    retention: RetentionCurve | None = None
    retention_area: float | None = None
    entropy_rank_correlation: float | None = None
    unsaid_pixels: tuple[int, ...] = ()
    unparsed_cells: int = 0
    cell_count: int = 0
    boundary_tolerance_m: float | None = None
    patch_confusion: dict[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    patch_statistics: dict[str, PatchStatistics] = field(default_factory=dict)
