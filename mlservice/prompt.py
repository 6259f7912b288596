"""The one way to ask, for training and for serving: whole image, legend in words, one token patch.

Both call `build_prompt`, so the ids that a model is tuned on are the ids that it is asked with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mlservice.contracts import Legend
from mlservice.errors import BadLegend
from mlservice.legend import class_words


@dataclass(frozen=True)
class Prompt:
    """What the model reads beside the pixels.

    ``input_ids``: int64 ``(1, length)``, ending in one placeholder for each cell of a token patch.
    ``class_ids``: int64 ``(classes,)``, the token that says each class, in the legend's order.
    """

    input_ids: Tensor
    class_ids: Tensor


def build_prompt(processor: Any, legend: Legend) -> Prompt:
    """The prompt for a legend; raises BadLegend when the model's tokenizer cannot say its classes."""
    return prompt_for_words(processor, class_words(legend))


def prompt_for_words(processor: Any, words: tuple[str, ...]) -> Prompt:
    """The prompt for class words that are already chosen."""
    class_ids = _single_tokens(processor.tokenizer, words)
    messages = [
        {
            "role": "user",
            "content": [{"type": "image"}, {"type": "text", "text": f"classes : {' , '.join(words)}"}],
        },
        {"role": "assistant", "content": [{"type": "cells"}]},
    ]
    text = processor.apply_chat_template(messages, tokenize=False)
    input_ids = processor(text=text, return_tensors="pt")["input_ids"]
    return Prompt(input_ids, torch.tensor(class_ids))


def _single_tokens(tokenizer: Any, words: tuple[str, ...]) -> list[int]:
    """The id of each word; raises BadLegend unless each is one known token and no two are the same."""
    ids: list[int] = []
    for word in words:
        tokens = tokenizer.encode(word, add_special_tokens=False)
        if len(tokens) != 1 or tokens[0] == tokenizer.unk_token_id:
            raise BadLegend(f"This model has no single token for the class word “{word}”.")
        if tokens[0] in ids:
            raise BadLegend(f"This model says “{word}” and another class with the same token.")
        ids.append(tokens[0])
    return ids
