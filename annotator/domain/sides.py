"""Which blocks of patches teach, which validate, which are held out: decided once for as long as a project lasts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from annotator.enums import Side
from annotator.errors import NothingToTrainOn
from annotator.models import BlockSide

# A block is a tile this many levels above the patch, wholly on one side of the split.
BLOCK_LEVELS = 1
HOLDOUT_SHARE = 0.25
VALIDATION_SHARE = 0.15
# From so many blocks on, one of those to learn from is given away where there is none to validate on.
SPARING_BLOCKS = 4


def block_of(quadkey: str) -> str:
    """The block of a patch, by their quadkeys."""
    return quadkey[:-BLOCK_LEVELS]


def recorded_sides(project_id: int) -> dict[str, Side]:
    """The sides that earlier runs of the project decided, by block."""
    rows = BlockSide.objects.filter(project_id=project_id).values_list("block", "side")
    return {block: Side(side) for block, side in rows}


def record_sides(project_id: int, sides: Mapping[str, Side]) -> None:
    """Keeps the sides of blocks that have none yet. The caller holds a transaction and the project's lock."""
    BlockSide.objects.bulk_create(
        (BlockSide(project_id=project_id, block=block, side=side) for block, side in sides.items()),
        ignore_conflicts=True,
    )


def sides_of(blocks: Iterable[str], recorded: Mapping[str, Side]) -> dict[str, Side]:
    """A side for each block: the recorded one, else one by a stable hash, so that neighbours do not leak.

    Where a side would be empty, new blocks are moved to it in the order of their hashes, so that there is one to
    learn from and one to be measured on, and from `SPARING_BLOCKS` on one to validate on; a recorded block
    never moves. Raises NothingToTrainOn where that cannot be had.
    """
    ordered = sorted(set(blocks), key=_share)
    sides = {block: likely_side(block, recorded) for block in ordered}
    new = [block for block in ordered if block not in recorded]
    _fill(Side.TRAINING, sides, new[::-1], takes_from={Side.VALIDATION: 0, Side.HOLDOUT: 1})
    _fill(Side.HOLDOUT, sides, new, takes_from={Side.VALIDATION: 0, Side.TRAINING: 1})
    _fill(Side.VALIDATION, sides, new, takes_from={Side.TRAINING: SPARING_BLOCKS - 1})
    if Side.TRAINING not in sides.values() or Side.HOLDOUT not in sides.values():
        raise NothingToTrainOn(_what_is_missing(sides))
    return sides


def likely_side(block: str, recorded: Mapping[str, Side]) -> Side:
    """The recorded side, else the one that `sides_of` gives the block unless it has to move it."""
    return recorded.get(block) or _drawn_side(block)


def _fill(side: Side, sides: dict[str, Side], new: list[str], *, takes_from: Mapping[Side, int]) -> None:
    """Moves one new block to an empty side from the first other that keeps more than so many without it."""
    if side in sides.values():
        return
    for other, least in takes_from.items():
        block = next((block for block in new if sides[block] == other), None)
        if block is not None and list(sides.values()).count(other) > least:
            sides[block] = side
            return


def _what_is_missing(sides: Mapping[str, Side]) -> str:
    if len(sides) == 1:
        return (
            "All approved patches lie in one block of 2 x 2 neighbours, and a block is either learned from or held "
            "out. Approve a patch outside it, so that there is one to learn from and one to be measured on."
        )
    if Side.TRAINING not in sides.values():
        return (
            "All approved patches lie in blocks that are held out to measure versions on, and what is held out "
            "is never learned from. Approve patches in other blocks."
        )
    return (
        "All approved patches lie in blocks that earlier runs learned from or validated on, and what was learned "
        "from is never held out. Approve patches in other blocks."
    )


def _drawn_side(block: str) -> Side:
    share = _share(block)
    if share < HOLDOUT_SHARE:
        return Side.HOLDOUT
    return Side.VALIDATION if share < HOLDOUT_SHARE + VALIDATION_SHARE else Side.TRAINING


def _share(key: str) -> float:
    """A number in [0, 1) that depends on the key alone."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") / 2**48
