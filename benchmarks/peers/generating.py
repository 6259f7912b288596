"""The starter's weights as a plain multimodal model would be asked: one token after the other, by `generate`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import GenerationConfig, LlamaForCausalLM, LogitsProcessor, LogitsProcessorList

from mlservice.families import Family
from mlservice.landscape import DETAILED_LEGEND
from mlservice.token_grid import CELL_PX, TOKEN_PATCH_CELLS


class OnlyClasses(LogitsProcessor):  # type: ignore[misc]
    """Lets nothing be said but the legend's class words, so that no answer is ever cut short."""

    def __init__(self, class_ids: Tensor) -> None:
        self.class_ids = class_ids

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        allowed = torch.full_like(scores, -torch.inf)
        allowed[:, self.class_ids] = scores[:, self.class_ids]
        return allowed


class GeneratingStarter:
    """A causal language model that shares the starter's weights.

    It reads the prompt with the pooled context and then the token patch's tower tokens, and says its classes
    greedily with a key-value cache. The starter was never taught to answer so: this measures time, not quality.
    """

    def __init__(self, family: Family) -> None:
        network = family.network
        self.family = family
        self.model = LlamaForCausalLM(network.config.text_config).eval()
        self.model.model, self.model.lm_head = network.language_model, network.lm_head

    @torch.inference_mode()
    def say_token_patch(self, image: NDArray[np.uint8], row: int, col: int) -> Tensor:
        """The tokens int64 ``(cells,)`` said of the token patch at a pixel; the whole image is read each time."""
        prompt = self.family.prompt(DETAILED_LEGEND)
        cells = TOKEN_PATCH_CELLS**2
        prefix = self._prefix(self.family.encode(image, prompt), prompt.input_ids[:, :-cells], row, col)
        said: Tensor = self.model.generate(
            inputs_embeds=prefix,
            attention_mask=torch.ones(prefix.shape[:2], dtype=torch.int64),
            logits_processor=LogitsProcessorList([OnlyClasses(prompt.class_ids)]),
            generation_config=GenerationConfig(
                max_new_tokens=cells, do_sample=False, pad_token_id=0, bos_token_id=None, eos_token_id=None
            ),
        )
        return said[0]

    def _prefix(self, tokens: Tensor, prompt_ids: Tensor, row: int, col: int) -> Tensor:
        """Embeddings ``(1, length, width)`` of prompt, pooled context and the token patch's own tokens."""
        network: Any = self.family.network
        pooled = functional.adaptive_avg_pool2d(tokens, network.config.context_grid).flatten(2)
        context = network.projector(pooled.transpose(1, 2))
        is_image = (prompt_ids == network.config.image_token_id).unsqueeze(-1)
        prompt = network.get_input_embeddings()(prompt_ids).masked_scatter(is_image, context)
        top, left, side = row // CELL_PX, col // CELL_PX, TOKEN_PATCH_CELLS
        local = tokens[:, :, top : top + side, left : left + side].flatten(2).transpose(1, 2)
        return torch.cat([prompt, network.projector(local)], dim=1)
