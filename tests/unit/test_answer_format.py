"""What is said is read again; what cannot be read is flagged, whatever it is, and never becomes a class."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlservice.answer_format import UNSAID, AnswerFormat, Manner
from mlservice.token_grid import IGNORED_INDEX

WORDS = ("other", "field", "boundary", "trees")


@st.composite
def formats(draw, manners=tuple(Manner)):
    manner = draw(st.sampled_from(manners))
    return AnswerFormat(
        WORDS[: draw(st.integers(2, 4))],
        manner,
        rows=draw(st.integers(1, 6)),
        cols=draw(st.integers(1, 9)),
        row_ends=manner is Manner.ROWS and draw(st.booleans()),
        longest_run=draw(st.integers(1, 16)),
    )


def grids(fmt: AnswerFormat, unsure: bool = False):
    """Class indices in stretches, so that there are runs; some unsure if asked for."""
    values = [*range(len(fmt.words)), IGNORED_INDEX] if unsure else range(len(fmt.words))
    drawn = hnp.arrays(np.int64, (fmt.rows, fmt.cols), elements=st.sampled_from(list(values)))
    return drawn.map(lambda grid: np.repeat(grid, 2, axis=1)[:, : fmt.cols])


@settings(deadline=None)
@given(st.data(), formats())
def test_a_grid_that_is_said_is_read_again(data, fmt):
    grid = data.draw(grids(fmt))
    symbols = fmt.say(grid)
    parsed = fmt.parse(symbols)
    assert np.array_equal(parsed.indices, grid)
    assert not parsed.unparsed.any()
    assert np.array_equal(np.array(symbols)[parsed.said_at], grid)
    assert len(symbols) <= fmt.longest_answer
    assert fmt.symbols_of_text(fmt.text(symbols)) == symbols


@settings(deadline=None)
@given(st.data(), formats())
def test_no_babble_raises_or_becomes_a_class_that_was_not_said(data, fmt):
    babble = data.draw(st.lists(st.integers(-3, len(fmt.alphabet) + 3), max_size=2 * fmt.longest_answer))
    parsed = fmt.parse(babble)
    assert np.array_equal(parsed.unparsed, parsed.indices == IGNORED_INDEX)
    assert np.array_equal(parsed.unparsed, parsed.said_at == -1)
    read = ~parsed.unparsed
    assert np.array_equal(np.array([*babble, UNSAID])[parsed.said_at][read], parsed.indices[read])


@settings(deadline=None)
@given(st.data(), formats([Manner.ONE_PASS, Manner.ROWS]))
def test_every_cell_whose_word_was_garbled_is_flagged_and_no_other(data, fmt):
    grid = data.draw(grids(fmt))
    said_at = fmt.parse(fmt.say(grid)).said_at
    garbled = data.draw(hnp.arrays(np.bool_, grid.shape))
    symbols = np.array(fmt.say(grid))
    symbols[said_at[garbled]] = UNSAID
    parsed = fmt.parse(symbols.tolist())
    assert np.array_equal(parsed.unparsed, garbled)
    assert np.array_equal(parsed.indices[~garbled], grid[~garbled])


@settings(deadline=None)
@given(st.data(), formats([Manner.ONE_PASS, Manner.ROWS]), st.integers(0, 60))
def test_the_cells_after_a_cut_off_end_are_flagged(data, fmt, kept):
    symbols = fmt.say(data.draw(grids(fmt)))[:kept]
    flagged = fmt.parse(symbols).unparsed.sum()
    said = sum(symbol < len(fmt.words) for symbol in symbols)
    assert fmt.cells - said <= flagged <= fmt.cells - said + fmt.cols - 1


formats_with_row_ends = formats([Manner.ROWS, Manner.RUN_LENGTHS]).filter(lambda f: f.has_row_ends)


@settings(deadline=None)
@given(st.data(), formats_with_row_ends)
def test_what_happens_within_a_row_never_reaches_another(data, fmt):
    grid = data.draw(grids(fmt))
    rows = [list(fmt.say(grid[row : row + 1].repeat(fmt.rows, axis=0))) for row in range(fmt.rows)]
    rows = [row[: row.index(fmt.row_end)] if fmt.row_end in row else row for row in rows]
    touched = data.draw(hnp.arrays(np.bool_, fmt.rows))
    anything = st.sampled_from([UNSAID, *(s for s in range(len(fmt.alphabet)) if s != fmt.row_end)])
    for row in np.flatnonzero(touched):
        rows[row] = data.draw(st.lists(anything, max_size=2 * fmt.cols - 1))
        if fmt.manner is Manner.RUN_LENGTHS:  # as long as two rows, it may hide a lost row end
            rows[row] = rows[row][:2]
    symbols = [symbol for row in rows for symbol in (*row, fmt.row_end)][:-1]
    parsed = fmt.parse(symbols)
    assert np.array_equal(parsed.indices[~touched], grid[~touched])


@pytest.mark.parametrize(
    ("text", "indices"),
    [
        ("field field other | other other field", [[1, 1, 0], [0, 0, 1]]),
        ("field maize other | other other field", [[1, None, 0], [0, 0, 1]]),
        ("field other | other other field", [[None] * 3, [0, 0, 1]]),
        ("field field field other | other other field", [[None] * 3, [0, 0, 1]]),
        ("field field other", [[1, 1, 0], [None] * 3]),
        ("field field other | other", [[1, 1, 0], [None] * 3]),
        ("field field other | field field other | other other field", [[1, 1, 0], [1, 1, 0]]),
        # A row end too many: what stands after it may belong to any row.
        ("field | field other | other other field", [[None] * 3, [None] * 3]),
        # As long as two rows: a row end is missing, and there is one too many elsewhere.
        ("field field other other other other | field field field", [[None] * 3, [None] * 3]),
        # A row end is missing.
        ("field field other other other field", [[None] * 3, [None] * 3]),
        ("", [[None] * 3, [None] * 3]),
    ],
)
def test_rows_with_ends_are_read_as_far_as_their_ends_allow(text, indices):
    assert_read(AnswerFormat(("other", "field"), Manner.ROWS, 2, 3, row_ends=True), text, indices)


@pytest.mark.parametrize(
    ("text", "indices"),
    [
        ("field 2 other 1 | other 3", [[1, 1, 0], [0, 0, 0]]),
        ("maize 2 other 1 | other 3", [[None, None, 0], [0, 0, 0]]),
        ("field many other 1 | other 3", [[None] * 3, [0, 0, 0]]),
        ("field 2 other 2 | other 3", [[None] * 3, [0, 0, 0]]),
        ("field 2 | other 3", [[None] * 3, [0, 0, 0]]),
        ("field 2 other | other 3", [[None] * 3, [0, 0, 0]]),
        ("field 2 field 1", [[1, 1, 1], [None] * 3]),
        ("field field other | other 3", [[None] * 3, [0, 0, 0]]),
    ],
)
def test_a_row_of_runs_that_does_not_come_out_is_flagged_and_the_next_is_read(text, indices):
    fmt = AnswerFormat(("other", "field"), Manner.RUN_LENGTHS, 2, 3, longest_run=3)
    assert_read(fmt, text, indices)


def assert_read(fmt: AnswerFormat, text: str, indices: list[list[int | None]]) -> None:
    parsed = fmt.parse(fmt.symbols_of_text(text))
    said = [[None if flag else i for i, flag in zip(*row, strict=True)] for row in _rows(parsed)]
    assert said == indices


def _rows(parsed):
    return zip(parsed.indices.tolist(), parsed.unparsed.tolist(), strict=True)


def test_runs_are_as_long_as_they_may_be_and_end_with_their_row():
    grid = np.array([[1, 1, 1, 0, 0], [0, 0, 0, 0, 0]])
    whole = AnswerFormat(("other", "field"), Manner.RUN_LENGTHS, 2, 5)
    assert whole.text(whole.say(grid)) == "field 3 other 2 | other 5"
    parts = AnswerFormat(("other", "field"), Manner.RUN_LENGTHS, 2, 5, longest_run=2)
    assert parts.text(parts.say(grid)) == "field 2 field 1 other 2 | other 2 other 2 other 1"


@settings(deadline=None)
@given(st.data(), formats())
def test_unsure_cells_are_said_as_a_class_and_are_not_to_be_learnt(data, fmt):
    grid = data.draw(grids(fmt, unsure=True).filter(lambda g: (g != IGNORED_INDEX).any()))
    symbols, learnt = fmt.teach(grid)
    parsed = fmt.parse(symbols)
    sure = grid != IGNORED_INDEX
    assert not parsed.unparsed.any()
    assert np.array_equal(parsed.indices[sure], grid[sure])
    for row, col in np.argwhere(~sure):
        distances = np.hypot(*(np.argwhere(sure) - (row, col)).T)
        nearest = grid[sure][np.isclose(distances, distances.min())]
        assert parsed.indices[row, col] in nearest
    if fmt.manner is not Manner.RUN_LENGTHS:
        assert np.array_equal(learnt[parsed.said_at], sure)


def test_a_count_is_learnt_only_where_its_end_is_known():
    fmt = AnswerFormat(("other", "field"), Manner.RUN_LENGTHS, 2, 4)
    symbols, learnt = fmt.teach(np.array([[0, 0, 0, 0], [1, IGNORED_INDEX, 1, 1]]))
    assert fmt.text(symbols) == "other 4 | field 1 other 1 field 2"
    assert learnt.tolist() == [True, True, True, True, False, False, False, True, True]


def test_what_cannot_be_said_is_refused():
    fmt = AnswerFormat(WORDS, rows=2, cols=2)
    with pytest.raises(ValueError, match=r"\[4\]"):
        fmt.say(np.array([[0, 1], [2, 4]]))
    with pytest.raises(ValueError, match=r"\[-100\]"):
        fmt.say(np.array([[0, 1], [2, IGNORED_INDEX]]))
    with pytest.raises(ValueError, match="2 × 2"):
        fmt.say(np.zeros((2, 3), np.int64))
    with pytest.raises(ValueError, match="sure"):
        fmt.teach(np.full((2, 2), IGNORED_INDEX))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"words": ("field",)}, "two class words"),
        ({"words": ("field", "field")}, "“field”"),
        ({"words": ("field", "|"), "manner": Manner.ROWS, "row_ends": True}, r"“\|”"),
        ({"words": ("field", "3"), "manner": Manner.RUN_LENGTHS}, "“3”"),
        ({"row_ends": True}, "rows"),
        ({"cols": 0}, "cols"),
        ({"longest_run": 0}, "longest_run"),
    ],
)
def test_values_that_make_no_format_are_refused(changes, reason):
    with pytest.raises(ValueError, match=reason):
        AnswerFormat(**({"words": WORDS} | changes))
