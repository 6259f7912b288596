"""Which symbol may follow in an answer, and which token of a model says it.

A grammar is a finite automaton, kept as two tables so that the answers of a whole batch are led by array
operations. Every walk through it is an answer that parses without a single unparsed cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlservice.answer_format import UNSAID, AnswerFormat, Manner
from mlservice.errors import BadLegend


@dataclass(frozen=True)
class Grammar:
    """The automaton of one answer format; state 0 is the empty answer, ``end`` the full grid.

    ``allowed``: bool ``(states, symbols)``, whether a symbol may come next; none may at the end.
    ``following``: int64 ``(states, symbols)``, the state after an allowed symbol.
    """

    allowed: NDArray[np.bool_]
    following: NDArray[np.int64]
    end: int

    def choose(
        self, scores: NDArray[np.float32], states: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The best allowed symbol for each answer of a batch, and the states after them.

        ``scores`` is ``(batch, symbols)``; the earlier symbol wins where two are level. An answer that is at
        its end stays there and says `UNSAID`.
        """
        # A forbidden symbol must lose even to an allowed one that the model itself excludes with -inf.
        floor = np.finfo(np.float32).min
        masked = np.where(self.allowed[states], np.maximum(scores, floor), -np.inf)
        symbols = masked.argmax(1)
        going_on = states != self.end
        return (
            np.where(going_on, symbols, UNSAID),
            np.where(going_on, self.following[states, symbols], self.end),
        )

    def walk(
        self, scores: NDArray[np.float32], states: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`choose` place after place: ``scores`` ``(batch, places, symbols)``, symbols ``(batch, places)``.

        The second array, ``(batch, places + 1)``, holds the state before each place and after the last.
        """
        said, passed = [], [states]
        for place in range(scores.shape[1]):
            symbols, states = self.choose(scores[:, place], states)
            said.append(symbols)
            passed.append(states)
        return np.stack(said, axis=1), np.stack(passed, axis=1)


@lru_cache(maxsize=32)
def grammar_of(answer_format: AnswerFormat) -> Grammar:
    """The grammar of an answer that is said symbol by symbol; ValueError for one that is said in one pass."""
    if answer_format.manner is Manner.ONE_PASS:
        raise ValueError("an answer in one pass has no order in which its symbols follow one another")
    numbers = {(0, 0, False): 0}
    steps = []
    for before, symbol, after in _transitions(answer_format):
        for state in (before, after):
            numbers.setdefault(state, len(numbers))
        steps.append((numbers[before], symbol, numbers[after]))
    shape = (len(numbers), len(answer_format.alphabet))
    allowed, following = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=np.int64)
    for number, symbol, next_number in steps:
        allowed[number, symbol] = True
        following[number, symbol] = next_number
    return Grammar(allowed, following, numbers[(answer_format.rows - 1, answer_format.cols, False)])


_State = tuple[int, int, bool]
"""Row and col of the next cell, and whether a class was said whose count is still due."""


def _transitions(answer_format: AnswerFormat) -> Iterator[tuple[_State, int, _State]]:
    """Every allowed step: the state before, the symbol, the state after."""
    rows, cols = answer_format.rows, answer_format.cols
    counted = answer_format.manner is Manner.RUN_LENGTHS

    def at(row: int, col: int) -> _State:
        if col == cols and row < rows - 1 and not answer_format.has_row_ends:
            return row + 1, 0, False
        return row, col, False

    for row in range(rows):
        for col in range(cols):
            for symbol in range(len(answer_format.words)):
                yield (row, col, False), symbol, (row, col, True) if counted else at(row, col + 1)
            if counted:
                for count in range(1, min(answer_format.longest_run, cols - col) + 1):
                    yield (row, col, True), answer_format.count_symbol(count), at(row, col + count)
        if answer_format.has_row_ends and row < rows - 1:
            yield (row, cols, False), answer_format.row_end, (row + 1, 0, False)


@dataclass(frozen=True)
class TokenTable:
    """Which token of a model says each symbol of an answer format; made by `token_table`."""

    answer_format: AnswerFormat
    token_ids: tuple[int, ...]

    @property
    def class_ids(self) -> tuple[int, ...]:
        """The tokens of the legend's classes, in its order."""
        return self.token_ids[: len(self.answer_format.words)]

    @cached_property
    def _symbol_of_id(self) -> dict[int, int]:
        return {token_id: symbol for symbol, token_id in enumerate(self.token_ids)}

    def ids(self, symbols: Sequence[int]) -> list[int]:
        """The tokens that say symbols of the alphabet."""
        return [self.token_ids[symbol] for symbol in symbols]

    def symbols(self, token_ids: Sequence[int]) -> list[int]:
        """What tokens say; `UNSAID` for a token that says nothing in this format."""
        return [self._symbol_of_id.get(token_id, UNSAID) for token_id in token_ids]


def token_table(answer_format: AnswerFormat, tokenizer: Any) -> TokenTable:
    """The tokens of a format in a model's tokenizer.

    Raises BadLegend when a class word, or the words between classes that the format needs, are not single
    tokens of their own.
    """
    ids = single_tokens(tokenizer, answer_format.words)
    for word in answer_format.alphabet[len(ids) :]:
        token_id = single_token(tokenizer, word)
        if token_id is None or token_id in ids:
            raise BadLegend(
                f"This model has no single token of its own for “{word}”, so it cannot say an answer in "
                f"{_NAMES[answer_format.manner]}. {_advice(answer_format)}"
            )
        ids.append(token_id)
    return TokenTable(answer_format, tuple(ids))


def single_tokens(tokenizer: Any, words: Sequence[str]) -> list[int]:
    """The id of each class word; BadLegend unless each is one known token and no two are the same."""
    ids: list[int] = []
    for word in words:
        token_id = single_token(tokenizer, word)
        if token_id is None:
            raise BadLegend(f"This model has no single token for the class word “{word}”.")
        if token_id in ids:
            raise BadLegend(f"This model says “{word}” and another class with the same token.")
        ids.append(token_id)
    return ids


_NAMES = {Manner.ROWS: "rows with ends", Manner.RUN_LENGTHS: "run lengths"}


def _advice(answer_format: AnswerFormat) -> str:
    if answer_format.manner is Manner.RUN_LENGTHS:
        return "Choose rows instead, or a shorter longest run."
    return "Choose rows without ends."


def single_token(tokenizer: Any, word: str) -> int | None:
    """The id of the one token that says the word, or None."""
    tokens: list[int] = tokenizer.encode(word, add_special_tokens=False)
    return tokens[0] if len(tokens) == 1 and tokens[0] != tokenizer.unk_token_id else None
