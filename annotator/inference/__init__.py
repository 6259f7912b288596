"""The only door to `mlservice`: rows become frozen dataclasses of arrays, and answers come back as such.

Whatever would load torch is imported inside the functions, so that the web process never does.
"""

from annotator.inference.answers import (
    base_temperature,
    patch_worths,
    points_of,
    segment_context,
    spread_scores,
    weighted_entropies,
)
from annotator.inference.classes import (
    check_class_words,
    landscape_classes,
    legend_for,
    stac_classes,
    write_landscape_scene,
)
from annotator.inference.leaving import (
    MANNERS,
    version_archive,
    write_instructions,
)
from annotator.inference.masks import (
    agreement_alphas,
    compare_masks,
    parcel_pieces,
    reshaped_labels,
)
from annotator.inference.rounds import (
    adapter_hash,
    base_hash,
    code_version,
    evaluate_version,
    finetune_config,
    finetune_from,
    gate_rule,
    gate_verdict,
    has_sound_adapter,
    labels_hash,
    largest_adapter_difference,
    report_fields,
    without_gaps,
)
from mlservice.contracts import (
    EvaluateReport,
    FinetuneConfig,
    FinetuneReport,
    LabelledPatch,
    Legend,
    PatchSegmentation,
    PatchWindow,
    StepReport,
)
from mlservice.errors import Cancelled, MethodError
from mlservice.parcel_pieces import PatchPieces
from mlservice.parcels import area_m2 as parcel_area_m2
from mlservice.parcels import join_outlines, join_pieces, piece_certainties
from mlservice.queue_order import QueueOrder, Waiting, arrange, is_audited
from mlservice.queue_order import candidates as queue_candidates
from mlservice.version_record import STARTER_NAME, Measured, Region, VersionRecord

__all__ = [
    "MANNERS",
    "STARTER_NAME",
    "Cancelled",
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
    "adapter_hash",
    "agreement_alphas",
    "arrange",
    "base_hash",
    "base_temperature",
    "check_class_words",
    "code_version",
    "compare_masks",
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
    "reshaped_labels",
    "segment_context",
    "spread_scores",
    "stac_classes",
    "version_archive",
    "weighted_entropies",
    "without_gaps",
    "write_instructions",
    "write_landscape_scene",
]
