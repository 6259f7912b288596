"""Band arithmetic that people write, such as ``(nir - red) / (nir + red)``: read strictly, never run as code.

Names are bands, numbers are numbers; there are + - * /, brackets, comparisons (1 where they hold, else 0) and a few
functions. Python's own parser only tells what binds to what: each sign is checked before, each node after it, and the
tree is walked here.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce

import numpy as np

from annotator.errors import BadComposite

MAX_CHARACTERS = 300
MAX_PARTS = 80
_MAX_BRACKETS = 24
_LARGEST = float(np.finfo(np.float32).max)

_TOKEN = re.compile(
    r"(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)(?![\w.])|(?P<name>[a-z_]\w*)"
    r"|(?P<sign><=|>=|==|!=|[-+*/(),<>])|(?P<space> +)",
    re.ASCII,
)
_KNOWN = "Write names of bands, numbers, + - * / ( ) and comparisons such as <."

Values = np.ndarray
_Binary = Callable[[Values, Values], Values]


def _divided(a: Values, b: Values) -> Values:
    # By nothing there is no quotient, and what follows from it is no value either.
    return np.where(b == 0, np.float32(np.nan), np.divide(a, b))


def _logarithm(a: Values) -> Values:
    return np.where(a > 0, np.log(a), np.float32(np.nan))


def _chosen(condition: Values, a: Values, b: Values) -> Values:
    return np.where(np.isnan(condition), np.float32(np.nan), np.where(condition != 0, a, b))


_ARITHMETIC: dict[type[ast.operator], _Binary] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: _divided,
}
_COMPARISONS: dict[type[ast.cmpop], _Binary] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
#: By name: how many arguments, at least and at most, and what is done with them.
_FUNCTIONS: dict[str, tuple[int, int, Callable[..., Values]]] = {
    "abs": (1, 1, np.abs),
    "sqrt": (1, 1, np.sqrt),
    "log": (1, 1, _logarithm),
    "min": (2, 8, lambda *values: reduce(np.minimum, values)),
    "max": (2, 8, lambda *values: reduce(np.maximum, values)),
    "where": (3, 3, _chosen),
}
FUNCTIONS = tuple(_FUNCTIONS)


@dataclass(frozen=True)
class Expression:
    """What was written, and the names of bands in it, in lower case and in their order there."""

    text: str
    names: tuple[str, ...]
    _tree: ast.expr

    def values(self, bands: Mapping[str, np.ndarray]) -> np.ndarray:
        """The expression of bands by name, of one shape each; float32, not finite where it has no value.

        Whole numbers are widened first, so that a difference of two small ones is what it is on paper.
        """
        with np.errstate(all="ignore"):
            wide = {name: bands[name].astype(np.float32) for name in self.names}
            return np.asarray(_value(self._tree, wide), np.float32)


@lru_cache(maxsize=512)
def parse(text: str) -> Expression:
    """Reads an expression; capitals do not matter.

    Raises BadComposite with a sentence that names the place; ``at`` is its character, from 1.
    """
    if len(text) > MAX_CHARACTERS:
        raise BadComposite(f"The expression is longer than {MAX_CHARACTERS} characters. Shorten it.")
    # Every character keeps its place.
    plain = re.sub(r"\s", " ", text).lower()
    shift = len(plain) - len(plain.lstrip())
    plain = plain.strip()
    if not plain:
        raise BadComposite("Write an expression, such as (nir - red) / (nir + red).")
    _check_signs(plain, shift)
    try:
        tree = ast.parse(plain, mode="eval").body
    except SyntaxError as error:
        raise _at((error.offset or 1) - 1 + shift, f"this cannot be read. {_KNOWN}") from error
    except (MemoryError, RecursionError) as error:
        raise BadComposite("The expression is nested too deeply. Make it simpler.") from error
    if sum(isinstance(node, ast.expr) for node in ast.walk(tree)) > MAX_PARTS:
        raise BadComposite(f"The expression has more than {MAX_PARTS} parts. Make it simpler.")
    names = list(dict.fromkeys(_names(tree, shift)))
    if not names:
        raise BadComposite("The expression names no band. Write one, such as nir.")
    return Expression(text.strip(), tuple(names), tree)


def _check_signs(plain: str, shift: int) -> None:
    """That nothing unknown is in it, and that values and signs take turns; what is left is Python's to read."""
    at = depth = 0
    before = ""
    has_value = False
    while at < len(plain):
        token = _TOKEN.match(plain, at)
        if token is None:
            word = re.match(r"[\w.]+|.", plain[at:])
            raise _at(at + shift, f"“{word[0] if word else plain[at]}” cannot stand there. {_KNOWN}")
        if not token["space"]:
            has_value = _follows(token, before, has_value, at + shift)
            before = "name" if token["name"] else token[0]
            depth += {"(": 1, ")": -1}.get(before, 0)
            if not 0 <= depth <= _MAX_BRACKETS:
                fault = (
                    "one bracket too many is closed" if depth < 0 else "the brackets are nested too deeply"
                )
                raise _at(at + shift, f"{fault}. Take some away.")
        at = token.end()
    if not has_value:
        raise _at(len(plain) + shift - 1, "something is missing after it. Go on with a band or a number.")
    if depth:
        raise _at(len(plain) + shift - 1, "a bracket is open still. Close it with ).")


