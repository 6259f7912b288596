"""The starter's own architecture: one tower over the whole context image, placeholders fed with its tokens."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mlservice.contracts import LabelledPatch, Legend, PatchWindow
from mlservice.families.family import Family, pooled
from mlservice.families.memory import bytes_per_token_patch
from mlservice.families.record import AnswerRecord
from mlservice.prompt import Prompt, build_prompt
from mlservice.starter.rehearsal import rehearsal_patches
from mlservice.token_grid import CELL_PX


class MilpaFamily(Family):
    """A context is the tower's tokens, ``(1, channels, rows / CELL_PX, cols / CELL_PX)``."""

    def __init__(self, network: Any, processor: Any, device: torch.device) -> None:
        super().__init__(network, processor, device)
        self.cell_token_id = int(network.config.cell_token_id)

    def prompt(self, legend: Legend) -> Prompt:
        return build_prompt(self.processor, legend)

    def encode(self, image: NDArray[np.uint8], prompt: Any) -> Tensor:
        pixels = self.processor(images=image)["pixel_values"].to(self.device)
        tokens: Tensor = self.network.vision_tower(pixels).last_hidden_state
        return tokens

    def cell_logits(self, context: Tensor, prompt: Prompt, origins: NDArray[np.int64]) -> Tensor:
        output = self.network(
            input_ids=prompt.input_ids.to(self.device),
            patch_origins=torch.from_numpy(origins)[None].to(self.device),
            tower_tokens=context,
        )
        said: Tensor = output.logits[0][..., prompt.class_ids.to(self.device)]
        return said

    def embedding(self, context: Tensor, window: PatchWindow) -> Tensor:
        row, col, side = (value // CELL_PX for value in (window.row, window.col, window.size_px))
        return pooled(context[0, :, row : row + side, col : col + side].flatten(1))

    def follow(self, record: AnswerRecord | None) -> None:
        """The starter answers in one pass at its own placeholders, with any adapter and with none."""

    def rehearsal(self, legend: Legend, count: int, seed: int) -> tuple[LabelledPatch, ...]:
        return rehearsal_patches(legend, count, seed)

    def bytes_per_token_patch(self, context: Tensor, prompt: Prompt, *, trains: bool = False) -> int:
        tokens = prompt.input_ids.shape[1]
        config = self.network.config.text_config
        return bytes_per_token_patch(config, tokens, said_tokens=tokens, bytes_per_number=4, trains=trains)
