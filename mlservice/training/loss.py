"""The loss of a round: cross-entropy of the class said at every labelled cell, rare classes counting more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mlservice.contracts import LabelledPatch, Legend
from mlservice.dataset import TokenPatchExamples, make_examples
from mlservice.families.memory import batch_size
from mlservice.token_grid import IGNORED_INDEX
from mlservice.vlm import LoadedModel

SMALLEST_SHARE = 1e-3
"""A class that is rarer than this counts as if it were not: a handful of cells must not be the whole loss."""


def class_weights(patches: Sequence[LabelledPatch], legend: Legend, class_balance: float) -> Tensor:
    """A weight for each class of the legend; the mean labelled cell of the patches has 1.

    Weights are the classes' shares to the power −``class_balance``: between none (0) and full balance (1).
    """
    counts = np.zeros(len(legend.values))
    for patch in patches:
        targets = make_examples(patch.image, patch.mask, legend).targets
        counts += np.bincount(targets[targets != IGNORED_INDEX], minlength=len(counts))
    share = counts / max(counts.sum(), 1)
    weights = np.where(share > 0, np.maximum(share, SMALLEST_SHARE) ** -class_balance, 1.0)
    return torch.tensor(weights / max((weights * share).sum(), 1e-12), dtype=torch.float32)


def computing(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """Where a precision's operations are done: bfloat16 by autocast, float32 as they are."""
    if precision == "bfloat16":
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def chosen_precision(wanted: str, device: torch.device) -> str:
    """``auto`` is bfloat16 where the processor computes it natively: twice as fast as float32 there."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return "bfloat16" if torch.cpu._is_avx512_bf16_supported() else "float32"


def add_gradient(
    loaded: LoadedModel, prompt: Any, examples: TokenPatchExamples, weights: Tensor, share: float
) -> float:
    """Add the gradient of ``share`` times an image's loss, and return that part of the loss.

    An image's loss is the mean over its labelled cells by their classes' weights, so a patch with few labels
    teaches as loudly as one that is labelled all over.
    """
    scale = share / total_weight(examples, weights)
    value = 0.0
    for logits, targets in said_parts(loaded, prompt, examples, trains=True):
        part = loss_sum(logits, targets, weights) * scale
        part.backward()
        value += part.item()
    return value


def loss_sum(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """The weighted losses of labelled cells, added up: ``(token patches, cells, classes)`` and indices."""
    return functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), weights, ignore_index=IGNORED_INDEX, reduction="sum"
    )


def total_weight(examples: TokenPatchExamples, weights: Tensor) -> float:
    """The weights of an image's labelled cells, added up."""
    targets = examples.targets[examples.targets != IGNORED_INDEX]
    return float(weights.cpu()[torch.from_numpy(targets)].sum())


def said_parts(
    loaded: LoadedModel, prompt: Any, examples: TokenPatchExamples, *, trains: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits and class indices of as many token patches as fit into memory, then of the next ones.

    The image is read again for each part: its graph is freed by the part's gradient.
    """
    family = loaded.family
    targets = torch.from_numpy(examples.targets)
    done, size = 0, len(targets)
    while done < len(targets):
        context = family.encode(examples.image, prompt)
        if done == 0:
            size = batch_size(loaded.device, family.bytes_per_token_patch(context, prompt, trains=trains))
        part = slice(done, done + size)
        logits = family.cell_logits(context, prompt, examples.origins[part]).float()
        yield logits, targets[part].to(loaded.device)
        done += size
