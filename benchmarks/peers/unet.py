"""A pixel U-Net: ``python -m benchmarks.peers.unet --bank DIR --scenes N --cpu-seconds S --out DIR`` trains one.

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
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from mlservice.landscape import DETAILED_LEGEND
from mlservice.starter.bank import SceneBank, open_bank
from mlservice.starter.scenes import class_weights
from mlservice.token_grid import CELL_PX, indices_to_cells
from mlservice.uncertainty import cell_entropy

CHECKPOINT = Path(__file__).parent / "unet"
WEIGHTS_FILE, RECORD_FILE = "model.safetensors", "training.json"
PROGRESS_FILE = "progress.pt"
STAGE_CHANNELS = (16, 32, 64, 128, 128)
CLASSES = len(DETAILED_LEGEND.classes)


class PixelAnswer(NamedTuple):
    """What `mlservice.evaluate` measures of an answer.

    ``mask``: uint8 ``(rows, cols)``, the likeliest class of each pixel in the detailed legend's values.
    ``class_probabilities``: float32 ``(classes, rows / CELL_PX, cols / CELL_PX)``, the mean over a cell's pixels.
    """

    mask: NDArray[np.uint8]
    class_probabilities: NDArray[np.float32]

    @property
    def entropy_nats(self) -> NDArray[np.float32]:
        return cell_entropy(self.class_probabilities)

    @property
    def unparsed(self) -> None:
        """Every pixel is of some class."""


class UNet(nn.Module):
    """Stages of halving resolution and the way back up, after Ronneberger et al. 2015.

    Input ``(images, 3, rows, cols)`` in [-1, 1], sides multiples of 16; output ``(images, classes, rows, cols)``,
    a logit of each class of the detailed legend at each pixel.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = STAGE_CHANNELS
        self.down = nn.ModuleList(
            _double_convolution(before, width) for before, width in zip((3, *widths), widths, strict=False)
        )
        self.up = nn.ModuleList(
            _double_convolution(coarser + width, width)
            for coarser, width in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], CLASSES, 1)
        # Convolutions on a CPU are faster with the channels last.
        self.to(memory_format=torch.channels_last)

    def forward(self, pixels: Tensor) -> Tensor:
        hidden = pixels.contiguous(memory_format=torch.channels_last)
        levels: list[Tensor] = []
        for index, stage in enumerate(self.down):
            hidden = stage(hidden if index == 0 else functional.max_pool2d(hidden, 2))
            levels.append(hidden)
        for stage, skip in zip(self.up, levels[-2::-1], strict=True):
            hidden = stage(torch.cat([functional.interpolate(hidden, scale_factor=2.0), skip], dim=1))
        logits: Tensor = self.head(hidden)
        return logits

    @torch.inference_mode()
    def answers(self, image: NDArray[np.uint8]) -> PixelAnswer:
        """What the network says of an image, uint8 ``(rows, cols, 3)`` with sides that are multiples of 16."""
        probabilities = self(as_pixels(image[None])).float().softmax(1)
        cells = functional.avg_pool2d(probabilities, CELL_PX)[0]
        indices = probabilities[0].argmax(0)
        return PixelAnswer(indices_to_cells(indices.numpy(), DETAILED_LEGEND), cells.contiguous().numpy())

    def save(self, folder: Path) -> None:
        """Write the weights into a folder, the large ones as float16."""
        large = 1 << 10
        state = {
            name: (value.half() if value.numel() > large else value).contiguous()
            for name, value in self.state_dict().items()
        }
        folder.mkdir(parents=True, exist_ok=True)
        save_file(state, folder / WEIGHTS_FILE)

    @classmethod
    def load(cls, folder: Path = CHECKPOINT) -> UNet:
        """The network that `save` wrote, as float32 and ready to answer."""
        network = cls()
        network.load_state_dict(load_file(folder / WEIGHTS_FILE))
        return network.eval()


def as_pixels(images: NDArray[np.uint8]) -> Tensor:
    """Images uint8 ``(images, rows, cols, 3)`` as float32 ``(images, 3, rows, cols)`` in [-1, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1.0


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


def _double_convolution(channels_in: int, channels_out: int) -> nn.Sequential:
    """Twice a 3 × 3 convolution, batch normalisation and ReLU."""
    layers: list[nn.Module] = []
    for channels in (channels_in, channels_out):
        layers += [
            nn.Conv2d(channels, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


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


if __name__ == "__main__":
    main()
