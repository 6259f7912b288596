"""Which approved masks teach, which validate, which are held out, and their imagery."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from annotator.domain.context import context_of
from annotator.domain.masks import values_of
from annotator.errors import NothingToTrainOn
from annotator.inference import LabelledPatch
from annotator.models import Revision, Scene

# A block is a tile this many levels above the patch, wholly on one side of the split.
BLOCK_LEVELS = 1
HOLDOUT_SHARE = 0.25
VALIDATION_SHARE = 0.15


@dataclass(frozen=True)
class LabelSplit:
    """The revisions that a run learns from, calibrates on and is measured on."""

    training: list[Revision]
    validation: list[Revision]
    holdout: list[Revision]


def split_revisions(revisions: Iterable[Revision]) -> LabelSplit:
    """Splits approved revisions by a stable hash of their block, so that neighbours do not leak.

    With few patches, when a side would be empty, patches are moved one by one in the order of their
    own hashes until there is one to learn from and one to be measured on. Raises NothingToTrainOn.
    """
    ordered = sorted(revisions, key=lambda r: _share(r.annotation.patch.quadkey))
    if len(ordered) < 2:
        raise NothingToTrainOn(
            f"{len(ordered)} approved patches: a run needs at least 2, one to learn from and one to be "
            "measured on. Approve more patches first.",
            approved=len(ordered),
        )
    split = LabelSplit([], [], [])
    for revision in ordered:
        share = _share(revision.annotation.patch.quadkey[:-BLOCK_LEVELS])
        side = (
            split.holdout
            if share < HOLDOUT_SHARE
            else split.validation
            if share < HOLDOUT_SHARE + VALIDATION_SHARE
            else split.training
        )
        side.append(revision)
    if not split.training:
        split.training.append((split.validation or split.holdout).pop())
    if not split.holdout:
        split.holdout.append((split.validation or split.training).pop(0))
    return split


def _share(key: str) -> float:
    """A number in [0, 1) that depends on the key alone."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") / 2**48


def labelled_patches(
    revisions: Iterable[Revision], scene: Scene, context_levels: int
) -> tuple[LabelledPatch, ...]:
    """The revisions with their context images, each from the scene that it was drawn on, else from ``scene``."""
    result = []
    for revision in revisions:
        patch = revision.annotation.patch
        seen = revision.proposal.scene if revision.proposal else scene
        context = context_of(patch, context_levels)
        window = context.window_of(patch)
        result.append(
            LabelledPatch(
                key=patch.quadkey,
                image=context.read(seen).rgb,
                mask=values_of(revision.mask_png),
                row=window.row,
                col=window.col,
            )
        )
    return tuple(result)
