"""How a round is doing on patches that it does not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mlservice import parallel
from mlservice.contracts import FinetuneSpec, ValidationPoint
from mlservice.dataset import TokenPatchExamples, labelled_only, make_examples
from mlservice.metrics import mean_iou
from mlservice.token_grid import IGNORED_INDEX
from mlservice.training.loss import loss_sum, said_parts, total_weight
from mlservice.vlm import LoadedModel

MOST_PATCHES = 16
"""More would take longer than the steps between two validations."""


def validation_examples(spec: FinetuneSpec) -> list[TokenPatchExamples]:
    """What a round is validated on: its validation patches as they are, the first `MOST_PATCHES` by their keys."""
    patches = sorted(spec.validation, key=lambda patch: patch.key)[:MOST_PATCHES]
    examples = [labelled_only(make_examples(p.image, p.mask, spec.legend, p.row, p.col)) for p in patches]
    return [example for example in examples if len(example.origins)]


@torch.inference_mode()
def validate(
    loaded: LoadedModel, prompt: Any, examples: Sequence[TokenPatchExamples], weights: Tensor, step: int
) -> ValidationPoint:
    """The training loss and the mean IoU of cells on all processes' examples, of which there is at least one."""
    loss, classes = 0.0, len(weights)
    confusion = np.zeros((classes, classes), dtype=np.int64)
    for example in examples:
        for logits, targets in said_parts(loaded, prompt, example, trains=False):
            loss += float(loss_sum(logits, targets, weights))
            sure = targets != IGNORED_INDEX
            pairs = targets[sure] * classes + logits.argmax(-1)[sure]
            confusion += torch.bincount(pairs, minlength=classes**2).cpu().numpy().reshape(classes, classes)
    whole = sum(total_weight(example, weights) for example in examples)
    loss, whole, *counts = parallel.summed(np.array([loss, whole, *confusion.ravel()], dtype=np.float64))
    counted = np.array(counts, dtype=np.int64).reshape(classes, classes)
    return ValidationPoint(step, float(loss / whole), mean_iou(counted))
