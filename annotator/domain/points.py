"""The points of a proposal: cells that a person is asked to name, fixed when the proposal is made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from annotator import inference
from annotator.domain.sides import block_of, likely_side
from annotator.enums import Side
from annotator.inference import PatchSegmentation, PatchWindow
from annotator.models import Proposal

# A tenth of the cells of a patch.
MOST_POINTS = 400


def draw_points(
    proposal: Proposal,
    answer: PatchSegmentation,
    window: PatchWindow,
    valid: NDArray[np.bool_],
    recorded: Mapping[str, Side],
) -> None:
    """Gives an unsaved proposal its points, as many as any rule may ask for.

    Cells that the model is unsure of teach most, so they are drawn more often. But versions are measured where
    labels are held out, and temperatures fitted where they validate: there all cells are drawn alike, as points on
    what the present model is unsure of would show every successor better than it is. ``valid`` is of the context
    image, ``recorded`` are the sides that runs decided.
    """
    quadkey = proposal.patch.quadkey
    by_chance = likely_side(block_of(quadkey), recorded) != Side.TRAINING
    side = answer.entropy_nats.shape[0]
    cell_px = window.size_px // side
    seen = valid[window.row : window.row + window.size_px, window.col : window.col + window.size_px]
    cells = inference.points_of(
        answer,
        np.asarray(seen.reshape(side, cell_px, side, cell_px).any(axis=(1, 3))),
        MOST_POINTS,
        points_seed(quadkey, proposal.model_version.number),
        by_chance=by_chance,
    )
    proposal.points = cells.astype("<u2").tobytes()
    proposal.points_by_chance = by_chance


def points_seed(quadkey: str, version_number: int) -> int:
    """The seed of a patch's points: another patch or version draws others, and each can be drawn again."""
    digest = hashlib.sha256(f"{quadkey} {version_number}".encode()).digest()
    return int.from_bytes(digest[:6], "big")
