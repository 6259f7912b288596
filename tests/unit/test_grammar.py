"""Whatever way one takes through a grammar, the grid is full at its end and nothing is left unparsed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import PreTrainedTokenizerFast

from mlservice.answer_format import UNSAID, AnswerFormat, Manner
from mlservice.errors import BadLegend
from mlservice.grammar import grammar_of, single_tokens, token_table

WORDS = ("other", "field", "boundary", "trees", "water")


@st.composite
def spoken_formats(draw):
    manner = draw(st.sampled_from([Manner.ROWS, Manner.RUN_LENGTHS]))
    return AnswerFormat(
        WORDS[: draw(st.integers(2, 5))],
        manner,
        rows=draw(st.integers(1, 6)),
        cols=draw(st.integers(1, 9)),
        row_ends=manner is Manner.ROWS and draw(st.booleans()),
        longest_run=draw(st.integers(1, 16)),
    )


def tokenizer(*words: str) -> PreTrainedTokenizerFast:
    table = {word: number for number, word in enumerate(("<unk>", *words))}
    inner = Tokenizer(WordLevel(table, unk_token="<unk>"))
    inner.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>")


@settings(deadline=None)
@given(spoken_formats(), st.randoms(use_true_random=False))
def test_every_walk_ends_in_a_full_grid_that_parses(answer_format, random):
    grammar = grammar_of(answer_format)
    state, said = 0, []
    while state != grammar.end:
        symbol = random.choice(np.flatnonzero(grammar.allowed[state]).tolist())
        state = int(grammar.following[state, symbol])
        said.append(symbol)
    assert not grammar.allowed[grammar.end].any()
    assert len(said) <= answer_format.longest_answer
    parsed = answer_format.parse(said)
    assert not parsed.unparsed.any()
    assert {said[place] for place in parsed.said_at.ravel()} == set(parsed.indices.ravel().tolist())


@settings(deadline=None)
@given(spoken_formats(), st.integers(0, 2**32 - 1))
def test_every_grid_can_be_said_under_the_grammar(answer_format, seed):
    shape = (answer_format.rows, answer_format.cols)
    grid = np.random.default_rng(seed).integers(0, len(answer_format.words), shape)
    grammar = grammar_of(answer_format)
    state = 0
    for symbol in answer_format.say(grid):
        assert grammar.allowed[state, symbol]
        state = int(grammar.following[state, symbol])
    assert state == grammar.end


@settings(deadline=None)
@given(spoken_formats(), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_the_longest_answer_is_long_enough_and_no_longer(answer_format, batch, seed):
    grammar = grammar_of(answer_format)
    shape = (batch, answer_format.longest_answer, len(answer_format.alphabet))
    scores = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    symbols, states = grammar.walk(scores, np.zeros(batch, dtype=np.int64))
    assert (states[:, -1] == grammar.end).all()
    assert ((symbols == UNSAID) == (states[:, :-1] == grammar.end)).all()
    if answer_format.manner is Manner.RUN_LENGTHS:  # the shortest counts first: the longest answer there is
        scores = np.broadcast_to(-np.arange(shape[2], dtype=np.float32), shape)
        symbols, _ = grammar.walk(scores, np.zeros(batch, dtype=np.int64))
    assert (symbols != UNSAID).all()


def test_the_best_allowed_symbol_is_chosen_even_when_a_forbidden_one_scores_higher():
    grammar = grammar_of(AnswerFormat(WORDS[:2], Manner.RUN_LENGTHS, 1, 2))
    scores = np.array([[0, 1, 9, 9, 9, *([9] * 14)]], np.float32)
    symbols, states = grammar.choose(scores, np.array([0]))
    assert symbols.tolist() == [1]
    scores[0, 3:5] = [2, 3]
    assert grammar.choose(scores, states)[0].tolist() == [4]


def test_an_answer_in_one_pass_has_no_grammar():
    with pytest.raises(ValueError, match="one pass"):
        grammar_of(AnswerFormat(WORDS))


def test_tokens_say_symbols_and_symbols_are_read_from_tokens():
    answer_format = AnswerFormat(WORDS, Manner.RUN_LENGTHS, 2, 3, longest_run=3)
    table = token_table(answer_format, tokenizer("3", "|", *reversed(WORDS), "1", "2"))
    assert table.class_ids == (7, 6, 5, 4, 3)
    symbols = answer_format.say(np.array([[1, 1, 4], [0, 0, 0]]))
    assert table.symbols(table.ids(symbols)) == list(symbols)
    assert table.symbols([0, 1, 99]) == [UNSAID, answer_format.count_symbol(3), UNSAID]


def test_what_a_tokenizer_cannot_say_is_refused_with_a_way_out():
    poor = tokenizer(*WORDS)
    assert single_tokens(poor, WORDS) == [1, 2, 3, 4, 5]
    assert token_table(AnswerFormat(WORDS), poor).token_ids == (1, 2, 3, 4, 5)
    assert token_table(AnswerFormat(WORDS, Manner.ROWS), poor).token_ids == (1, 2, 3, 4, 5)
    with pytest.raises(BadLegend, match=r"“\|”.*Choose rows without ends"):
        token_table(AnswerFormat(WORDS, Manner.ROWS, row_ends=True), poor)
    with pytest.raises(BadLegend, match=r"“10”.*run lengths.*shorter longest run"):
        token_table(AnswerFormat(WORDS, Manner.RUN_LENGTHS), tokenizer(*WORDS, "|", *"123456789"))
    with pytest.raises(BadLegend, match="“maize”"):
        token_table(AnswerFormat(("field", "maize")), poor)
    with pytest.raises(BadLegend, match="“field maize”"):
        single_tokens(poor, ["field maize"])