def _follows(token: re.Match[str], before: str, has_value: bool, index: int) -> bool:
    """Whether there is a value up to this sign. Raises BadComposite for a sign that cannot follow."""
    sign = token["sign"]
    if sign is None:
        if token["name"] and keyword.iskeyword(token["name"]):
            raise _at(index, f"“{token[0]}” is not known. {_KNOWN}")
        if token["number"] and float(token["number"]) > _LARGEST:
            raise _at(index, "the number is too large. Write a smaller one.")
    if sign is None or sign == "(":
        if has_value and not (sign and before == "name"):
            raise _at(index, f"a sign such as + or * is missing before “{token[0]}”.")
        return sign is None
    if not has_value and sign not in "+-":
        raise _at(index, f"a band or a number is missing before “{sign}”. Powers are written as products.")
    return sign == ")"


def _at(index: int, sentence: str) -> BadComposite:
    return BadComposite(f"At character {index + 1}: {sentence}", at=index + 1)


def _names(node: ast.expr, shift: int) -> Iterator[str]:
    """The names of bands below the node. Raises BadComposite for a node that is not allowed."""
    index = node.col_offset + shift
    if isinstance(node, ast.Name):
        if node.id in _FUNCTIONS:
            raise _at(index, f"{node.id} is a function. Write what it is of in brackets behind it.")
        yield node.id
    elif isinstance(node, ast.Constant):
        return
    elif isinstance(node, ast.UnaryOp):
        yield from _names(node.operand, shift)
    elif isinstance(node, ast.BinOp):
        yield from _names(node.left, shift)
        yield from _names(node.right, shift)
    elif isinstance(node, ast.Compare):
        if len(node.ops) > 1:
            raise _at(index, "compare two things at a time; (a < b) * (b < c) is both together.")
        yield from _names(node.left, shift)
        yield from _names(node.comparators[0], shift)
    elif isinstance(node, ast.Call):
        yield from _names_of_call(node, shift)
    else:
        raise _at(index, "a comma stands only between the values of a function.")


def _names_of_call(node: ast.Call, shift: int) -> Iterator[str]:
    index = node.col_offset + shift
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in _FUNCTIONS:
        raise _at(index, f"there is no such function. There are {', '.join(FUNCTIONS)}; products need a *.")
    least, most, _ = _FUNCTIONS[name]
    if not least <= len(node.args) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        values = "value" if wanted == "1" else "values with commas between"
        raise _at(index, f"{name} takes {wanted} {values}, not {len(node.args)}.")
    for argument in node.args:
        yield from _names(argument, shift)


def _value(node: ast.AST, bands: Mapping[str, Values]) -> Values:
    if isinstance(node, ast.Name):
        return bands[node.id]
    if isinstance(node, ast.Constant):
        return np.float32(node.value)  # type: ignore[arg-type,return-value]
    if isinstance(node, ast.UnaryOp):
        operand = _value(node.operand, bands)
        return -operand if isinstance(node.op, ast.USub) else operand
    if isinstance(node, ast.BinOp):
        return _ARITHMETIC[type(node.op)](_value(node.left, bands), _value(node.right, bands))
    if isinstance(node, ast.Compare):
        left, right = _value(node.left, bands), _value(node.comparators[0], bands)
        holds = _COMPARISONS[type(node.ops[0])](left, right)
        return np.where(np.isnan(left) | np.isnan(right), np.float32(np.nan), holds.astype(np.float32))
    assert isinstance(node, ast.Call), "parse lets through no other node"
    assert isinstance(node.func, ast.Name), "parse lets through no other node"
    return _FUNCTIONS[node.func.id][2](*(_value(one, bands) for one in node.args))
