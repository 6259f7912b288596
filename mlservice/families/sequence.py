"""From images and words to the ids and pixels that a foreign model reads.

One token patch is asked for by one sequence: the context image, the legend in words, the token patch as a
second image, and the turn of the assistant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jinja2 import TemplateError
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mlservice.answer_format import AnswerFormat, Manner
from mlservice.errors import BadModelFolder
from mlservice.families.processors import IMAGE_OPTIONS
from mlservice.prompt import ImageRole, Message, Question, QuestionImage, messages
from mlservice.token_grid import TOKEN_PATCH_CELLS, TOKEN_PATCH_PX

PER_TOKEN = ("input_ids", "mm_token_type_ids", "token_type_ids")
"""What processors tell of each token: its id, and whether it stands for text (0) or for an image."""


@dataclass(frozen=True)
class VlmPrompt:
    """How a foreign model is asked: the chat's text, and the word and token of each class."""

    text: str
    words: tuple[str, ...]
    class_ids: Tensor


class SequenceBuilder:
    """Makes the inputs of one model; ``image_token_id`` stands where its image features go."""

    def __init__(self, processor: Any, config: Any) -> None:
        self.processor = processor
        self.image_token_id = int(getattr(config, "image_token_id", None) or config.image_token_index)
        self.options = {"images_kwargs": IMAGE_OPTIONS.get(config.model_type, {})}
        self.crop_px = _crop_px(processor.image_processor)
        self.one_image = self._chat([{"role": "user", "content": [{"type": "image"}]}])

    def prompt(
        self, words: Sequence[str], class_ids: Sequence[int], meanings: Sequence[str] = ()
    ) -> VlmPrompt:
        """The question for the classes of a token patch, shown as the second image after its context."""
        images = (QuestionImage(ImageRole.CONTEXT), QuestionImage(ImageRole.CROP))
        question = Question(AnswerFormat(tuple(words), Manner.ROWS), images, tuple(meanings))
        return VlmPrompt(self._chat(messages(question)), tuple(words), torch.tensor(class_ids))

    def _chat(self, turns: list[Message]) -> str:
        try:
            text: str = self.processor.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        except TemplateError as error:
            raise BadModelFolder(
                f"This model's chat template does not take a message of images and words ({error}). Choose a "
                "model whose chat template takes several images."
            ) from error
        return text

    def crops(self, image: NDArray[np.uint8], origins: NDArray[np.int64]) -> list[Image.Image]:
        """Token patches cut out, of the size at which the model has one image token for each cell if it can."""
        side = TOKEN_PATCH_PX
        cut = [Image.fromarray(image[row : row + side, col : col + side]) for row, col in origins]
        if self.crop_px is None:
            return cut
        return [c.resize((self.crop_px, self.crop_px), Image.Resampling.BICUBIC) for c in cut]

    def whole(
        self, prompt: VlmPrompt, context: Image.Image, crops: Sequence[Image.Image]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """One sequence for each crop, all with the same context image: what is told of tokens, and pixels."""
        return self._process([prompt.text] * len(crops), [[context, crop] for crop in crops])

    def alone(self, images: Sequence[Image.Image]) -> tuple[dict[str, Tensor], int]:
        """The pixels of images shown one by one, and how many image tokens each of them has."""
        tokens, pixels = self._process([self.one_image] * len(images), [[image] for image in images])
        return pixels, int((tokens["input_ids"][0] == self.image_token_id).sum())

    def _process(
        self, texts: list[str], images: list[list[Image.Image]]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        inputs = self.processor(text=texts, images=images, return_tensors="pt", **self.options)
        # No sequence is padded, since all have the same images and words: the mask would say nothing.
        inputs.pop("attention_mask", None)
        tokens = {name: value for name, value in inputs.items() if name in PER_TOKEN}
        return tokens, {name: value for name, value in inputs.items() if name not in PER_TOKEN}


def _crop_px(image_processor: Any) -> int | None:
    """The side of a crop that gives one image token a cell, for models that read images of any size."""
    patch, merge = getattr(image_processor, "patch_size", None), getattr(image_processor, "merge_size", None)
    return TOKEN_PATCH_CELLS * patch * merge if patch and merge else None
