"""What every kind of model must be able to do: read a context image once, and say the classes of cells.

The method's other parts (`segment`, `finetune`) know models only through this interface, so that training
and serving ask in the same way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from mlservice.contracts import LabelledPatch, Legend, PatchWindow
from mlservice.families.record import AnswerRecord


@dataclass(frozen=True)
class Answers:
    """What a model said of some token patches.

    ``logits``: float32 ``(token patches, cells, classes)``, in the legend's order; log-probabilities where
    the model answered token by token. ``unparsed``: bool ``(token patches, cells)``, where the answer was no
    class of the legend.
    """

    logits: Tensor
    unparsed: Tensor


class Family(ABC):
    """A loaded network and its processor, and how to ask them.

    The network is the base model itself: adapters are put into its layers, so that it answers with whichever
    adapter is active. ``notes`` are sentences on what this model cannot do as well as others.
    ``cell_token_id`` is the token of the placeholders at which all cells are said in one pass.
    """

    cell_token_id: int

    def __init__(self, network: Any, processor: Any, device: torch.device) -> None:
        self.network = network
        self.processor = processor
        self.device = device
        self.notes: list[str] = []

    @abstractmethod
    def prompt(self, legend: Legend) -> Any:
        """What the model reads beside the pixels; raises BadLegend when it cannot say the legend's classes."""

    @abstractmethod
    def encode(self, image: NDArray[np.uint8], prompt: Any) -> Any:
        """The context image, uint8 ``(rows, cols, 3)``, read once for all of its token patches."""

    @abstractmethod
    def cell_logits(self, context: Any, prompt: Any, origins: NDArray[np.int64]) -> Tensor:
        """Logits ``(token patches, cells, classes)`` of all cells in one pass; differentiable.

        ``origins``: ``(token patches, 2)``, upper left corners in pixels of the context image. The context must
        be of the same prompt.
        """

    @abstractmethod
    def embedding(self, context: Any, window: PatchWindow) -> Tensor:
        """What the vision tower sees in a window, as one vector of unit length."""

    @abstractmethod
    def bytes_per_token_patch(self, context: Any, prompt: Any, *, trains: bool = False) -> int:
        """An estimate from above of the memory that one more token patch in a batch takes."""

    @abstractmethod
    def follow(self, record: AnswerRecord | None) -> None:
        """Answer as the active adapter was tuned to; None when it was not, or when there is no adapter."""

    def rehearsal(self, legend: Legend, count: int, seed: int) -> tuple[LabelledPatch, ...]:
        """Patches that the base model can go on seeing in a round, so that it forgets less; none by default."""
        return ()

    def adapted_layers(self, part: str = "all") -> list[str]:
        """The names of all layers that an adapter goes on: every linear one and every convolution.

        ``part`` is one of `contracts.ADAPTED`: all of them, those of the vision tower, or all others. An output
        head that shares its weights with the embeddings is left as it is, and so are layers that torch's own
        attention reads the weights of without calling them.
        """
        head = self.network.get_output_embeddings()
        shared = head is not None and head.weight is self.network.get_input_embeddings().weight
        return [
            name
            for name, module in self.network.named_modules()
            if isinstance(module, nn.Linear | nn.Conv2d)
            and not isinstance(module, NonDynamicallyQuantizableLinear)
            and not (shared and module is head)
            and part in ("all", "vision" if _sees(name) else "language")
        ]

    def answer(self, context: Any, prompt: Any, origins: NDArray[np.int64]) -> Answers:
        """What the model says of some token patches. A logit that is no number is no answer."""
        logits = self.cell_logits(context, prompt, origins).float()
        return Answers(logits, ~logits.isfinite().all(-1))


def _sees(layer: str) -> bool:
    """Whether a layer is of the vision tower, by the names that the families give it."""
    return any(word in layer for word in ("vision", "visual"))


def pooled(tokens: Tensor) -> Tensor:
    """Mean and standard deviation of tokens ``(channels, tokens)``, as one vector of unit length."""
    values = tokens.float()
    both = torch.cat([values.mean(1), values.std(1, unbiased=values.shape[1] > 1)])
    direction: Tensor = both / both.norm().clamp_min(1e-12)
    return direction
