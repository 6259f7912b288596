"""The starter with less of itself: its tower with a linear head alone, or its language model without its context.

What the language model is worth is what these lose. All answers are cells, uint8 class values of the detailed
legend, `(rows / CELL_PX, cols / CELL_PX)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mlservice.families import Family
from mlservice.landscape import DETAILED_LEGEND
from mlservice.starter.bank import draw_scene
from mlservice.token_grid import (
    CELL_PX,
    TOKEN_PATCH_CELLS,
    TOKEN_PATCH_PX,
    cells_to_indices,
    indices_to_cells,
    join_token_patches,
    mask_to_cells,
    token_patch_origins,
)

CELLS_PER_SCENE = 1024
"""How many of a scene's 4096 cells a head is fitted on: neighbouring cells tell little more than one."""
FIT_ITERATIONS = 60

Cells = NDArray[np.uint8]


@dataclass(frozen=True)
class LinearHead:
    """A multinomial logistic regression on tower tokens, which are standardised first."""

    mean: Tensor
    spread: Tensor
    linear: nn.Linear

    @torch.inference_mode()
    def cells(self, tokens: Tensor) -> Cells:
        """The likeliest class at each of the tower tokens ``(1, channels, rows, cols)``."""
        features = (tokens[0].permute(1, 2, 0) - self.mean) / self.spread
        return _likeliest(self.linear(features))


def fit_linear_head(family: Family, scenes: int) -> LinearHead:
    """Fit a fresh head on the frozen tower's tokens of so many of the starter's own training scenes.

    Minimises the mean cross-entropy by L-BFGS, with no more regularisation than keeps it finite.
    """
    prompt = family.prompt(DETAILED_LEGEND)
    rng = np.random.default_rng(0)
    tokens, truths = [], []
    with torch.no_grad():
        for seed in range(scenes):
            image, detail = draw_scene(seed)
            kept = rng.permutation(detail.size // CELL_PX**2)[:CELLS_PER_SCENE]
            tokens.append(family.encode(image, prompt)[0].flatten(1).T[torch.from_numpy(kept)])
            cells = mask_to_cells(detail, DETAILED_LEGEND)
            truths.append(cells_to_indices(cells, DETAILED_LEGEND).ravel()[kept])
    features, truth = torch.cat(tokens), torch.from_numpy(np.concatenate(truths))
    mean, spread = features.mean(0), features.std(0) + 1e-6
    return LinearHead(mean, spread, _fit((features - mean) / spread, truth))


def _fit(features: Tensor, truth: Tensor) -> nn.Linear:
    linear = nn.Linear(features.shape[1], len(DETAILED_LEGEND.classes))
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    optimiser = torch.optim.LBFGS(linear.parameters(), max_iter=FIT_ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = functional.cross_entropy(linear(features), truth) + 1e-5 * linear.weight.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    return linear


@torch.inference_mode()
def trained_head_cells(family: Family, tokens: Tensor) -> Cells:
    """What the starter's own output head, which was trained to, says of tower tokens by themselves."""
    class_ids = family.prompt(DETAILED_LEGEND).class_ids
    return _likeliest(family.network.tower_logits(tokens)[0][..., class_ids])


@torch.inference_mode()
def cells_in_context(family: Family, tokens: Tensor, context: Tensor) -> Cells:
    """The starter's answer where each token patch keeps its own tower tokens, and the context is another's.

    With the image's own tokens as ``context`` it is the starter's answer.
    """
    rows, cols = (side * CELL_PX for side in tokens.shape[-2:])
    prompt = family.prompt(DETAILED_LEGEND)
    origins = token_patch_origins(0, 0, rows)
    output = family.network(
        input_ids=prompt.input_ids,
        patch_origins=torch.from_numpy(origins)[None],
        tower_tokens=tokens,
        context_tokens=context,
    )
    return _joined(output.logits[0][..., prompt.class_ids], rows, cols)


@torch.inference_mode()
def cells_of_crops(family: Family, image: NDArray[np.uint8]) -> Cells:
    """The starter's answer when it sees nothing of an image but the token patch that it is asked for."""
    rows, cols, _ = image.shape
    crops = np.stack(
        [
            image[row : row + TOKEN_PATCH_PX, col : col + TOKEN_PATCH_PX]
            for row, col in token_patch_origins(0, 0, rows)
        ]
    )
    prompt = family.prompt(DETAILED_LEGEND)
    output = family.network(
        input_ids=prompt.input_ids.expand(len(crops), -1),
        patch_origins=torch.zeros(len(crops), 1, 2, dtype=torch.int64),
        pixel_values=family.processor(images=crops)["pixel_values"],
    )
    return _joined(output.logits[:, 0][..., prompt.class_ids], rows, cols)


def _joined(logits: Tensor, rows: int, cols: int) -> Cells:
    """The likeliest classes of ``(token patches, cells, classes)``, put together to the image."""
    indices = logits.argmax(-1).unflatten(1, (TOKEN_PATCH_CELLS, TOKEN_PATCH_CELLS)).numpy()
    joined = join_token_patches(indices, rows // CELL_PX, cols // CELL_PX)
    return indices_to_cells(joined, DETAILED_LEGEND)


def _likeliest(logits: Tensor) -> Cells:
    """The likeliest class of each of ``(rows, cols, classes)``."""
    return indices_to_cells(logits.argmax(-1).numpy(), DETAILED_LEGEND)
