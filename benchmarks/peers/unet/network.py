"""The U-Net, what it answers, and how it is kept in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from mlservice.landscape import DETAILED_LEGEND
from mlservice.token_grid import CELL_PX, indices_to_cells
from mlservice.uncertainty import cell_entropy

CHECKPOINT = Path(__file__).parent
"""The trained weights lie beside the code."""
WEIGHTS_FILE = "model.safetensors"
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
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

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
        (folder / WEIGHTS_FILE).chmod(0o644)

    @classmethod
    def load(cls, folder: Path = CHECKPOINT) -> UNet:
        """The network that `save` wrote, as float32 and ready to answer."""
        network = cls()
        network.load_state_dict(load_file(folder / WEIGHTS_FILE))
        return network.eval()


def as_pixels(images: NDArray[np.uint8]) -> Tensor:
    """Images uint8 ``(images, rows, cols, 3)`` as float32 ``(images, 3, rows, cols)`` in [-1, 1]."""
    return torch.tensor(images).permute(0, 3, 1, 2).float() / 127.5 - 1.0


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
