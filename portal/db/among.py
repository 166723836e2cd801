"""`x IN` a list of any length, as one parameter: the statement is the same for every list, and put together once."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Text, TypeDecorator, bindparam, column, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


class _List(TypeDecorator[Iterable[Any]]):
    """Texts or whole numbers, as JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[Any] | None, dialect: Dialect) -> str:  # noqa: ARG002  # given to all
        """Write it as JSON; nothing is the empty list."""
        return json.dumps(list(value or ()))


class _Each(GenericFunction[Any]):
    """A row for each item of a JSON list, in a column called `value`."""

    inherit_cache = True
    name = "portal_each"


@compiles(_Each, "sqlite")
def _each_sqlite(element: _Each, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_Each, "postgresql")
def _each_postgresql(element: _Each, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array_elements_text(({compiler.process(element.clauses, **kw)})::json)"


def among(text: Any, parameter: str) -> ColumnElement[bool]:
    """Say whether a column of texts holds one of the texts that the statement is given as `parameter`."""
    each = _Each(bindparam(parameter, type_=_List()))
    found: ColumnElement[bool] = text.in_(select(column("value")).select_from(each))
    return found
