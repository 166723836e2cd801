"""`x IN` a list of any length as one parameter: the statement is the same for all lists and is compiled once."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType


class _List(TypeDecorator[Iterable[Any]]):
    """A list of texts, sent as JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[Any] | None, dialect: Dialect) -> str:  # noqa: ARG002  # given to all
        """Return the list as JSON; None is the empty list."""
        return json.dumps(list(value or ()))


class _Among(FunctionElement[Any]):
    """The condition that the text of a column is in a list.

    It has no type: for a Boolean, SQLAlchemy writes `… = 1` for SQLite, which then reads the whole table.
    """

    inherit_cache = True
    name = "among"
    type = NullType()


@compiles(_Among, "sqlite")
def _among_sqlite(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    text, wanted = (compiler.process(part, **kw) for part in element.clauses)
    return f"{text} IN (SELECT value FROM json_each({wanted}))"  # noqa: S608  # made of compiled parts


@compiles(_Among, "postgresql")
def _among_postgresql(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    """Return the condition with an array, which PostgreSQL looks up by hash or index, unlike a join."""
    text, wanted = (compiler.process(part, **kw) for part in element.clauses)
    return f"{text} = ANY (ARRAY(SELECT json_array_elements_text(({wanted})::json)))"


def among(text: Any, parameter: str) -> ColumnElement[bool]:
    """Return the condition that a text is in the list that the statement gets as `parameter`."""
    return _Among(text, bindparam(parameter, type_=_List()))
