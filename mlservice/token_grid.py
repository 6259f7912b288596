"""Between masks of pixels and grids of cells: what a model says of a cell, and what a mask says of a pixel.

A mask is uint8 ``(rows, cols)`` of class values, 255 where unsure; a cell is a square of ``cell_px`` pixels; a
token patch is a square of ``token_patch_cells`` cells. Both sizes belong to a model version; their defaults are
those of the starter. Class *indices* count in the legend's order.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mlservice.contracts import PATCH_SIZE_PX, UNSURE, Legend

Scalar = TypeVar("Scalar", bound=np.generic)

CELL_PX = 4
"""The side of a cell, unless a model version has another."""
TOKEN_PATCH_CELLS = 16
TOKEN_PATCH_PX = CELL_PX * TOKEN_PATCH_CELLS
PATCH_TOKEN_PATCHES = (PATCH_SIZE_PX // TOKEN_PATCH_PX) ** 2
IGNORED_INDEX = -100
"""The class index of a cell that is left out of the loss."""
BOUNDARY_WEIGHT = 2
"""What a boundary pixel counts where other pixels count 1: boundaries are thinner than cells, and a plain
majority would break them up. Of the weights 1 to 4, and of fixed shares, this lets upsampled cells match the
masks of synthetic landscapes best."""

BOUNDARY_ODDS = 1.5
"""How many times a boundary's probability counts when a pixel's class is chosen: a gap runs two fields together,
which costs a person more than a line that is a pixel too wide. docs/experiments.md has what it changes."""


def mask_to_cells(
    mask: NDArray[np.uint8], legend: Legend, cell_px: int = CELL_PX, least_sure_px: int | None = None
) -> NDArray[np.uint8]:
    """One class value for each cell, uint8 ``(rows / cell_px, cols / cell_px)``.

    A cell is unsure where fewer than ``least_sure_px`` of its pixels are sure, by default where more than half
    are unsure; else it has the class that most of its other pixels have, a boundary pixel counting
    `BOUNDARY_WEIGHT` times, and the earlier class in the legend when two are level. Raises ValueError when a
    side is no multiple of the cell, or a value is neither in the legend nor unsure.
    """
    rows, cols = mask.shape
    if cell_px < 1:
        raise ValueError(f"a cell must be at least 1 px wide, got {cell_px}")
    if rows % cell_px or cols % cell_px:
        raise ValueError(f"a mask's sides must be multiples of {cell_px} px, got {rows} × {cols}")
    values = np.array(legend.values, dtype=np.uint8)
    _check_values(mask, legend, "the pixels of the mask")
    blocks = mask.reshape(rows // cell_px, cell_px, cols // cell_px, cell_px)
    votes = np.stack([(blocks == value).sum((1, 3)) for value in values])
    if legend.boundary_value is not None:
        votes[legend.values.index(legend.boundary_value)] *= BOUNDARY_WEIGHT
    cells: NDArray[np.uint8] = values[votes.argmax(0)]
    needed = cell_px**2 / 2 if least_sure_px is None else least_sure_px
    cells[(blocks != UNSURE).sum((1, 3)) < needed] = UNSURE
    return cells


def cells_to_mask(cells: NDArray[np.uint8], cell_px: int = CELL_PX) -> NDArray[np.uint8]:
    """Every pixel of a cell gets the cell's value; the inverse of `mask_to_cells` for such masks."""
    return cells.repeat(cell_px, axis=0).repeat(cell_px, axis=1)


def cells_to_indices(cells: NDArray[np.uint8], legend: Legend) -> NDArray[np.int64]:
    """Class indices of cells, int64 of the same shape; `IGNORED_INDEX` where unsure.

    Raises ValueError for a value that is neither in the legend nor unsure.
    """
    _check_values(cells, legend, "the cells")
    table = np.full(256, IGNORED_INDEX, dtype=np.int64)
    table[list(legend.values)] = np.arange(len(legend.values))
    return table[cells]


def indices_to_cells(indices: NDArray[np.int64], legend: Legend) -> NDArray[np.uint8]:
    """The inverse of `cells_to_indices`; ValueError for an index that is no class of the legend."""
    ignored = indices == IGNORED_INDEX
    if not (ignored | ((indices >= 0) & (indices < len(legend.values)))).all():
        raise ValueError(f"class indices must be below {len(legend.values)}, or {IGNORED_INDEX} where unsure")
    values = np.array(legend.values, dtype=np.uint8)
    return np.where(ignored, np.uint8(UNSURE), values[np.maximum(indices, 0)])


