"""Saying an answer token by token: one after the other, or many at once by fixed-point iteration.

The language model is behind `Speaker`, so that every family is decoded by the same code. By the grammar only tokens
that lead to a full grid are ever chosen. In run lengths the logits of a cell are those at the class word of its run:
how sure it is of where a run ends hides in the counts, so the entropy of such cells is too low near their ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mlservice.answer_format import UNSAID
from mlservice.grammar import TokenTable, grammar_of


class Speaker(Protocol):
    """A language model that has read its prompts, one for each answer of a batch."""

    batch: int

    def first(self) -> Tensor:
        """Logits ``(batch, vocabulary)`` for the first token of each answer."""
        ...

    def read(self, ids: Tensor, keep: int) -> Tensor:
        """Logits ``(batch, k, vocabulary)`` after each of the tokens ``ids``, int64 ``(batch, k)``.

        They are read behind what is in the cache; afterwards only the first ``keep`` of them stay there.
        """
        ...


@dataclass(frozen=True)
class Decoded:
    """The answers of a batch.

    ``ids``: int64 ``(batch, longest answer)``, the tokens said, -1 after an answer's end. ``class_logits``:
    float32 ``(batch, cells, classes)``, row by row in the legend's order; the likeliest is the class said, and
    all are 0 (every class as likely as the others) where the answer could not be parsed. ``unparsed``: bool
    ``(batch, cells)``. ``passes``: how often the model ran, the prompt's own pass included.
    """

    ids: Tensor
    class_logits: Tensor
    unparsed: Tensor
    passes: int


@torch.no_grad()
def decode_autoregressive(speaker: Speaker, table: TokenTable) -> Decoded:
    """Greedy answers under the format's grammar, one token after the other."""
    grammar = grammar_of(table.answer_format)
    states = np.zeros(speaker.batch, dtype=np.int64)
    logits = speaker.first()
    scores, said = [], []
    while True:
        scores.append(_scores(logits, table))
        symbols, states = grammar.choose(scores[-1], states)
        said.append(symbols)
        if (states == grammar.end).all():
            break
        logits = speaker.read(_readable(_ids(symbols[:, None], table), logits.device), keep=1)[:, -1]
    answers = np.stack(said, axis=1)
    return _decoded(table, _ids(answers, table), np.stack(scores, axis=1), len(said))


@torch.no_grad()
def decode_jacobi(speaker: Speaker, table: TokenTable) -> Decoded:
    """The same answers as `decode_autoregressive`, many tokens a pass.

    Each pass reads a draft of the rest of the answer, and rewrites every token from those before it in the
    draft (Jacobi iteration, as in Santilli et al. 2023, "Accelerating transformer inference for translation
    via parallel decoding"). Tokens are certain once all before them are: at least one more in each pass, so
    there are never more passes than tokens, and far fewer where a token hardly depends on the last ones. The
    certain ones that all answers of the batch share in number stay in the cache. Answers can only differ from
    the greedy ones where two tokens are level to rounding.
    """
    grammar = grammar_of(table.answer_format)
    logits = speaker.first()
    # The first draft says at every place what the first place would say.
    scores = np.repeat(_scores(logits, table)[:, None], table.answer_format.longest_answer, axis=1)
    states = np.zeros(speaker.batch, dtype=np.int64)
    draft, passed = grammar.walk(scores, states)
    certain = np.ones(speaker.batch, dtype=np.int64)
    cached, passes = 0, 1
    while (unfinished := certain < (lengths := (draft != UNSAID).sum(1))).any():
        stop = int(lengths.max()) - 1  # nothing follows from an answer's last token
        keep = int(certain[unfinished].min()) - cached
        logits = speaker.read(_readable(_ids(draft[:, cached:stop], table), logits.device), keep)
        passes += 1
        # Places that were certain before keep the scores by which they became so.
        fresh = np.arange(cached + 1, stop + 1) >= certain[:, None]
        window = scores[:, cached + 1 : stop + 1]
        window[fresh] = _scores(logits, table)[fresh]
        states, cached = passed[:, keep], cached + keep
        rest, passed = grammar.walk(scores[:, cached:], states)
        certain = _certain(draft[:, cached:], rest, certain - cached) + cached
        draft = np.concatenate([draft[:, :cached], rest], axis=1)
    longest = int(lengths.max())
    answers = draft[:, :longest]
    return _decoded(table, _ids(answers, table), scores[:, :longest], passes)


def _certain(
    draft: NDArray[np.int64], rewritten: NDArray[np.int64], certain: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How many tokens of each rewritten draft are certain: up to the first that was changed, and that one."""
    places = np.arange(draft.shape[1])
    changed = (draft != rewritten) & (places >= certain[:, None])
    unchanged: NDArray[np.int64] = np.where(changed.any(1), changed.argmax(1), draft.shape[1])
    return unchanged + 1


def _scores(logits: Tensor, table: TokenTable) -> NDArray[np.float32]:
    """Logits ``(…, vocabulary)`` of the format's symbols alone, as float32 ``(…, symbols)``."""
    ids = torch.tensor(table.token_ids, device=logits.device)
    scores: NDArray[np.float32] = logits[..., ids].float().cpu().numpy()
    return scores


def _ids(symbols: NDArray[np.int64], table: TokenTable) -> NDArray[np.int64]:
    """Token ids of symbols, of the same shape; -1 stays -1."""
    ids: NDArray[np.int64] = np.array(table.token_ids, dtype=np.int64)[np.maximum(symbols, 0)]
    ids[symbols == UNSAID] = UNSAID
    return ids


def _readable(ids: NDArray[np.int64], device: torch.device) -> Tensor:
    """Ids that a model can read: an answer that is at its end repeats any token while others go on."""
    return torch.from_numpy(np.maximum(ids, 0)).to(device)


def _decoded(
    table: TokenTable,
    ids: NDArray[np.int64],
    scores: NDArray[np.float32],
    passes: int,
) -> Decoded:
    """Parse the answers ``ids`` ``(batch, tokens)`` and gather each cell's logits from ``scores``.

    A class that was chosen by logits that are no numbers, or that exclude every class, was not said.
    """
    classes = len(table.answer_format.words)
    logits = np.zeros((len(ids), table.answer_format.cells, classes), dtype=np.float32)
    unparsed = np.zeros(logits.shape[:2], dtype=bool)
    for number, answer in enumerate(ids):
        parsed = table.answer_format.parse(table.symbols(answer[answer != UNSAID].tolist()))
        unparsed[number] = parsed.unparsed.ravel()
        read = ~unparsed[number]
        logits[number, read] = scores[number, parsed.said_at.ravel()[read], :classes]
    unparsed |= np.isnan(logits).any(-1) | np.isneginf(logits).all(-1)
    logits[unparsed] = 0
    return Decoded(torch.from_numpy(ids), torch.from_numpy(logits), torch.from_numpy(unparsed), passes)
