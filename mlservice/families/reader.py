"""Reading a foreign model's sequences: once whole, or the part that all token patches share and then the rest."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from transformers import DynamicCache

from mlservice.families.sequence import SequenceBuilder, VlmPrompt

Tokens = dict[str, Tensor]


@dataclass
class VlmContext:
    """A context image, and what is the same for all of its token patches.

    ``tokens``: what is told of the tokens of one sequence, each ``(1, length)``. ``positions``: int64
    ``(3, 1, length)`` for models that number rows and columns, else None. ``prefix``: keys and values of each
    layer for the first ``prefix_length`` tokens, or None where every sequence is read whole.
    """

    image: NDArray[np.uint8]
    tokens: Tokens
    positions: Tensor | None = None
    prefix: list[tuple[Tensor, Tensor]] | None = None
    prefix_length: int = 0


class VlmReader:
    """``shares_prefix``: whether the prompt up to the second image is read once for all token patches."""

    def __init__(self, network: Any, processor: Any, device: torch.device) -> None:
        self.network = network
        self.device = device
        self.builder = SequenceBuilder(processor, network.config)
        self.shares_prefix = True

    def encode(self, image: NDArray[np.uint8], prompt: VlmPrompt) -> VlmContext:
        """Read the context image, or only note it where every sequence is read whole."""
        shown = Image.fromarray(image)
        tokens, pixels = self.builder.whole(
            prompt, shown, self.builder.crops(image, np.zeros((1, 2), np.int64))
        )
        context = VlmContext(image, tokens, self._positions(tokens, pixels))
        if self.shares_prefix:
            pixels, image_tokens = self.builder.alone([shown])
            places = (tokens["input_ids"][0] == self.builder.image_token_id).nonzero().flatten()
            context.prefix_length = int(places[image_tokens])
            cache = DynamicCache()
            read = {name: told[:, : context.prefix_length] for name, told in tokens.items()}
            self.forward(context, read, 0, cache, pixels, said=1)
            context.prefix = [(layer.keys, layer.values) for layer in cache.layers]
        return context

    def speaker(self, context: VlmContext, prompt: VlmPrompt, origins: NDArray[np.int64]) -> VlmSpeaker:
        """The model, about to read the prompts of some token patches."""
        crops = self.builder.crops(context.image, origins)
        cache = DynamicCache()
        if context.prefix is None:
            _, pixels = self.builder.whole(prompt, Image.fromarray(context.image), crops)
        else:
            pixels, _ = self.builder.alone(crops)
            for layer, (keys, values) in enumerate(context.prefix):
                shape = (len(crops), -1, -1, -1)
                cache.update(keys.expand(shape), values.expand(shape), layer)
        return VlmSpeaker(self, context, cache, pixels, len(crops))

    def features(self, image: Image.Image) -> Tensor:
        """What the language model is told of an image: ``(channels, image tokens)``."""
        pixels, _ = self.builder.alone([image])
        accepted = inspect.signature(self.network.get_image_features).parameters
        features = self.network.get_image_features(
            **{name: value for name, value in self._placed(pixels).items() if name in accepted}
        ).pooler_output
        if not isinstance(features, Tensor):
            features = torch.cat(tuple(features))
        return features.flatten(0, -2).T

    def forward(
        self, context: VlmContext, tokens: Tokens, start: int, cache: DynamicCache, pixels: Tokens, said: int
    ) -> Tensor:
        """Logits ``(batch, said, vocabulary)`` of the last tokens; all that is read joins the cache.

        ``start`` is the place of the first of ``tokens`` in its sequence.
        """
        inputs = {**tokens, **pixels}
        count = tokens["input_ids"].shape[1]
        if context.positions is not None:
            batch = len(tokens["input_ids"])
            inputs["position_ids"] = _from(context.positions, start, count).expand(-1, batch, -1)
        accepted = inspect.signature(self.network.forward).parameters
        output = self.network(
            **{name: value for name, value in self._placed(inputs).items() if name in accepted},
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=said,
        )
        logits: Tensor = output.logits[:, -said:]
        return logits

    def _placed(self, inputs: Tokens) -> Tokens:
        """Inputs on the model's device, colours as numbers of the model's kind."""
        return {
            name: value.to(self.device, self.network.dtype if value.is_floating_point() else None)
            for name, value in inputs.items()
        }

    def _positions(self, tokens: Tokens, pixels: Tokens) -> Tensor | None:
        """Positions of a whole sequence's tokens, for models that number an image's rows and columns.

        They must be given: such a model cannot tell them from a part of the sequence.
        """
        rope_index = getattr(self.network.base_model, "get_rope_index", None)
        if rope_index is None:
            return None
        told = {**tokens, **pixels}
        accepted = inspect.signature(rope_index).parameters
        positions: Tensor = rope_index(**{name: told[name] for name in told if name in accepted})[0]
        return positions


class VlmSpeaker:
    """A `mlservice.decode.Speaker` over sequences whose prompts are read with the first tokens asked for."""

    def __init__(
        self, reader: VlmReader, context: VlmContext, cache: DynamicCache, pixels: Tokens, batch: int
    ) -> None:
        self.batch = batch
        self._reader, self._context, self._cache, self._pixels = reader, context, cache, pixels

    def first(self) -> Tensor:
        return self.read_first(torch.empty((self.batch, 0), dtype=torch.int64))[:, -1]

    def read_first(self, ids: Tensor) -> Tensor:
        """Read the prompts and ``ids``, int64 ``(batch, k)``, behind them in one pass.

        Logits ``(batch, 1 + k, vocabulary)``: after the prompt, and after each of the ids.
        """
        start = self._context.prefix_length
        tokens = {
            name: torch.cat(
                [
                    told[:, start:].expand(self.batch, -1),
                    ids if name == "input_ids" else torch.zeros_like(ids),
                ],
                dim=1,
            )
            for name, told in self._context.tokens.items()
        }
        said = 1 + ids.shape[1]
        return self._reader.forward(self._context, tokens, start, self._cache, self._pixels, said)

    def read(self, ids: Tensor, keep: int) -> Tensor:
        count = ids.shape[1]
        tokens = {
            name: ids if name == "input_ids" else torch.zeros_like(ids) for name in self._context.tokens
        }
        start = self._cache.get_seq_length()
        logits = self._reader.forward(self._context, tokens, start, self._cache, {}, count)
        if keep < count:
            self._cache.crop(keep - count)
        return logits


def _from(positions: Tensor, start: int, count: int) -> Tensor:
    """Positions of ``count`` tokens from place ``start`` on; text goes on by ones behind the prompt."""
    known = positions.shape[-1]
    more = torch.arange(max(0, start + count - known)) + int(positions.max()) + 1
    longer = torch.cat([positions, more.expand(*positions.shape[:-1], -1)], dim=-1)
    return longer[..., start : start + count]