def token_patch_origins(
    row: int, col: int, size_px: int, token_patch_px: int = TOKEN_PATCH_PX
) -> NDArray[np.int64]:
    """Upper left corners ``(token patches, 2)`` in pixels of a patch's token patches, row by row.

    Raises ValueError when the patch is not made of whole token patches.
    """
    if token_patch_px < 1 or size_px % token_patch_px:
        raise ValueError(f"{size_px} px cannot be divided into token patches of {token_patch_px} px")
    steps = np.arange(0, size_px, token_patch_px)
    rows, cols = np.meshgrid(row + steps, col + steps, indexing="ij")
    return np.stack([rows.ravel(), cols.ravel()], axis=1).astype(np.int64)


def split_token_patches(
    cells: NDArray[Scalar], token_patch_cells: int = TOKEN_PATCH_CELLS
) -> NDArray[Scalar]:
    """Cells ``(…, rows, cols)`` as token patches ``(token patches, …, side, side)``, row by row.

    ``side`` is ``token_patch_cells``. Raises ValueError when the cells are not made of whole token patches.
    """
    side = token_patch_cells
    *lead, rows, cols = cells.shape
    _check_whole(rows, cols, side)
    blocks = cells.reshape(*lead, rows // side, side, cols // side, side)
    blocks = np.moveaxis(np.moveaxis(blocks, -2, 0), -3, 0)
    return blocks.reshape(-1, *lead, side, side)


def join_token_patches(patches: NDArray[Scalar], rows: int, cols: int) -> NDArray[Scalar]:
    """The inverse of `split_token_patches`: ``(…, rows, cols)`` cells; ValueError when the count does not fit."""
    side = patches.shape[-1]
    _check_whole(rows, cols, side)
    if len(patches) * side * side != rows * cols:
        raise ValueError(
            f"{len(patches)} token patches of {side} × {side} cells do not make {rows} × {cols} cells"
        )
    lead = patches.shape[1:-2]
    blocks = patches.reshape(rows // side, cols // side, *lead, side, side)
    blocks = np.moveaxis(np.moveaxis(blocks, 0, -3), 0, -2)
    return blocks.reshape(*lead, rows, cols)


def upsample_probabilities(probabilities: NDArray[np.float32], cell_px: int = CELL_PX) -> NDArray[np.float32]:
    """Cell probabilities ``(classes, rows, cols)`` at every pixel, bilinear between the cells' centres."""
    _, rows, cols = probabilities.shape
    along_rows, along_cols = _bilinear_weights(rows, cell_px), _bilinear_weights(cols, cell_px)
    return np.asarray(along_rows @ probabilities @ along_cols.T, dtype=np.float32)


def probabilities_to_mask(at_pixels: NDArray[np.float32], legend: Legend) -> NDArray[np.uint8]:
    """The mask ``(rows, cols)`` of the likeliest class at each pixel, from ``(classes, rows, cols)``.

    A boundary's probability counts `BOUNDARY_ODDS` times.
    """
    odds = np.ones((len(legend.values), 1, 1), dtype=np.float32)
    if legend.boundary_value is not None:
        odds[legend.values.index(legend.boundary_value)] = BOUNDARY_ODDS
    return indices_to_cells((at_pixels * odds).argmax(0), legend)


def _bilinear_weights(cells: int, cell_px: int) -> NDArray[np.float32]:
    """``(cells × cell_px, cells)``: how much each cell's centre weighs at each pixel's centre."""
    at = np.clip((np.arange(cells * cell_px) + 0.5) / cell_px - 0.5, 0, cells - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(at[:, None] - np.arange(cells))), dtype=np.float32)


def _check_values(array: NDArray[np.uint8], legend: Legend, what: str) -> None:
    if stray := set(np.unique(array).tolist()) - {*legend.values, UNSURE}:
        raise ValueError(f"{what} have values that are not in the legend: {sorted(stray)}")


def _check_whole(rows: int, cols: int, side: int) -> None:
    if side < 1 or rows % side or cols % side:
        raise ValueError(
            f"{rows} × {cols} cells cannot be divided into token patches of {side} × {side} cells"
        )
