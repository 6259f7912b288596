"""The peer's own few-shot adaptation: all weights tuned on the pixels of a few labelled patches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from benchmarks.peers.unet.network import STAGE_CHANNELS, UNet, as_pixels
from benchmarks.peers.unet.training import schedule
from mlservice.contracts import UNSURE, LabelledPatch, Legend
from mlservice.dataset import another_view
from mlservice.landscape import DETAILED_LEGEND
from mlservice.token_grid import CELL_PX, cells_to_indices, indices_to_cells, mask_to_cells

IGNORED = -100


@dataclass(frozen=True)
class Adaptation:
    """AdamW on pixels, classes weighted by the root of their rarity as in a LoRA round, until the time is spent.

    ``rehearsal_share`` of the images are landscapes of the pre-training; ``rate`` is the highest learning rate.
    """

    cpu_seconds: float
    rate: float
    rehearsal_share: float = 0.0
    images_per_step: int = 4
    seed: int = 0


def for_legend(network: UNet, legend: Legend) -> UNet:
    """The network with a head for a legend: its own rows for the classes that it knows, new ones for others."""
    known = {c.name: index for index, c in enumerate(DETAILED_LEGEND.classes)}
    head = nn.Conv2d(STAGE_CHANNELS[0], len(legend.classes), 1)
    with torch.no_grad():
        for index, c in enumerate(legend.classes):
            if c.name in known:
                head.weight[index] = network.head.weight[known[c.name]]
                head.bias[index] = network.head.bias[known[c.name]]  # type: ignore[index]
    network.head = head
    return network


def adapt(
    network: UNet,
    patches: Sequence[LabelledPatch],
    rehearsal: Sequence[LabelledPatch],
    legend: Legend,
    how: Adaptation,
) -> UNet:
    """Tune all weights of a network whose head is the legend's; returns it ready to answer."""
    rng = np.random.default_rng(how.seed)
    optimiser = torch.optim.AdamW(network.parameters(), how.rate, weight_decay=0.01)
    weights = _class_weights([*patches, *rehearsal], legend)
    network.train()
    spent = 0.0
    while spent < how.cpu_seconds:
        started = time.process_time()
        for group in optimiser.param_groups:
            group["lr"] = how.rate * schedule(spent / how.cpu_seconds)
        views = []
        for _ in range(how.images_per_step):
            among = rehearsal if rehearsal and rng.random() < how.rehearsal_share else patches
            views.append(another_view(among[int(rng.integers(len(among)))], rng))
        targets = torch.from_numpy(np.stack([_indices(mask, legend) for _, mask in views]))
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(as_pixels(np.stack([image for image, _ in views])))
        loss = functional.cross_entropy(logits.float(), targets, weights, ignore_index=IGNORED)
        optimiser.zero_grad(set_to_none=True)
        if loss.isfinite():  # not where no pixel of the views is labelled
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
        spent += time.process_time() - started
    return network.eval()


@torch.inference_mode()
def said_cells(
    network: UNet, images: NDArray[np.uint8], legend: Legend
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The values of all cells, ``(images, rows, cols)``, by mean probability and by the rule of labels."""
    by_mean, by_rule = [], []
    for image in images:
        probabilities = network(as_pixels(image[None])).float().softmax(1)
        mean = functional.avg_pool2d(probabilities, CELL_PX)[0].argmax(0)
        by_mean.append(indices_to_cells(mean.numpy(), legend))
        by_rule.append(mask_to_cells(indices_to_cells(probabilities[0].argmax(0).numpy(), legend), legend))
    return np.stack(by_mean), np.stack(by_rule)


def _indices(mask: NDArray[np.uint8], legend: Legend) -> NDArray[np.int64]:
    return np.where(mask == UNSURE, IGNORED, cells_to_indices(mask, legend))


def _class_weights(patches: Sequence[LabelledPatch], legend: Legend) -> torch.Tensor:
    counts = np.zeros(len(legend.values))
    for patch in patches:
        counts += [(patch.mask == value).sum() for value in legend.values]
    share = counts / counts.sum()
    weights = np.where(share > 0, np.maximum(share, 1e-3) ** -0.5, 1.0)
    return torch.tensor(weights / (weights * share).sum(), dtype=torch.float32)
