"""The starter's processor: its word list, its chat template and its image normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import BaseImageProcessor, BatchFeature, PreTrainedTokenizerFast, ProcessorMixin

from mlservice.legend import KNOWN_WORDS, RESERVED_WORDS

IMAGE_TOKEN = "<image>"
CELL_TOKEN = "<cell>"
SPECIAL_TOKENS = ("<pad>", "<unk>", "<s>", "</s>", IMAGE_TOKEN, CELL_TOKEN, "<user>", "<assistant>")
PLAIN_WORDS = ("classes", ":", ",", ".")
VOCABULARY = (*SPECIAL_TOKENS, *PLAIN_WORDS, *KNOWN_WORDS, *RESERVED_WORDS)

CHAT_TEMPLATE = (
    "<s> {% for message in messages %}<{{ message['role'] }}> {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image> {% elif part['type'] == 'cells' %}<cell>"
    "{% else %}{{ part['text'] }} {% endif %}{% endfor %}{% endfor %}"
)


class MilpaImageProcessor(BaseImageProcessor):
    """Scales uint8 colours to [-1, 1] and never resizes: one cell is always the same number of pixels."""

    model_input_names = ["pixel_values"]

    def preprocess(self, images: Any, **_: Any) -> BatchFeature:
        """``pixel_values`` float32 ``(images, 3, rows, cols)`` of one uint8 ``(rows, cols, 3)`` or of many."""
        stack: NDArray[np.uint8] = np.asarray(images)
        stack = stack[None] if stack.ndim == 3 else stack
        planes = np.ascontiguousarray(stack.transpose(0, 3, 1, 2)).astype(np.float32)
        return BatchFeature({"pixel_values": torch.from_numpy(planes / 127.5 - 1.0)})

    def __call__(self, images: Any, *args: Any, **kwargs: Any) -> BatchFeature:
        return self.preprocess(images, **kwargs)


class MilpaProcessor(ProcessorMixin):
    """Image processor and tokenizer in one.

    The template's one ``<image>`` becomes ``context_tokens`` of them and its one ``<cell>`` becomes
    ``cell_tokens``, the places where the model puts the pooled context and says the classes.
    """

    def __init__(
        self,
        image_processor: Any = None,
        tokenizer: Any = None,
        chat_template: str | None = None,
        context_tokens: int = 64,
        cell_tokens: int = 256,
        **kwargs: Any,
    ) -> None:
        self.context_tokens = context_tokens
        self.cell_tokens = cell_tokens
        super().__init__(image_processor, tokenizer, chat_template=chat_template)

    def __call__(self, images: Any = None, text: str | None = None, **kwargs: Any) -> BatchFeature:
        """``input_ids`` of a text from the chat template, ``pixel_values`` of images, or both."""
        data: dict[str, Any] = {}
        if text is not None:
            text = text.replace(IMAGE_TOKEN, " ".join([IMAGE_TOKEN] * self.context_tokens))
            text = text.replace(CELL_TOKEN, " ".join([CELL_TOKEN] * self.cell_tokens))
            data["input_ids"] = torch.tensor([self.tokenizer.encode(text, add_special_tokens=False)])
        if images is not None:
            data |= dict(self.image_processor(images))
        return BatchFeature(data)


def build_processor(context_tokens: int, cell_tokens: int) -> MilpaProcessor:
    """The processor that the training recipe saves beside the weights."""
    words = Tokenizer(WordLevel({word: index for index, word in enumerate(VOCABULARY)}, unk_token="<unk>"))
    words.pre_tokenizer = WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    return MilpaProcessor(
        MilpaImageProcessor(),
        tokenizer,
        CHAT_TEMPLATE,
        context_tokens=context_tokens,
        cell_tokens=cell_tokens,
    )
