"""From a project's legend to the class words that the model says, one token for each class."""

from __future__ import annotations

import re
from dataclasses import replace
from string import ascii_uppercase

from mlservice.contracts import UNSURE, Legend
from mlservice.errors import BadLegend

NULL_WORD = "other"
BOUNDARY_WORD = "boundary"

KNOWN_WORDS = (
    *(NULL_WORD, "field", BOUNDARY_WORD, "trees", "water", "buildings", "road", "bare", "grass", "fallow"),
    *("orchard", "wheat", "rice", "maize", "sugarcane", "cotton", "mustard", "sorghum", "millet", "soybean"),
    *("groundnut", "chickpea", "lentil", "garlic", "potato", "vegetables", "banana", "cassava", "coffee"),
    *("beans", "barley", "sunflower", "pasture", "mangrove", "shrubs"),
)
"""Class words that a model may know by their name. The starter was trained on the first six."""

RESERVED_COUNT = 16
RESERVED_WORDS = tuple(f"<class_{value}>" for value in range(RESERVED_COUNT))
"""Words for classes whose names no model knows, by class value: their meaning comes from labels alone."""

SYNONYMS = {
    "field": ("farmland", "cropland", "crop", "parcel", "plot", "agriculture", "farm", "cultivated"),
    "trees": ("tree", "forest", "woodland", "wood"),
    "water": ("pond", "river", "lake", "canal", "reservoir", "tank"),
    "buildings": ("building", "house", "built up", "settlement", "village", "urban"),
    "road": ("track", "path"),
    "bare": ("bare soil", "bare land", "soil"),
    "grass": ("grassland", "meadow"),
    "rice": ("paddy",),
    "maize": ("corn",),
    "soybean": ("soya", "soy"),
    "beans": ("bean",),
    "shrubs": ("shrub", "scrub", "bush"),
}

_WORD_OF_NAME = {word: word for word in KNOWN_WORDS} | {
    name: word for word, names in SYNONYMS.items() for name in names
}


def check_legend(legend: Legend) -> None:
    """Raise BadLegend, saying what to change, unless the legend's values, names and roles are sound."""
    values = legend.values
    names = [_normalised(c.name) for c in legend.classes]
    if len(values) < 2:
        raise BadLegend("A legend needs at least two classes, one of them the null class.")
    if len(set(values)) < len(values):
        raise BadLegend("Two classes of the legend have the same value.")
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise BadLegend(f"Two classes of the legend are called “{repeated}”.")
    if not all(0 <= value < UNSURE for value in values):
        raise BadLegend(f"Class values must be between 0 and {UNSURE - 1}; {UNSURE} means unsure.")
    if [c.value for c in legend.classes if c.is_null] != [0]:
        raise BadLegend("Exactly one class must be the null class, and its value must be 0.")
    if sum(c.is_boundary for c in legend.classes) > 1:
        raise BadLegend("At most one class may be the boundary class.")
    if any(c.is_boundary and c.is_null for c in legend.classes):
        raise BadLegend("The null class cannot be the boundary class as well.")


def class_words(legend: Legend) -> tuple[str, ...]:
    """One word for each class, in the legend's order.

    The null class and the boundary class are known by their roles, whatever they are called. A known name
    or a synonym gives a known word, the exact name first. Any other class, and a synonym whose word is
    taken, is said as the reserved word of its value. Raises BadLegend for an unsound legend, and when a
    class would need a reserved word beyond the last.
    """
    check_legend(legend)
    words: dict[int, str] = {}
    for legend_class in legend.classes:
        if legend_class.is_null:
            words[legend_class.value] = NULL_WORD
        elif legend_class.is_boundary:
            words[legend_class.value] = BOUNDARY_WORD
    others = [c for c in legend.classes if c.value not in words]
    # Exact names first, so that "pond" never takes the word of a class that is called "water".
    for legend_class in sorted(others, key=lambda c: _normalised(c.name) not in KNOWN_WORDS):
        word = _WORD_OF_NAME.get(_normalised(legend_class.name))
        if word is None or word in words.values():
            word = _reserved_word(legend_class.value, legend_class.name)
        words[legend_class.value] = word
    return tuple(words[value] for value in legend.values)


def plain_words(legend: Legend) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A word of plain language for each class, in the legend's order, and its meaning where that is another word.

    For programs other than this one: a class that has no known word is said by a letter, which its meaning
    explains. Raises BadLegend for an unsound legend.
    """
    check_legend(legend)
    # Values choose among the reserved words, which are not used, so any small ones will do; the null class keeps 0.
    small = iter(range(1, len(legend.classes)))
    counted = [replace(c, value=0 if c.is_null else next(small)) for c in legend.classes]
    letters = iter(ascii_uppercase)
    words = tuple(
        next(letters) if word in RESERVED_WORDS else word for word in class_words(Legend(tuple(counted)))
    )
    names = [c.name for c in legend.classes]
    return words, tuple("" if w == n.lower() else n for w, n in zip(words, names, strict=True))


def _reserved_word(value: int, name: str) -> str:
    if value >= RESERVED_COUNT:
        raise BadLegend(
            f"“{name}” is no name that the model knows, and its value {value} is above "
            f"{RESERVED_COUNT - 1}, the last for which the model keeps a word. Give it a lower value."
        )
    return RESERVED_WORDS[value]


def _normalised(name: str) -> str:
    """Lower case, single spaces, and no plural s where only the singular is known."""
    text = re.sub(r"[\s_\-/]+", " ", name).strip().lower()
    singular = text.removesuffix("s")
    return singular if text not in _WORD_OF_NAME and singular in _WORD_OF_NAME else text
