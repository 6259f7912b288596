"""Every sound legend can be said, one word a class, and every unsound one is refused with a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlservice.contracts import Legend, LegendClass
from mlservice.errors import BadLegend
from mlservice.legend import KNOWN_WORDS, RESERVED_WORDS, SYNONYMS, check_legend, class_words

NULL = LegendClass(0, "nothing", "#000000", is_null=True)


def legend(*names: str, boundary: str | None = None) -> Legend:
    """The null class and so many others, with values from 1."""
    return Legend(
        (
            NULL,
            *(LegendClass(v, n, "#ffffff", is_boundary=n == boundary) for v, n in enumerate(names, start=1)),
        )
    )


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), min_size=1, max_size=15))
def test_any_names_are_said_with_words_that_differ(names):
    classes = legend(*names)
    try:
        check_legend(classes)
    except BadLegend:
        return
    words = class_words(classes)
    assert len(set(words)) == len(words) == len(names) + 1
    assert set(words) <= {*KNOWN_WORDS, *RESERVED_WORDS}


@given(st.permutations(["field", "trees", "water", "buildings", "wheat", "rice"]))
def test_known_names_are_their_own_words_in_any_order(names):
    assert class_words(legend(*names)) == ("other", *names)


def test_null_and_boundary_are_known_by_their_roles():
    assert class_words(legend("lindero", "Fields", boundary="lindero")) == ("other", "boundary", "field")


def test_synonyms_plurals_and_case_are_understood():
    names = ("Cropland", "forests", "PONDS", "built-up", "corn")
    assert class_words(legend(*names)) == ("other", "field", "trees", "water", "buildings", "maize")


def test_an_exact_name_keeps_its_word_from_a_synonym_before_it():
    assert class_words(legend("pond", "water")) == ("other", "<class_1>", "water")


def test_unknown_names_are_said_by_their_value():
    assert class_words(legend("milpa", "chinampa")) == ("other", "<class_1>", "<class_2>")


def test_every_name_means_one_word_only():
    names = [*KNOWN_WORDS, *(name for synonyms in SYNONYMS.values() for name in synonyms)]
    assert len(names) == len(set(names))
    assert set(SYNONYMS) <= set(KNOWN_WORDS)


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        ((NULL,), "at least two"),
        ((NULL, LegendClass(0, "field", "#fff")), "same value"),
        ((NULL, LegendClass(1, "Field", "#fff"), LegendClass(2, "field ", "#fff")), "called “field”"),
        ((NULL, LegendClass(255, "field", "#fff")), "unsure"),
        ((LegendClass(0, "a", "#fff"), LegendClass(1, "b", "#fff")), "null class"),
        ((NULL, LegendClass(1, "b", "#fff", is_null=True)), "null class"),
        (
            (
                NULL,
                LegendClass(1, "b", "#fff", is_boundary=True),
                LegendClass(2, "c", "#fff", is_boundary=True),
            ),
            "At most one",
        ),
        ((NULL, LegendClass(16, "milpa", "#fff")), "lower value"),
    ],
)
def test_an_unsound_legend_is_refused_with_a_reason(classes, reason):
    with pytest.raises(BadLegend, match=reason):
        class_words(Legend(classes))
