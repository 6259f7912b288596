"""Ways of saying a token grid in words, and of reading what was said without ever making anything up.

An answer is a sequence of *symbols*: small integers that count in the alphabet of its format. The first ones
are the legend's classes in its order, so that a class's symbol is its class index; then comes the end of a row,
then the counts 1, 2, … of run lengths. Which token says a symbol is the business of `mlservice.grammar`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mlservice.token_grid import IGNORED_INDEX, TOKEN_PATCH_CELLS

ROW_END_WORD = "|"
UNSAID = -1
"""The symbol of whatever is not in a format's alphabet, and of the places after an answer's end."""


class Manner(StrEnum):
    """How the classes of a token grid are said.

    ``one_pass``: all at once, each at a placeholder of its own. ``rows``: one class word for each cell, row
    after row, so that a cell's word always has the same distance from its image token. ``run_lengths``: row
    after row, a class word and the number of cells that it holds for, as in Text4Seg.
    """

    ONE_PASS = "one_pass"
    ROWS = "rows"
    RUN_LENGTHS = "run_lengths"


@dataclass(frozen=True)
class Parsed:
    """What an answer says of each cell; all arrays are ``(rows, cols)``.

    ``indices``: int64 class indices, `IGNORED_INDEX` where the answer says nothing that can be read.
    ``unparsed``: bool, true at those cells. ``said_at``: int64, the place in the answer of the symbol that says
    the cell's class, -1 where unparsed.
    """

    indices: NDArray[np.int64]
    unparsed: NDArray[np.bool_]
    said_at: NDArray[np.int64]


@dataclass(frozen=True)
class AnswerFormat:
    """A manner of saying the classes ``words`` of ``rows × cols`` cells.

    ``row_ends`` puts `ROW_END_WORD` between rows of the manner ``rows``; run lengths always have it.
    ``longest_run`` is the highest count of run lengths: a longer run is said in parts, for tokenizers that
    have no single token for numbers of two digits. Raises ValueError, saying which, for a value that makes no
    format.
    """

    words: tuple[str, ...]
    manner: Manner = Manner.ONE_PASS
    rows: int = TOKEN_PATCH_CELLS
    cols: int = TOKEN_PATCH_CELLS
    row_ends: bool = False
    longest_run: int = TOKEN_PATCH_CELLS

    def __post_init__(self) -> None:
        for name in ("rows", "cols", "longest_run"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.row_ends and self.manner is not Manner.ROWS:
            raise ValueError("row_ends is a choice of the manner “rows” alone")
        if len(self.words) < 2:
            raise ValueError("an answer needs at least two class words to choose from")
        if repeated := next((word for word in self.alphabet if self.alphabet.count(word) > 1), None):
            raise ValueError(f"the word “{repeated}” would say two different things")

    @property
    def cells(self) -> int:
        """The number of cells of the token grid."""
        return self.rows * self.cols

    @property
    def has_row_ends(self) -> bool:
        return self.row_ends or self.manner is Manner.RUN_LENGTHS

    @property
    def longest_answer(self) -> int:
        """The most symbols that an answer has; every answer has so many but those in run lengths."""
        ends = self.rows - 1 if self.has_row_ends else 0
        return self.cells * (2 if self.manner is Manner.RUN_LENGTHS else 1) + ends

    @cached_property
    def alphabet(self) -> tuple[str, ...]:
        """The word of each symbol."""
        ends = (ROW_END_WORD,) if self.has_row_ends else ()
        counts = range(1, self.longest_run + 1) if self.manner is Manner.RUN_LENGTHS else ()
        return (*self.words, *ends, *(str(count) for count in counts))

    @property
    def row_end(self) -> int:
        """The symbol between two rows, in formats that have one."""
        return len(self.words)

    def count_symbol(self, count: int) -> int:
        """The symbol of a run's length, 1 to ``longest_run``."""
        return self.row_end + count

    def say(self, indices: NDArray[np.int64]) -> tuple[int, ...]:
        """The symbols that say class indices ``(rows, cols)``; those of one pass, placeholder by placeholder.

        Raises ValueError for another shape, or an index that is no class.
        """
        if stray := set(np.unique(indices).tolist()) - set(range(len(self.words))):
            raise ValueError(f"only classes can be said, not the class indices {sorted(stray)}")
        return self.teach(indices)[0]

    def teach(self, indices: NDArray[np.int64]) -> tuple[tuple[int, ...], NDArray[np.bool_]]:
        """The symbols to train on, and for each of them whether it is to be learnt.

        A cell of `IGNORED_INDEX` needs a word in its place. It gets that of the nearest sure cell, so that a
        model only ever reads class words, as it will when it answers; the word is not to be learnt. A run's
        class is to be learnt where its first cell is sure, its count where all its cells and the one after
        are. Raises ValueError for another shape, and where no cell is sure.
        """
        if indices.shape != (self.rows, self.cols):
            raise ValueError(f"this format says {self.rows} × {self.cols} cells, got {indices.shape}")
        sure = indices != IGNORED_INDEX
        if not sure.any():
            raise ValueError("a token grid without any sure cell teaches nothing")
        filled = _filled(indices, sure)
        symbols: list[int] = []
        learnt: list[bool] = []
        for row in range(self.rows):
            if row and self.has_row_ends:
                symbols.append(self.row_end)
                learnt.append(True)
            for symbol, is_sure in self._row_symbols(filled[row], sure[row]):
                symbols.append(symbol)
                learnt.append(is_sure)
        return tuple(symbols), np.array(learnt)

    def text(self, symbols: Sequence[int]) -> str:
        """Symbols of the alphabet as words with single spaces between them."""
        return " ".join(self.alphabet[symbol] for symbol in symbols)

    def symbols_of_text(self, text: str) -> tuple[int, ...]:
        """The inverse of `text`; `UNSAID` for a word that is not in the alphabet."""
        known = {word: symbol for symbol, word in enumerate(self.alphabet)}
        return tuple(known.get(word, UNSAID) for word in text.split())

    def parse(self, symbols: Sequence[int]) -> Parsed:
        """What symbols say, whatever they are; what cannot be read is flagged and never becomes a class.

        Without row ends, the place of a symbol is the place of its cell: an unknown symbol or a missing end
        costs the cells it stands for. With them, a row whose length does not come out (too short, too long, a
        run beyond its end, a count that is none) does not tell which of its cells was left out, and is
        flagged whole; other rows keep their places by the row ends around them. When there are too few or
        too many row ends as well, the rows after a first such row have no certain place and are flagged too.
        """
        indices = np.full((self.rows, self.cols), IGNORED_INDEX, dtype=np.int64)
        said_at = np.full((self.rows, self.cols), -1, dtype=np.int64)
        rows = self._parsed_rows(symbols) if self.has_row_ends else self._rows_by_place(symbols)
        for row, cells in rows:
            for col, place in enumerate(cells):
                if 0 <= symbols[place] < len(self.words):
                    indices[row, col] = symbols[place]
                    said_at[row, col] = place
        return Parsed(indices, indices == IGNORED_INDEX, said_at)

    def _row_symbols(self, indices: NDArray[np.int64], sure: NDArray[np.bool_]) -> Iterator[tuple[int, bool]]:
        """The symbols of one row, each with whether it is to be learnt."""
        if self.manner is not Manner.RUN_LENGTHS:
            yield from zip(indices.tolist(), sure.tolist(), strict=True)
            return
        first = 0
        while first < self.cols:
            limit = min(first + self.longest_run, self.cols)
            after = next((c for c in range(first, limit) if indices[c] != indices[first]), limit)
            yield int(indices[first]), bool(sure[first])
            yield self.count_symbol(after - first), bool(sure[first : after + 1].all())
            first = after

    def _rows_by_place(self, symbols: Sequence[int]) -> Iterator[tuple[int, range]]:
        """Each row and the places of its cells' symbols, as far as the answer goes."""
        for row in range(self.rows):
            yield row, range(min(row * self.cols, len(symbols)), min((row + 1) * self.cols, len(symbols)))

    def _parsed_rows(self, symbols: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
        """Each row whose length comes out, and the place of the symbol that says each of its cells."""
        ends = [place for place, symbol in enumerate(symbols) if symbol == self.row_end]
        spans = list(zip([0, *(end + 1 for end in ends)], [*ends, len(symbols)], strict=True))
        for row, (first, after) in enumerate(spans[: self.rows]):
            cells = self._cell_places(symbols, first, after)
            if len(cells) == self.cols:
                yield row, cells
            elif len(spans) != self.rows or len(cells) >= 2 * self.cols:
                # Row ends are missing or too many, and here is the likely place: what follows may be shifted.
                return

    def _cell_places(self, symbols: Sequence[int], first: int, after: int) -> list[int]:
        """The place of the symbol for each cell of a row; none when a run has no length."""
        if self.manner is not Manner.RUN_LENGTHS:
            return list(range(first, after))
        cells: list[int] = []
        for place in range(first, after, 2):
            count = symbols[place + 1] - self.row_end if place + 1 < after else 0
            if not 1 <= count <= min(self.longest_run, self.cols):
                return []
            cells += [place] * count
        return cells


def _filled(indices: NDArray[np.int64], sure: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The indices with the nearest sure cell's class at every other; the upper, then the left of level ones."""
    known = np.argwhere(sure)
    distances = ((np.argwhere(~sure)[:, None] - known) ** 2).sum(-1)
    filled = indices.copy()
    filled[~sure] = indices[sure][distances.argmin(1)]
    return filled
