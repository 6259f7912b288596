"""The one way to ask, for training and for serving: images, the legend in words, the form of the answer.

A question is data; `messages` turns it into the chat that every model's own template renders. Whoever trains a
model and whoever asks it build the same question, so the ids that a model is tuned on are the ids that it is
asked with. Answers are never rendered as text: their ids come from a `grammar.TokenTable`, or are placeholders.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mlservice.answer_format import ROW_END_WORD, AnswerFormat, Manner
from mlservice.contracts import Legend
from mlservice.grammar import single_tokens
from mlservice.legend import class_words

if TYPE_CHECKING:
    from torch import Tensor

Message = dict[str, Any]
"""One turn of a chat as transformers keeps it: a role, and a list of texts and images."""


class ImageRole(StrEnum):
    """What an image of a question is for.

    ``context``: the whole around the token patch. ``view``: the same land at another date or by another
    sensor. ``crop``: the token patch itself.
    """

    CONTEXT = "context"
    VIEW = "view"
    CROP = "crop"


CAPTIONS = {
    ImageRole.CONTEXT: "The whole image:",
    ImageRole.VIEW: "The same land at another time:",
    ImageRole.CROP: "The part to answer for:",
}


@dataclass(frozen=True)
class QuestionImage:
    """An image's place in a question; its pixels go to the processor in the same order.

    ``caption`` stands before it, that of its role unless another is given, such as the date and the sensor.
    ``path`` is told in the message where the images are files.
    """

    role: ImageRole
    caption: str | None = None
    path: str | None = None


@dataclass(frozen=True)
class Example:
    """A question that was answered before, shown to the model: its images and the `answer_text`."""

    images: tuple[QuestionImage, ...]
    answer: str


@dataclass(frozen=True)
class Question:
    """All that a model is asked with.

    ``meanings`` are, for each class word of the format, what it stands for, empty where the word says it.
    A ``terse`` question has neither captions nor a description of the answer: for a model that knows no
    words but those of classes. Raises ValueError without an image, or for another number of meanings.
    """

    answer_format: AnswerFormat
    images: tuple[QuestionImage, ...]
    meanings: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    terse: bool = False

    def __post_init__(self) -> None:
        if not self.images or not all(example.images for example in self.examples):
            raise ValueError("a question and each of its examples need at least one image")
        if len(self.meanings) not in (0, len(self.answer_format.words)):
            raise ValueError("meanings are given for all class words or for none")


def messages(question: Question) -> list[Message]:
    """The chat of a question, one turn of the user and one of the assistant for each example, then the user's.

    What all token patches of a context share comes first, the crop last, so that the beginning can be
    encoded once for all of them. The turn of the assistant that follows is the answer.
    """
    turns: list[Message] = []
    for example in question.examples:
        turns.append(_user_turn(question, example.images))
        turns.append({"role": "assistant", "content": [_text(example.answer)]})
    return [*turns, _user_turn(question, question.images)]


def legend_text(words: tuple[str, ...], meanings: tuple[str, ...] = ()) -> str:
    """The classes in words, each with what it means if the word does not say it."""
    told = [f"{w} ( {m} )" if m else w for w, m in zip(words, meanings or [""] * len(words), strict=True)]
    return f"classes : {' , '.join(told)}"


def answer_instruction(answer_format: AnswerFormat) -> str:
    """What a model is told about the form of its answer."""
    grid = f"The part to answer for has {answer_format.rows} rows of {answer_format.cols} cells."
    between = f" Put {ROW_END_WORD} between rows." if answer_format.has_row_ends else ""
    if answer_format.manner is Manner.RUN_LENGTHS:
        return (
            f"{grid} Row by row from the top, say a class and for how many cells from the left it holds, at "
            f"most {answer_format.longest_run}, then the next class of the row.{between}"
        )
    return f"{grid} Say one class for each cell, row by row from the top left.{between}"


def _user_turn(question: Question, images: tuple[QuestionImage, ...]) -> Message:
    asked = legend_text(question.answer_format.words, question.meanings)
    if not question.terse:
        asked = f"{asked} . {answer_instruction(question.answer_format)}\n"
    shared = [image for image in images if image.role is not ImageRole.CROP]
    crops = [image for image in images if image.role is ImageRole.CROP]
    content = [
        *(part for image in shared for part in _image_parts(image, question.terse)),
        _text(asked),
        *(part for image in crops for part in _image_parts(image, question.terse)),
    ]
    return {"role": "user", "content": content}


def _image_parts(image: QuestionImage, terse: bool) -> list[dict[str, str]]:
    part = {"type": "image"} if image.path is None else {"type": "image", "path": image.path}
    caption = CAPTIONS[image.role] if image.caption is None else image.caption
    return [part] if terse or not caption else [_text(caption), part]


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


@dataclass(frozen=True)
class Prompt:
    """What the starter reads beside the pixels.

    ``input_ids``: int64 ``(1, length)``, ending in one placeholder for each cell of a token patch.
    ``class_ids``: int64 ``(classes,)``, the token that says each class, in the legend's order.
    """

    input_ids: Tensor
    class_ids: Tensor


def build_prompt(processor: Any, legend: Legend) -> Prompt:
    """The starter's prompt for a legend; BadLegend when the model's tokenizer cannot say its classes."""
    return prompt_for_words(processor, class_words(legend))


def prompt_for_words(processor: Any, words: tuple[str, ...]) -> Prompt:
    """The starter's prompt for class words that are already chosen."""
    import torch  # what builds questions and data sets needs no tensors

    class_ids = single_tokens(processor.tokenizer, words)
    context = QuestionImage(ImageRole.CONTEXT)
    turns = messages(Question(AnswerFormat(words), (context,), terse=True))
    # The starter's template turns “cells” into the placeholders that its processor multiplies.
    turns.append({"role": "assistant", "content": [{"type": "cells"}]})
    text = processor.apply_chat_template(turns, tokenize=False)
    input_ids = processor(text=text, return_tensors="pt")["input_ids"]
    return Prompt(input_ids, torch.tensor(class_ids))
