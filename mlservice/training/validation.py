"""How a round is doing on patches that it does not learn from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mlservice import parallel
from mlservice.contracts import MOST_VALIDATED_PATCHES, FinetuneSpec, ValidationPoint
from mlservice.dataset import TokenPatchExamples, labelled_only, make_examples
from mlservice.metrics import mean_iou
from mlservice.token_grid import IGNORED_INDEX
from mlservice.training.loss import loss_sum, said_parts, total_weight
from mlservice.vlm import LoadedModel


def validation_examples(spec: FinetuneSpec) -> list[TokenPatchExamples]:
    """What steps are judged by: at most `MOST_VALIDATED_PATCHES` validation patches from all over the place."""
    # By their keys alone they would be neighbours.
    patches = sorted(spec.validation, key=lambda patch: hashlib.sha256(patch.key.encode()).digest())
    chosen = patches[:MOST_VALIDATED_PATCHES]
    examples = [labelled_only(make_examples(p.image, p.mask, spec.legend, p.row, p.col)) for p in chosen]
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
