"""Labelled patches as what a model learns from: whole images, token patches of them, class indices of cells."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlservice.contracts import UNSURE, LabelledPatch, Legend
from mlservice.errors import BadImage, NothingToLearn
from mlservice.token_grid import (
    IGNORED_INDEX,
    TOKEN_PATCH_PX,
    Scalar,
    cells_to_indices,
    mask_to_cells,
    split_token_patches,
    token_patch_origins,
)


@dataclass(frozen=True)
class TokenPatchExamples:
    """One context image and the token patches of it that have labels.

    ``image``: uint8 ``(rows, cols, 3)``. ``origins``: int64 ``(token patches, 2)``, upper left corners in
    pixels. ``targets``: int64 ``(token patches, cells)``, class indices in the legend's order, row by row.
    """

    image: NDArray[np.uint8]
    origins: NDArray[np.int64]
    targets: NDArray[np.int64]

    def take(self, chosen: NDArray[np.int64]) -> TokenPatchExamples:
        """Only the chosen token patches."""
        return TokenPatchExamples(self.image, self.origins[chosen], self.targets[chosen])


def make_examples(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], legend: Legend, row: int = 0, col: int = 0
) -> TokenPatchExamples:
    """Token patches of a mask whose upper left corner is at ``(row, col)`` of its context image.

    A cell teaches if any of its pixels is labelled, so that scattered labels are not lost.
    """
    cells = mask_to_cells(mask, legend, least_sure_px=1)
    targets = split_token_patches(cells_to_indices(cells, legend))
    origins = token_patch_origins(row, col, len(mask))
    return TokenPatchExamples(image, origins, targets.reshape(len(origins), -1))


def labelled_only(examples: TokenPatchExamples) -> TokenPatchExamples:
    """The token patches in which at least one cell is labelled."""
    return examples.take(np.flatnonzero((examples.targets != IGNORED_INDEX).any(1)))


def augmented(
    patch: LabelledPatch, legend: Legend, rng: np.random.Generator, strength: float = 1.0
) -> TokenPatchExamples:
    """A patch in another view, without its token patches that have no label."""
    return labelled_only(make_examples(*another_view(patch, rng, strength), legend))


def another_view(
    patch: LabelledPatch, rng: np.random.Generator, strength: float = 1.0
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A patch's image from another side, in another light, from nearer or by a coarser sensor, and its mask there.

    ``strength`` is that of light and resolution; the sides are drawn all the same. The mask has the image's size
    and is 255 outside of the patch.
    """
    image = patch.image
    place = np.full(image.shape[:2], UNSURE, dtype=np.uint8)
    size = len(patch.mask)
    place[patch.row : patch.row + size, patch.col : patch.col + size] = patch.mask
    if strength:
        image, place = _nearer_or_coarser(image, place, rng, strength)
        image = jitter_colours(image, rng, strength)
    turn = int(rng.integers(8))
    return turned(image, turn), turned(place, turn)


def _nearer_or_coarser(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], rng: np.random.Generator, strength: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A quarter of the images from up to 1.4 times nearer, a quarter by a sensor up to twice as coarse.

    Both at strength 1. What is seen from nearer is a part of the image, with its mask; a coarser sensor leaves
    the mask as it is.
    """
    kind = rng.random()
    if kind < 0.25:
        return _from_nearer(image, mask, 1 + 0.4 * strength * rng.random(), rng)
    if kind < 0.5:
        rows, cols = image.shape[:2]
        factor = 1 + strength * rng.random()
        seen = Image.fromarray(image)
        coarse = seen.resize((round(cols / factor), round(rows / factor)), Image.Resampling.BOX)
        return np.asarray(coarse.resize((cols, rows), Image.Resampling.BILINEAR)), mask
    return image, mask


def _from_nearer(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], times: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A part of both, so many times smaller in each direction, at their whole size."""
    rows, cols = mask.shape
    top, left = rng.random(2) * (np.array([rows, cols]) - np.array([rows, cols]) / times)
    box = (left, top, left + cols / times, top + rows / times)
    size = (cols, rows)
    return (
        np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, box)),
        np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST, box)),
    )


