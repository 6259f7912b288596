"""`segment`: masks and entropies for the patches of one context image, all cells of a token patch in one pass."""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mlservice.contracts import (
    UNSURE,
    Legend,
    PatchSegmentation,
    PatchWindow,
    SegmentRequest,
    SegmentResult,
)
from mlservice.dataset import without_gaps
from mlservice.errors import BadImage
from mlservice.families import Answers
from mlservice.families.memory import answer_in_batches, batch_size
from mlservice.sharpen import sharpen
from mlservice.token_grid import (
    CELL_PX,
    TOKEN_PATCH_CELLS,
    TOKEN_PATCH_PX,
    Scalar,
    cells_to_mask,
    join_token_patches,
    probabilities_to_mask,
    token_patch_origins,
    upsample_probabilities,
)
from mlservice.uncertainty import cell_entropy, tempered_softmax
from mlservice.vlm import answering


def segment(request: SegmentRequest) -> SegmentResult:
    """Answer for every window of the request's context image.

    The image is encoded once; a window's token patches are answered together, as many as memory holds. Class
    probabilities are a softmax over the legend's classes alone. A cell whose answer was none of them is
    counted in ``unparsed_cells``: all classes are equally likely there, and its mask is *unsure*, never the
    null class, so that a person sees that nothing was said.
    Raises BadImage for an image, a validity mask or a window that does not fit, BadLegend for a legend that
    the model cannot say, BadModelFolder for a model that cannot be loaded.
    """
    started = time.perf_counter()
    check_request(request)
    image = without_gaps(request.image, request.valid)
    with answering(request.model) as loaded, torch.inference_mode():
        family = loaded.family
        prompt = family.prompt(request.legend)
        context = family.encode(image, prompt)
        size = batch_size(loaded.device, family.bytes_per_token_patch(context, prompt))
        patches = []
        for window in request.windows:
            origins = token_patch_origins(window.row, window.col, window.size_px)
            said = answer_in_batches(partial(family.answer, context, prompt), origins, size)
            embedding = family.embedding(context, window).cpu().numpy()
            patches.append(_segmentation(request, window, said, embedding))
    return SegmentResult(tuple(patches), time.perf_counter() - started)


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


def _segmentation(
    request: SegmentRequest, window: PatchWindow, said: Answers, embedding: NDArray[np.float32]
) -> PatchSegmentation:
    """What is told of a window, with the null class wherever the scene has no data."""
    side = window.size_px // CELL_PX
    unparsed = _joined(said.unparsed[..., None], side)[0].astype(np.bool_)
    logits = _joined(said.logits.masked_fill(said.unparsed[..., None], 0.0), side)
    probabilities = tempered_softmax(logits, request.model.temperature)
    seen = _window_of(request.image, window)
    mask = probabilities_to_mask(sharpen(upsample_probabilities(probabilities), seen), request.legend)
    mask[cells_to_mask(unparsed.astype(np.uint8)) == 1] = UNSURE
    valid = _window_of(request.valid, window) if request.valid is not None else None
    if valid is not None:
        mask[~valid] = _null_value(request.legend)
        empty = ~valid.reshape(side, CELL_PX, side, CELL_PX).any((1, 3))
        certain = np.array([float(c.is_null) for c in request.legend.classes], dtype=np.float32)
        probabilities[:, empty] = certain[:, None]
        unparsed &= ~empty
    return PatchSegmentation(
        key=window.key,
        mask=mask,
        entropy_nats=cell_entropy(probabilities),
        class_probabilities=probabilities,
        embedding=embedding,
        unparsed_cells=int(unparsed.sum()),
        unparsed=unparsed,
    )


def _joined(values: Tensor, side: int) -> NDArray[np.float32]:
    """``(token patches, cells, planes)`` as ``(planes, side, side)`` cells of the window."""
    grids = values.transpose(1, 2).unflatten(2, (TOKEN_PATCH_CELLS, TOKEN_PATCH_CELLS))
    return join_token_patches(grids.float().cpu().numpy(), side, side)


def _null_value(legend: Legend) -> int:
    return next(c.value for c in legend.classes if c.is_null)


def _window_of(plane: NDArray[Scalar], window: PatchWindow) -> NDArray[Scalar]:
    return plane[window.row : window.row + window.size_px, window.col : window.col + window.size_px]
