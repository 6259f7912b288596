"""Band arithmetic: what is read, what is refused with which words, and that it reckons as numpy does."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.errors import BadComposite
from annotator.imagery.bands import band_roles, bands_by_name, usual_names
from annotator.imagery.expressions import Expression, parse

BANDS = {
    "red": np.array([[1, 200, 0], [7, 7, 255]], np.uint8),
    "nir": np.array([[2, 10, 0], [7, 0, 254]], np.uint8),
    "swir": np.array([[-3.5, 0.25, 1e9], [1, np.nan, 2]], np.float32),
}
WIDE = {name: values.astype(np.float32) for name, values in BANDS.items()}


@dataclass(frozen=True)
class Written:
    text: str
    reckoned: Callable[[], np.ndarray]


def read(text: str) -> tuple[Expression | None, str]:
    """The expression, or the sentence that refuses it; any other error goes through."""
    try:
        return parse(text), ""
    except BadComposite as error:
        at = error.facts.get("at", 1)
        return None, error.detail if 0 < at <= max(1, len(text)) else f"at {at} of {text!r}"


def leaves() -> st.SearchStrategy[Written]:
    numbers = st.one_of(st.integers(0, 999), st.floats(0, 1e6, width=32).map(lambda x: float(f"{x:.4g}")))
    return st.one_of(
        st.sampled_from(sorted(WIDE)).map(lambda name: Written(name, lambda: WIDE[name])),
        numbers.map(lambda x: Written(repr(x), lambda: np.full((2, 3), x, np.float32))),
    )


def divided(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(b == 0, np.float32(np.nan), a / b)


def less(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(a) | np.isnan(b), np.float32(np.nan), (a < b).astype(np.float32))


def larger(inner: st.SearchStrategy[Written]) -> st.SearchStrategy[Written]:
    signs = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": divided, "<": less}
    pairs = st.tuples(inner, st.sampled_from(sorted(signs)), inner)
    functions = {"min": np.minimum, "max": np.maximum}
    return st.one_of(
        pairs.map(
            lambda p: Written(
                f"({p[0].text}{p[1]}{p[2].text})", lambda: signs[p[1]](p[0].reckoned(), p[2].reckoned())
            )
        ),
        inner.map(lambda one: Written(f"-({one.text})", lambda: -one.reckoned())),
        inner.map(lambda one: Written(f"ABS( {one.text})", lambda: np.abs(one.reckoned()))),
        st.tuples(st.sampled_from(sorted(functions)), st.lists(inner, min_size=2, max_size=3)).map(
            lambda p: Written(
                f"{p[0]}({', '.join(one.text for one in p[1])})",
                lambda: reduce(functions[p[0]], [one.reckoned() for one in p[1]]),
            )
        ),
    )


@settings(max_examples=80, deadline=None)
@given(st.recursive(leaves(), larger, max_leaves=8))
def test_it_reckons_as_numpy_does_in_float32(written: Written) -> None:
    expression, refusal = read(written.text)
    if expression is None:
        # Without a band, or larger than is allowed.
        assert re.search("names no band|longer than|more than|nested", refusal)
        return
    with np.errstate(all="ignore"):
        wanted = written.reckoned()
    found = np.broadcast_to(expression.values(BANDS), (2, 3))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, wanted)


SIX = {"blue": 1, "green": 2, "red": 3, "nir": 4, "swir": 5, "swir2": 6}
SIGNS = ["red", "nir", "(", ")", "+", "-", "*", "/", ",", "<", "==", "=", "min", "where", "2", "1e5", ".", "0x1f",
         "if", "lambda", ":", "[", "'", "\n", "\0", "é", "__import__", "007", "1j", "**", "#", "None"]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(SIGNS), max_size=14).map(" ".join),
                 st.lists(st.sampled_from(SIGNS), max_size=14).map("".join)))  # fmt: skip
def test_whatever_is_written_it_is_read_or_refused_in_words(text: str) -> None:
    expression, refusal = read(text)
    if expression is None:
        assert refusal.endswith((".", ")"))
    else:
        known = dict.fromkeys(expression.names, BANDS["red"])
        assert expression.values(known).dtype == np.float32


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("", None, "Write an expression"),
        ("  ", None, "Write an expression"),
        ("nir red", 5, "missing before “red”"),
        ("nir ** 2", 6, "Powers are written as products"),
        ("nir +", 5, "something is missing after it"),
        ("  (nir", 6, "bracket is open"),
        ("nir)", 4, "one bracket too many"),
        ("nir.real", 4, "“.real” cannot stand there"),
        ("nir × 2", 5, "“×” cannot stand there"),
        ("nir if red else 1", 5, "“if” is not known"),
        ("__import__('os')", 12, "“'” cannot stand there"),
        ("exp(nir)", 1, "There are abs, sqrt"),
        ("max(nir)", 1, "max takes 2 to 8 values"),
        ("abs(nir, red)", 1, "abs takes 1 value, not 2"),
        ("red + min", 7, "min is a function"),
        ("nir, red", 1, "a comma stands only"),
        ("0 < nir < 1", 1, "compare two things at a time"),
        ("nir * 1e99", 7, "too large"),
        ("007 + nir", 1, "cannot be read"),
        ("1 + 2", None, "names no band"),
        ("(" * 30 + "nir" + ")" * 30, 25, "nested too deeply"),
        ("nir" + " + 1" * 70, None, "more than 80 parts"),
        ("nir" + " " * 300, None, "longer than 300"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, at: int | None, words: str) -> None:
    with pytest.raises(BadComposite) as error:
        parse(text)
    assert words in error.value.detail
    assert error.value.facts.get("at") == at


def test_small_whole_numbers_do_not_wrap_around() -> None:
    np.testing.assert_array_equal(parse("red - nir").values(BANDS), [[-1, 190, 0], [0, 7, 1]])
    np.testing.assert_array_equal(parse("red * red").values(BANDS)[1], [49, 49, 65025])


def test_without_a_value_there_is_none_and_nothing_follows_from_it() -> None:
    for text in (
        "(nir - red) / (nir + red)",
        "where(1 / (nir + red) > 0, 1, 2)",
        "log(red) * 0",
        "max(1 / red, 5)",
    ):
        assert np.isnan(parse(text).values(BANDS)[0, 2]), text
    whole = parse("where(nir + red > 0, (nir - red) / (nir + red), -1)").values(BANDS)
    assert (np.isfinite(whole).all(), whole[0, 2]) == (True, -1)


@pytest.mark.parametrize(
    ("names", "roles", "usual"),
    [
        (["B02", "B03", "B04", "B08", "B11", "B12"], SIX, list(SIX)),
        (["B2", "B3", "B4", "B5", "B6", "B7"], SIX, list(SIX)),
        (["B1", "B2", "B3", "B4", "B5", "B7"], SIX, list(SIX)),
        ([f"SR_B{n}" for n in (2, 3, 4, 5, 6, 7)], SIX, list(SIX)),
        (["nir08", "swir16", "swir22"], {"nir": 1, "swir": 2, "swir2": 3}, ["nir", "swir", "swir2"]),
        (["Short-wave infrared 2", "B8A narrow", "", "665 nm"], {"swir2": 1},
         ["swir2", "b8a_narrow", "band_3", "band_665_nm"]),
    ],
)  # fmt: skip
def test_bands_have_roles_and_names(names: list[str], roles: dict[str, int], usual: list[str]) -> None:
    assert band_roles(names) == roles
    assert usual_names(names) == usual
    known = bands_by_name(names)
    assert [known[name] for name in usual] == list(range(1, len(names) + 1))


def test_a_word_of_a_band_is_a_name_where_it_has_a_number() -> None:
    known = bands_by_name(["B8A narrow", "band 2", "SR_B9"])
    assert (known["b8a"], known["band_2"], known.get("band"), known["b9"]) == (1, 2, None, 3)