def without_gaps(image: NDArray[np.uint8], valid: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    """The image with its mean colour where there is no data, so that a black edge does not look like land."""
    if valid is None or valid.all() or not valid.any():
        return image
    filled = image.copy()
    filled[~valid] = image[valid].mean(0).astype(np.uint8)
    return filled


def within_legend(patch: LabelledPatch, legend: Legend) -> LabelledPatch:
    """The patch with 255 where its mask has a value that is not in the legend; itself where there is none."""
    known = np.isin(patch.mask, [*legend.values, UNSURE])
    return patch if known.all() else replace(patch, mask=np.where(known, patch.mask, np.uint8(UNSURE)))


def turned(array: NDArray[Scalar], turn: int) -> NDArray[Scalar]:
    """The array turned by ``turn % 4`` quarters, and mirrored from 4 on: the 8 symmetries of a square."""
    quarter = np.rot90(array, turn % 4)
    return np.ascontiguousarray(quarter[:, ::-1] if turn >= 4 else quarter)


def jitter_colours(
    image: NDArray[np.uint8], rng: np.random.Generator, strength: float = 1.0
) -> NDArray[np.uint8]:
    """The image under another light: contrast, cast, gamma and saturation drawn around none."""
    gain = np.exp(rng.normal(0, 0.12 * strength, 1) + rng.normal(0, 0.06 * strength, 3))
    shift = rng.normal(0, 0.04 * strength, 1) + rng.normal(0, 0.02 * strength, 3)
    gamma = np.exp(rng.normal(0, 0.15 * strength, 3) * 0.5)
    saturation = np.exp(rng.normal(0, 0.2 * strength))
    # Every step but saturation works on one channel's 256 values, so a table does it at once.
    ramp = np.linspace(0, 1, 256)[:, None]
    table = (np.clip(ramp * gain + shift, 0, 1) ** gamma).astype(np.float32)
    seen = np.stack([table[image[..., band], band] for band in range(3)], axis=-1)
    grey = seen.mean(-1, keepdims=True)
    seen = grey + np.float32(saturation) * (seen - grey)
    result: NDArray[np.uint8] = (np.clip(seen, 0, 1) * 255 + 0.5).astype(np.uint8)
    return result


def check_training(
    patches: Sequence[LabelledPatch], legend: Legend, replay: Sequence[LabelledPatch] = ()
) -> None:
    """Raise NothingToLearn unless the new masks hold a class and all of them two; BadImage for a misfit of shapes."""
    for patch in (*patches, *replay):
        check_patch(patch)
    if not _classes_in(patches):
        raise NothingToLearn("There are no labelled pixels to learn from.")
    seen = _classes_in((*patches, *replay))
    if len(seen) == 1:
        name = next(c.name for c in legend.classes if c.value in seen)
        raise NothingToLearn(f"All labelled pixels are “{name}”; at least two classes are needed.")


def _classes_in(patches: Sequence[LabelledPatch]) -> set[int]:
    return {int(v) for patch in patches for v in np.unique(patch.mask)} - {UNSURE}


def check_patch(patch: LabelledPatch) -> None:
    """Raise BadImage unless the mask is a square of whole token patches inside its context image."""
    rows, cols = patch.mask.shape
    fits = rows == cols and rows % TOKEN_PATCH_PX == 0
    inside = (
        min(patch.row, patch.col) >= 0
        and patch.row + rows <= patch.image.shape[0]
        and patch.col + cols <= patch.image.shape[1]
    )
    if not fits or not inside:
        raise BadImage(f"The mask of patch {patch.key} does not fit into its image.")
    if patch.row % TOKEN_PATCH_PX or patch.col % TOKEN_PATCH_PX:
        raise BadImage(f"Patch {patch.key} does not begin at a multiple of {TOKEN_PATCH_PX} px.")


def data_hash(patches: Sequence[LabelledPatch]) -> str:
    """A SHA-256 of keys, places, pixels and masks, whatever the order of the patches."""
    digest = hashlib.sha256()
    for patch in sorted(patches, key=lambda p: p.key):
        digest.update(f"{patch.key}\0{patch.row}\0{patch.col}\0{patch.image.shape}\0".encode())
        digest.update(np.ascontiguousarray(patch.image).tobytes())
        digest.update(np.ascontiguousarray(patch.mask).tobytes())
    return digest.hexdigest()
