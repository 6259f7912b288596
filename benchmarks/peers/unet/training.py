"""Trains the U-Net: ``python -m benchmarks.peers.unet --bank DIR --scenes N --cpu-seconds S --out DIR``.

Plain and well trained: the strongest peer on field boundaries is still a U-Net, so it is what a model that says
masks in tokens has to reach. It sees the starter's own scenes, in the same turns and lights, and stops when
its steps have cost so many processor seconds. An interrupted training goes on from its last saved step.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.peers.unet.network import UNet, as_pixels
from mlservice.landscape import DETAILED_LEGEND
from mlservice.starter import RECORD_FILE
from mlservice.starter.bank import SceneBank, open_bank
from mlservice.starter.scenes import class_weights

PROGRESS_FILE = "progress.pt"


@dataclass(frozen=True)
class Recipe:
    """How a U-Net is trained; AdamW on the cross-entropy of pixels, in bfloat16 where that is safe."""

    scenes: int
    cpu_seconds: float
    rate: float = 2e-3
    weight_decay: float = 0.01
    images_per_step: int = 4
    save_every_steps: int = 200
    seed: int = 7


@dataclass
class Progress:
    """Steps done, the processor seconds they took, and the loss of those since the last save."""

    step: int = 0
    cpu_seconds: float = 0.0
    loss: float = math.nan


def train(recipe: Recipe, bank: SceneBank, out: Path) -> UNet:
    """Train until the recipe's processor seconds are spent; writes weights and record into ``out``."""
    torch.manual_seed(recipe.seed)
    network = UNet()
    optimiser = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=recipe.weight_decay)
    out.mkdir(parents=True, exist_ok=True)
    progress = _resume(out / PROGRESS_FILE, network, optimiser)
    network.train()
    losses: list[float] = []
    while progress.cpu_seconds < recipe.cpu_seconds:
        started = time.process_time()
        losses.append(_step(network, optimiser, bank, recipe, progress))
        progress.cpu_seconds += time.process_time() - started
        progress.step += 1
        if progress.step % recipe.save_every_steps == 0 or progress.cpu_seconds >= recipe.cpu_seconds:
            progress.loss = float(np.mean(losses))
            losses.clear()
            _save_progress(out / PROGRESS_FILE, network, optimiser, progress)
            print(
                f"step {progress.step} loss {progress.loss:.4f} {progress.cpu_seconds:.0f} CPU s", flush=True
            )
    network.save(out)
    record = {
        "cpu_seconds": round(progress.cpu_seconds, 1),
        "images": progress.step * recipe.images_per_step,
        "last_loss": round(progress.loss, 4),
        "recipe": asdict(recipe),
    }
    (out / RECORD_FILE).write_text(json.dumps(record) + "\n")
    return network.eval()


def schedule(done: float) -> float:
    """The learning rate's factor when a share of the budget is spent: a linear rise, then half a cosine."""
    rise = 0.05
    # Not 0 at the start, or the first step would be for nothing.
    if done < rise:
        return max(done / rise, 0.01)
    return 0.5 * (1 + math.cos(math.pi * (done - rise) / (1 - rise)))


def _step(
    network: UNet, optimiser: torch.optim.Optimizer, bank: SceneBank, recipe: Recipe, progress: Progress
) -> float:
    """One step on whole images; each step draws its own batch from its number. Returns its loss."""
    for group in optimiser.param_groups:
        group["lr"] = recipe.rate * schedule(progress.cpu_seconds / recipe.cpu_seconds)
    rng = np.random.default_rng([recipe.seed, progress.step])
    scenes = [bank.draw(rng) for _ in range(recipe.images_per_step)]
    # The values of the detailed legend are the places of its classes, from 0 on.
    targets = torch.from_numpy(np.stack([detail for _, detail in scenes])).long()
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(as_pixels(np.stack([image for image, _ in scenes])))
    loss = functional.cross_entropy(logits.float(), targets, torch.tensor(class_weights(DETAILED_LEGEND)))
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimiser.step()
    return loss.item()


def _save_progress(path: Path, network: UNet, optimiser: torch.optim.Optimizer, progress: Progress) -> None:
    """Write all that `_resume` needs, in one rename."""
    state = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), **asdict(progress)}
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def _resume(path: Path, network: UNet, optimiser: torch.optim.Optimizer) -> Progress:
    """Restore what was saved of an interrupted training, if anything was."""
    if not path.exists():
        return Progress()
    state: dict[str, Any] = torch.load(path, weights_only=True)
    network.load_state_dict(state.pop("network"))
    optimiser.load_state_dict(state.pop("optimiser"))
    return Progress(**state)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--bank", type=Path, required=True, help="folder of drawn scenes; what is missing is drawn"
    )
    parser.add_argument("--scenes", type=int, required=True, help="how many scenes of the bank are seen")
    parser.add_argument("--cpu-seconds", type=float, required=True, help="what the training's steps may cost")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, record and progress")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    bank = open_bank(arguments.bank, arguments.scenes)
    train(Recipe(arguments.scenes, arguments.cpu_seconds), bank, arguments.out)
