"""Querysets that are put into SQL once a process.

Django words a query anew each time it is asked, which takes it far longer than PostgreSQL takes to answer one that
finds a row by its key. What every claim asks is therefore worded once: see `benchmarks/claims.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Generic, TypeVar, cast

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable
from django.db.models.sql.compiler import SQLCompiler

ModelT = TypeVar("ModelT", bound=Model)
Value = int | str

# Stand for values while the query is worded; a keyed column could hold them, but no query says them of itself.
_INTEGER_STAND_IN = 2_000_000_011
_TEXT_STAND_IN = "milpa stand-in %d"


class _PreparingCursor(psycopg.Cursor[Any]):
    """PostgreSQL plans a statement of this cursor once a connection, and not each time."""

    def execute(self, query: Any, params: Any = None, **_: Any) -> _PreparingCursor:
        return super().execute(query, params, prepare=True)


@dataclass(frozen=True)
class _Wording:
    compiler: SQLCompiler
    sql: str
    parameters: tuple[Any, ...]
    converters: dict[int, Any]

    def ask(self, parameters: list[Any]) -> list[Any]:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            # Django's own cursors write the values into the text, which PostgreSQL then takes for another statement.
            cursor.cursor = _PreparingCursor(cursor.cursor.connection)
            cursor.execute(self.sql, parameters)
            return cursor.fetchall()


class Prepared(Generic[ModelT]):
    """Rows of a model by the values of the query's parameters, each an int or a text.

    ``build`` is given stand-ins of the kinds that are named, and is called once: it may neither look at a value nor
    depend on the time, the language or the person. Rows come as from the queryset, with what it selects besides.
    """

    def __init__(self, build: Callable[..., QuerySet[ModelT]], **kinds: type[Value]) -> None:
        self._build = build
        self._stand_ins: dict[str, Value] = {
            name: _INTEGER_STAND_IN + number if kind is int else _TEXT_STAND_IN % number
            for number, (name, kind) in enumerate(kinds.items())
        }

    def rows(self, **values: Value) -> list[ModelT]:
        """All rows. Raises TypeError where other values are given than the query has."""
        if values.keys() != self._stand_ins.keys():
            raise TypeError(f"The query has the values {sorted(self._stand_ins)}, not {sorted(values)}.")
        wording = self._wording
        told = {self._stand_ins[name]: value for name, value in values.items()}
        answer = wording.ask([told.get(parameter, parameter) for parameter in wording.parameters])
        # Django keeps on a compiler what it found out while wording, and makes the rows of a model from it.
        compiler = copy(wording.compiler)
        compiler.connection = connections[DEFAULT_DB_ALIAS]
        compiler.execute_sql = lambda **_: [answer]  # type: ignore[method-assign]
        compiler.get_converters = lambda _: wording.converters
        asked = SimpleNamespace(
            db=DEFAULT_DB_ALIAS,
            query=SimpleNamespace(get_compiler=lambda using: compiler),
            _known_related_objects={},
        )
        return list(ModelIterable(cast(Any, asked)))

    def first(self, **values: Value) -> ModelT | None:
        return next(iter(self.rows(**values)), None)

    @cached_property
    def _wording(self) -> _Wording:
        queryset = self._build(**self._stand_ins)
        compiler = queryset.query.get_compiler(using=DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        missing = set(self._stand_ins.values()) - set(parameters)
        if missing:
            raise TypeError("Every value of a prepared query has to be a parameter of its SQL.")
        columns = [column for column, *_ in compiler.select]
        return _Wording(compiler, sql, tuple(parameters), compiler.get_converters(columns))
