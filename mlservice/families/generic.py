"""Any image-text-to-text model of transformers: the context image and the token patch as two images of one chat.

What does not change between the token patches of a context image, the prompt up to the second image, is
encoded once and its keys and values are shared, wherever that gives the same answers as reading whole
sequences does (`mlservice.families.selftest`). A model that was tuned on placeholders says all cells in
one pass; any other says class tokens one after the other, under a grammar.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mlservice.answer_format import AnswerFormat, Manner
from mlservice.contracts import Legend, PatchWindow
from mlservice.decode import decode_autoregressive, decode_jacobi
from mlservice.families.family import Answers, Family, pooled
from mlservice.families.memory import bytes_per_token_patch
from mlservice.families.reader import VlmContext, VlmReader
from mlservice.families.record import AnswerRecord
from mlservice.families.sequence import VlmPrompt
from mlservice.families.words import choose_cell_token, say_classes
from mlservice.grammar import TokenTable
from mlservice.token_grid import TOKEN_PATCH_CELLS

CELLS = TOKEN_PATCH_CELLS**2


class VlmFamily(Family):
    """``one_pass`` is whether the active weights were tuned on placeholders of ``cell_token_id``."""

    def __init__(self, network: Any, processor: Any, device: torch.device) -> None:
        super().__init__(network, processor, device)
        self.reader = VlmReader(network, processor, device)
        own = getattr(network.config, "cell_token_id", None)
        rows = network.get_input_embeddings().num_embeddings
        chosen = choose_cell_token(processor.tokenizer, rows) if own is None else int(own)
        self._base_record = None if own is None else AnswerRecord(chosen)
        self.cell_token_id = chosen
        self.one_pass = own is not None

    def follow(self, record: AnswerRecord | None) -> None:
        known = record or self._base_record
        self.one_pass = known is not None
        if known is not None:
            self.cell_token_id = known.cell_token_id

    def prompt(self, legend: Legend) -> VlmPrompt:
        said = say_classes(self.processor.tokenizer, legend)
        return self.reader.builder.prompt(said.words, said.token_ids, said.meanings)

    def encode(self, image: NDArray[np.uint8], prompt: VlmPrompt) -> VlmContext:
        return self.reader.encode(image, prompt)

    def cell_logits(self, context: VlmContext, prompt: VlmPrompt, origins: NDArray[np.int64]) -> Tensor:
        speaker = self.reader.speaker(context, prompt, origins)
        ids = torch.full((len(origins), CELLS), self.cell_token_id)
        said = speaker.read_first(ids)[:, -CELLS:]
        chosen: Tensor = said[..., prompt.class_ids.to(self.device)]
        return chosen

    def answer(self, context: VlmContext, prompt: VlmPrompt, origins: NDArray[np.int64]) -> Answers:
        if self.one_pass:
            return super().answer(context, prompt, origins)
        table = TokenTable(AnswerFormat(prompt.words, Manner.ROWS), tuple(prompt.class_ids.tolist()))
        # A pass of many tokens costs an accelerator little more than one of a single token, and a CPU as
        # many times more.
        decode = decode_jacobi if self.device.type == "cuda" else decode_autoregressive
        said = decode(self.reader.speaker(context, prompt, origins), table)
        return Answers(said.class_logits, said.unparsed)

    def embedding(self, context: VlmContext, window: PatchWindow) -> Tensor:
        rows = slice(window.row, window.row + window.size_px)
        cols = slice(window.col, window.col + window.size_px)
        return pooled(self.reader.features(Image.fromarray(context.image[rows, cols])))

    def bytes_per_token_patch(self, context: VlmContext, prompt: VlmPrompt, *, trains: bool = False) -> int:
        return bytes_per_token_patch(
            self.network.config.get_text_config(),
            context.tokens["input_ids"].shape[1] + CELLS,
            said_tokens=CELLS,
            bytes_per_number=self.network.dtype.itemsize,
            trains=trains,
        )
