"""`segment`: masks and entropies for the patches of one context image, all cells of a token patch in one pass."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mlservice.contracts import Legend, PatchSegmentation, PatchWindow, SegmentRequest, SegmentResult
from mlservice.errors import BadImage
from mlservice.prompt import Prompt, build_prompt
from mlservice.token_grid import (
    CELL_PX,
    TOKEN_PATCH_CELLS,
    TOKEN_PATCH_PX,
    join_token_patches,
    probabilities_to_mask,
    token_patch_origins,
)
from mlservice.uncertainty import cell_entropy, tempered_softmax
from mlservice.vlm import LoadedModel, answering


def segment(request: SegmentRequest) -> SegmentResult:
    """Answer for every window of the request's context image.

    The image is encoded once; a window's token patches are answered together. Class probabilities are a
    softmax over the legend's class tokens alone, so that every cell has a class: ``unparsed_cells`` is 0.
    Raises BadImage for an image, a validity mask or a window that does not fit, BadLegend for a legend that
    the model cannot say, BadModelFolder for a model that cannot be loaded.
    """
    started = time.perf_counter()
    check_request(request)
    image = _without_gaps(request.image, request.valid)
    with answering(request.model) as loaded, torch.inference_mode():
        prompt = build_prompt(loaded.processor, request.legend)
        pixels = loaded.processor(images=image)["pixel_values"].to(loaded.device)
        tokens = tower(loaded.network)(pixels).last_hidden_state
        patches = tuple(
            _answer(request, window, _logits(loaded, prompt, tokens, window), tokens)
            for window in request.windows
        )
    return SegmentResult(patches, time.perf_counter() - started)


def tower(network: Any) -> Any:
    """The vision tower of a base model, with the active adapter if there is one."""
    return (
        network.get_base_model().vision_tower if hasattr(network, "get_base_model") else network.vision_tower
    )


def check_request(request: SegmentRequest) -> None:
    """Raise BadImage, saying what is wrong, unless image, validity and windows fit one another."""
    image = request.image
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise BadImage(f"An image must be uint8 (rows, cols, 3), got {image.dtype} {image.shape}.")
    rows, cols, _ = image.shape
    if not rows or not cols or rows % TOKEN_PATCH_PX or cols % TOKEN_PATCH_PX:
        raise BadImage(f"An image's sides must be multiples of {TOKEN_PATCH_PX} px, got {rows} × {cols}.")
    if request.valid is not None and request.valid.shape != (rows, cols):
        raise BadImage(f"The validity mask {request.valid.shape} has another shape than the image.")
    for window in request.windows:
        place = (window.row, window.col, window.size_px)
        if any(value < 0 or value % TOKEN_PATCH_PX for value in place) or not window.size_px:
            raise BadImage(f"Window {window.key} is not made of token patches of {TOKEN_PATCH_PX} px.")
        if window.row + window.size_px > rows or window.col + window.size_px > cols:
            raise BadImage(f"Window {window.key} reaches beyond its context image of {rows} × {cols} px.")


def _without_gaps(image: NDArray[np.uint8], valid: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    """The image with its mean colour where there is no data, so that a black edge does not look like land."""
    if valid is None or valid.all() or not valid.any():
        return image
    filled = image.copy()
    filled[~valid] = image[valid].mean(0).astype(np.uint8)
    return filled


def _logits(loaded: LoadedModel, prompt: Prompt, tokens: Tensor, window: PatchWindow) -> NDArray[np.float32]:
    """Logits of the legend's classes at the window's cells, ``(classes, rows, cols)``."""
    origins = token_patch_origins(window.row, window.col, window.size_px)
    output = loaded.network(
        input_ids=prompt.input_ids.to(loaded.device),
        patch_origins=torch.from_numpy(origins)[None].to(loaded.device),
        tower_tokens=tokens,
    )
    said = output.logits[0][..., prompt.class_ids.to(loaded.device)]
    grids = said.transpose(1, 2).unflatten(2, (TOKEN_PATCH_CELLS, TOKEN_PATCH_CELLS))
    cells = window.size_px // CELL_PX
    return join_token_patches(grids.float().cpu().numpy(), cells, cells)


def _answer(
    request: SegmentRequest, window: PatchWindow, logits: NDArray[np.float32], tokens: Tensor
) -> PatchSegmentation:
    """What is told of a window, with the null class wherever the scene has no data."""
    probabilities = tempered_softmax(logits, request.model.temperature)
    mask = probabilities_to_mask(probabilities, request.legend)
    valid = _window_of(request.valid, window) if request.valid is not None else None
    if valid is not None:
        mask[~valid] = _null_value(request.legend)
        side = window.size_px // CELL_PX
        empty = ~valid.reshape(side, CELL_PX, side, CELL_PX).any((1, 3))
        certain = np.array([float(c.is_null) for c in request.legend.classes], dtype=np.float32)
        probabilities[:, empty] = certain[:, None]
    return PatchSegmentation(
        key=window.key,
        mask=mask,
        entropy_nats=cell_entropy(probabilities),
        class_probabilities=probabilities,
        embedding=_embedding(tokens, window),
    )


def _null_value(legend: Legend) -> int:
    return next(c.value for c in legend.classes if c.is_null)


def _window_of(plane: NDArray[np.bool_], window: PatchWindow) -> NDArray[np.bool_]:
    return plane[window.row : window.row + window.size_px, window.col : window.col + window.size_px]


def _embedding(tokens: Tensor, window: PatchWindow) -> NDArray[np.float32]:
    """Mean and standard deviation of the tower's tokens in the window, as one vector of unit length."""
    row, col, side = (value // CELL_PX for value in (window.row, window.col, window.size_px))
    local = tokens[0, :, row : row + side, col : col + side].flatten(1).float()
    pooled = torch.cat([local.mean(1), local.std(1)])
    return np.asarray((pooled / pooled.norm().clamp_min(1e-12)).cpu().numpy(), dtype=np.float32)
