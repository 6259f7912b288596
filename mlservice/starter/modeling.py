"""The starter: a convolutional tower and a small Llama that says the classes of all cells in one pass.

MAgSeg-style, as we chose it: the model sees the whole context image and answers for one token patch. The
tower runs once on the context image at its native resolution. Its tokens, pooled, are the image tokens of
the prompt (global context); its tokens inside the token patch, uncropped and with their margins seen, are
added to the placeholders ``<cell>`` whose hidden states say the classes (local answer). The prompt is
encoded once and shared by all token patches of the image; the placeholders attend to the prompt and to one
another in both directions, after STAMP's non-autoregressive mask tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, DynamicCache, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput
from transformers.utils import ModelOutput

from mlservice.starter.configuration import MilpaConfig, MilpaVisionConfig


class _ConvolutionBlock(nn.Sequential):
    """Twice a 3 × 3 convolution, batch normalisation and ReLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        layers: list[nn.Module] = []
        for channels in (channels_in, channels_out):
            layers += [
                nn.Conv2d(channels, channels_out, 3, padding=1, bias=False),
                nn.BatchNorm2d(channels_out),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


class MilpaVisionModel(PreTrainedModel):
    """Stages of halving resolution, and a top-down path with skips back to one token for each cell.

    Input ``(images, 3, rows, cols)`` in [-1, 1], sides multiples of 64; ``last_hidden_state`` is
    ``(images, token_channels, rows / cell_px, cols / cell_px)``. Pixels are folded into channels first:
    no feature is computed at a finer resolution than half a cell.
    """

    config_class = MilpaVisionConfig
    main_input_name = "pixel_values"

    def __init__(self, config: MilpaVisionConfig) -> None:
        super().__init__(config)
        widths = config.stage_channels
        self.fold = nn.PixelUnshuffle(config.stem_px)
        # Six planes enter: the colours as they are, and standardised over the image, so that another
        # sensor's stretch or another season's cast moves the input less.
        planes = 6 * config.stem_px**2
        self.stages = nn.ModuleList(
            _ConvolutionBlock(before, width)
            for before, width in zip([planes, *widths[:-1]], widths, strict=True)
        )
        self.cell_stage = (config.cell_px // config.stem_px).bit_length() - 1
        self.top_down = nn.ModuleList(
            _ConvolutionBlock(widths[stage + 1] + widths[stage], widths[stage])
            for stage in range(len(widths) - 2, self.cell_stage - 1, -1)
        )
        self.to_tokens = nn.Conv2d(widths[self.cell_stage], config.token_channels, 1)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()

    def forward(self, pixel_values: Tensor, **_: Any) -> BaseModelOutput:
        mean = pixel_values.mean((2, 3), keepdim=True)
        spread = pixel_values.std((2, 3), keepdim=True)
        planes = torch.cat([pixel_values, (pixel_values - mean) / (spread + 0.02)], dim=1)
        # Convolutions on a CPU are faster with the channels last.
        hidden = self.fold(planes).contiguous(memory_format=torch.channels_last)
        levels: list[Tensor] = []
        for index, stage in enumerate(self.stages):
            hidden = stage(hidden if index == 0 else functional.max_pool2d(hidden, 2))
            levels.append(hidden)
        for block, skip in zip(self.top_down, reversed(levels[self.cell_stage : -1]), strict=True):
            hidden = functional.interpolate(hidden, scale_factor=2.0)
            hidden = block(torch.cat([hidden, skip], dim=1))
        return BaseModelOutput(last_hidden_state=self.to_tokens(hidden))


@dataclass
class MilpaOutput(ModelOutput):
    """``logits``: ``(images, token patches, cells, vocabulary)``.

    ``tower_tokens``: ``(images, token_channels, rows, cols)``, one token for each cell of the context image.
    """

    logits: Tensor | None = None
    tower_tokens: Tensor | None = None


class MilpaForImageTextToText(PreTrainedModel):
    """Says one class token for each cell of every token patch asked for."""

    config_class = MilpaConfig
    main_input_name = "input_ids"
    _supports_sdpa = True

    def __init__(self, config: MilpaConfig) -> None:
        super().__init__(config)
        width = config.text_config.hidden_size
        self.vision_tower = AutoModel.from_config(config.vision_config)
        self.projector = nn.Linear(config.vision_config.token_channels, width)
        self.language_model = AutoModel.from_config(config.text_config)
        self.lm_head = nn.Linear(width, config.text_config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        return cast(nn.Module, self.language_model.get_input_embeddings())

    def get_output_embeddings(self) -> nn.Module:
        return self.lm_head

    def forward(
        self,
        input_ids: Tensor,
        patch_origins: Tensor,
        pixel_values: Tensor | None = None,
        tower_tokens: Tensor | None = None,
        context_tokens: Tensor | None = None,
        **_: Any,
    ) -> MilpaOutput:
        """Logits for every cell of every token patch.

        ``input_ids``: ``(images, length)``, the prompt and then one ``<cell>`` for each cell of one token
        patch, without padding. ``patch_origins``: ``(images, token patches, 2)``, the row and col in
        pixels of each token patch's upper left corner, multiples of the cell. ``tower_tokens`` of an
        earlier answer may stand in for ``pixel_values``, so that the tower runs once for many token patches.
        ``context_tokens``, another image's tower tokens, are read as the context in place of the image's own,
        to measure what the context tells.
        """
        tokens = tower_tokens
        if tokens is None:
            tokens = self.vision_tower(pixel_values).last_hidden_state
        embeddings = self.get_input_embeddings()(input_ids)
        cells = self.config.patch_cells**2
        prompt, placeholders = embeddings[:, :-cells], embeddings[:, -cells:]
        cache = self._encode_prompt(
            input_ids[:, :-cells], prompt, tokens if context_tokens is None else context_tokens
        )
        asked = patch_origins.shape[1]
        local = self.projector(self._patch_tokens(tokens, patch_origins))
        local = local + placeholders.repeat_interleave(asked, dim=0)
        cache.batch_repeat_interleave(asked)
        hidden = self._read_cells(local, cache)
        logits = self.lm_head(hidden).unflatten(0, (len(input_ids), asked))
        return MilpaOutput(logits=logits, tower_tokens=tokens)

    def tower_logits(self, tokens: Tensor) -> Tensor:
        """What the output head says of tower tokens ``(images, channels, rows, cols)`` by themselves.

        ``(images, rows, cols, vocabulary)``; the first stage of training, before the language model's
        layers join in. They start as the identity, so this is also where the second stage starts from.
        """
        placeholder = self.language_model.embed_tokens.weight[self.config.cell_token_id]
        hidden = self.projector(tokens.permute(0, 2, 3, 1)) + placeholder
        return cast(Tensor, self.lm_head(self.language_model.norm(hidden)))

    def _encode_prompt(self, prompt_ids: Tensor, prompt: Tensor, tokens: Tensor) -> DynamicCache:
        """Keys and values of the prompt, with the pooled context in the place of its image tokens."""
        pooled = functional.adaptive_avg_pool2d(tokens, self.config.context_grid)
        context = self.projector(pooled.flatten(2).transpose(1, 2))
        is_image = (prompt_ids == self.config.image_token_id).unsqueeze(-1)
        prompt = prompt.masked_scatter(is_image, context.to(prompt.dtype))
        output = self.language_model(inputs_embeds=prompt, use_cache=True)
        return cast(DynamicCache, output.past_key_values)

    def _patch_tokens(self, tokens: Tensor, patch_origins: Tensor) -> Tensor:
        """Tower tokens of each token patch, ``(images × token patches, cells, channels)``, row by row."""
        side = self.config.patch_cells
        origins = torch.div(patch_origins, self.config.vision_config.cell_px, rounding_mode="floor")
        steps = torch.arange(side, device=tokens.device)
        rows = (origins[..., 0, None] + steps)[..., :, None]
        cols = (origins[..., 1, None] + steps)[..., None, :]
        image = torch.arange(len(tokens), device=tokens.device)[:, None, None, None]
        return tokens.permute(0, 2, 3, 1)[image, rows, cols].flatten(2, 3).flatten(0, 1)

    def _read_cells(self, cells: Tensor, cache: DynamicCache) -> Tensor:
        """Hidden states of the placeholders, each seeing the prompt and every other placeholder."""
        before, count = cache.get_seq_length(), cells.shape[1]
        sees_all = cells.new_ones((1, 1, count, before + count), dtype=torch.bool)
        positions = torch.arange(before, before + count, device=cells.device).unsqueeze(0)
        output = self.language_model(
            inputs_embeds=cells,
            past_key_values=cache,
            attention_mask=sees_all.expand(len(cells), -1, -1, -1),
            position_ids=positions,
        )
        return cast(Tensor, output.last_hidden_state)
