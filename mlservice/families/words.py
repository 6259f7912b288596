"""Which tokens of a foreign model say the classes of a legend, and which one holds a cell's place.

The starter's tokenizer has a token for every class word. Others have them for common words only, so a class
whose word is no single token is given a letter, and the prompt tells what the letter stands for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import Any

from mlservice.contracts import Legend
from mlservice.errors import BadLegend, BadModelFolder
from mlservice.grammar import single_token
from mlservice.legend import RESERVED_WORDS, check_legend, class_words

UNUSED = re.compile(
    r"<\|?(unused|reserved|extra|reserved_special_token|dummy|special)[_-]?\d+\|?>", re.IGNORECASE
)
"""How tokenizers name the tokens that they keep for later."""


@dataclass(frozen=True)
class SaidClasses:
    """How a legend is said: a word for each class, its one token, and its meaning where that is another word."""

    words: tuple[str, ...]
    token_ids: tuple[int, ...]
    meanings: tuple[str, ...]


def say_classes(tokenizer: Any, legend: Legend) -> SaidClasses:
    """The words for a legend's classes, each one token of its own.

    Raises BadLegend for an unsound legend, and when the tokenizer has too few single tokens left.
    """
    words: list[str] = []
    ids: list[int] = []
    meanings: list[str] = []
    check_legend(legend)
    # Values choose among words that are the starter's own, so any small ones will do; the null class keeps 0.
    small = iter(range(1, len(legend.classes)))
    counted = [replace(c, value=0 if c.is_null else next(small)) for c in legend.classes]
    for legend_class, word in zip(legend.classes, class_words(Legend(tuple(counted))), strict=True):
        own = () if word in RESERVED_WORDS else (word,)
        for candidate in (*own, *ascii_uppercase):
            token_id = single_token(tokenizer, candidate)
            if token_id is not None and token_id not in ids:
                break
        else:
            raise BadLegend(
                f"This model has no token left to say “{legend_class.name}” with. Use fewer classes."
            )
        words.append(candidate)
        ids.append(token_id)
        meanings.append("" if candidate == legend_class.name.lower() else legend_class.name)
    return SaidClasses(tuple(words), tuple(ids), tuple(meanings))


def choose_cell_token(tokenizer: Any, embedding_rows: int) -> int:
    """The token that holds a cell's place in a model that was not made with one; always the same one.

    The first that the tokenizer keeps for later; else the first row of the embeddings that no token has; else
    the padding token, which is never said. Raises BadModelFolder when there is none of them.
    """
    kept = [token_id for token, token_id in tokenizer.get_vocab().items() if UNUSED.fullmatch(token)]
    if kept:
        return int(min(kept))
    used = int(max(tokenizer.get_vocab().values())) + 1
    if used < embedding_rows:
        return used
    for token_id in (tokenizer.pad_token_id, tokenizer.unk_token_id):
        if token_id is not None and token_id not in (tokenizer.eos_token_id, tokenizer.bos_token_id):
            return int(token_id)
    raise BadModelFolder("This model's tokenizer has no unused token that could hold a cell's place.")
