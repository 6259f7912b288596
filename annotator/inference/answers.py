"""What a model version says of land, and what follows from its answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.inference.classes import legend_for
from annotator.models import LabelClass, ModelVersion
from mlservice.acquisition import PatchWorths
from mlservice.contracts import (
    ModelRef,
    PatchSegmentation,
    PatchWindow,
    SegmentRequest,
)


def model_ref(version: ModelVersion) -> ModelRef:
    return ModelRef(base_path(version.base), version.adapter_path, version.temperature)


def base_path(base: str) -> str:
    """The folder or hub name of a base model; the starter where none is named."""
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

    Of two cells one is asked for by chance, and one the sooner the less sure the model is of it and the less the
    patch has of its class; or all ``by_chance``. ``seen``, bool of the cells' shape, is false where the scene has no
    data; fewer come where fewer are seen. A smaller count with the same seed is the beginning of a larger one.
    """
    from mlservice.acquisition import balanced_worth, draw_points, half_by_chance

    worth = seen.astype(np.float64)
    if not by_chance:
        said = answer.class_probabilities.argmax(axis=0)
        balanced = balanced_worth(answer.entropy_nats, said, len(answer.class_probabilities))
        worth = half_by_chance(balanced, seen)
    return draw_points(worth, count, np.random.default_rng(seed))


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
