"""Answers that break: how many cells are lost in them, and how many of those nobody is told of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlservice.answer_format import UNSAID, AnswerFormat, Manner
from mlservice.contracts import PATCH_SIZE_PX, UNSURE, ModelRef, PatchWindow, SegmentRequest
from mlservice.landscape import DETAILED_LEGEND
from mlservice.segment import segment
from mlservice.token_grid import CELL_PX, TOKEN_PATCH_CELLS, TOKEN_PATCH_PX
from mlservice.vlm import answering

WORDS = ("other", "field", "boundary", "trees", "water")
SPOILT_SHARE = 0.03
"""How many of an answer's symbols become words that mean nothing; half of the answers are also cut off."""

BROKEN_EVERY = 7
"""Every so many-th cell of each token patch is broken in the engine's test."""


@dataclass(frozen=True)
class ParseFailures:
    """Cells of answers that broke: all of them, those flagged as unparsed, and those that neither were nor
    say the class that was meant."""

    cells: int = 0
    flagged: int = 0
    unreported: int = 0

    def __add__(self, other: ParseFailures) -> ParseFailures:
        return ParseFailures(
            self.cells + other.cells, self.flagged + other.flagged, self.unreported + other.unreported
        )


def count_parse_failures(answers: int) -> ParseFailures:
    """Break so many answers in each format that is said symbol by symbol, and read them again.

    What was meant is known, so a cell that was read as another class is an unreported failure, whichever
    symbol was lost: its own, a count, or the end of its row.
    """
    formats = (
        AnswerFormat(WORDS, Manner.ROWS),
        AnswerFormat(WORDS, Manner.ROWS, row_ends=True),
        AnswerFormat(WORDS, Manner.RUN_LENGTHS),
    )
    rng = np.random.default_rng(0)
    found = ParseFailures()
    for answer_format in formats:
        for number in range(answers):
            meant = _fields(rng, answer_format)
            spoilt = _spoil(rng, answer_format.say(meant), cut_off=number % 2 == 1)
            found += _failures(answer_format, meant, spoilt)
    return found


def count_engine_failures(model: ModelRef, image: NDArray[np.uint8]) -> ParseFailures:
    """Let the engine answer for a patch while the model's head gives no number at every so many-th cell.

    Such a cell is reported when it is flagged and its mask is unsure everywhere.
    """
    with answering(model) as loaded:
        hook = loaded.network.lm_head.register_forward_hook(_break_cells)
    try:
        answer = segment(SegmentRequest(model, DETAILED_LEGEND, image, (PatchWindow("broken"),))).patches[0]
    finally:
        hook.remove()
    each = np.zeros((TOKEN_PATCH_CELLS, TOKEN_PATCH_CELLS), dtype=np.bool_)
    each.ravel()[::BROKEN_EVERY] = True
    side = PATCH_SIZE_PX // TOKEN_PATCH_PX
    broken = np.tile(each, (side, side))
    assert answer.unparsed is not None
    said_something = (answer.mask != UNSURE).reshape(len(broken), CELL_PX, -1, CELL_PX).any((1, 3))
    unreported = broken & (~answer.unparsed | said_something)
    return ParseFailures(broken.size, int(answer.unparsed.sum()), int(unreported.sum()))


def _break_cells(_: nn.Module, __: tuple[Tensor, ...], logits: Tensor) -> Tensor:
    """``(token patches, cells, vocabulary)`` with no number at some cells."""
    broken = logits.clone()
    broken[:, ::BROKEN_EVERY] = torch.nan
    return broken


def _failures(answer_format: AnswerFormat, meant: NDArray[np.int64], said: list[int]) -> ParseFailures:
    parsed = answer_format.parse(said)
    wrong = (parsed.indices != meant) & ~parsed.unparsed
    return ParseFailures(meant.size, int(parsed.unparsed.sum()), int(wrong.sum()))


def _fields(rng: np.random.Generator, answer_format: AnswerFormat) -> NDArray[np.int64]:
    """A grid of rectangles, so that there are runs of many lengths."""
    grid = np.zeros((answer_format.rows, answer_format.cols), dtype=np.int64)
    for _ in range(12):
        row, col, rows, cols = rng.integers((0, 0, 2, 2), (answer_format.rows, answer_format.cols, 9, 9))
        grid[row : row + rows, col : col + cols] = rng.integers(len(WORDS))
    return grid


def _spoil(rng: np.random.Generator, symbols: tuple[int, ...], cut_off: bool) -> list[int]:
    spoilt = [UNSAID if rng.random() < SPOILT_SHARE else symbol for symbol in symbols]
    return spoilt[: int(rng.integers(len(spoilt)))] if cut_off else spoilt
