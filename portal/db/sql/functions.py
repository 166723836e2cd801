"""SQL functions that the two databases write differently."""

import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import Text

FOLD = "portal_fold"
"""The name of `fold` in SQLite, which itself knows lower case of ASCII letters only."""


def fold(text: str | None) -> str | None:
    """Return a text in the form in which lists search and sort it: composed (NFC), in lower case."""
    return None if text is None else unicodedata.normalize("NFC", text).lower()


class folded(GenericFunction[str]):  # noqa: N801  # a function in statements
    """`fold` of a text, in the database."""

    inherit_cache = True
    type = Text()


@compiles(folded, "sqlite")
def _folded_sqlite(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{FOLD}({compiler.process(element.clauses, **kw)})"


@compiles(folded, "postgresql")
def _folded_postgresql(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"lower(normalize({compiler.process(element.clauses, **kw)}))"


class largest(GenericFunction[int]):  # noqa: N801  # a function in statements
    """The largest of several numbers, none of which is null."""

    inherit_cache = True


@compiles(largest, "sqlite")
def _largest_sqlite(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"max({compiler.process(element.clauses, **kw)})"


@compiles(largest, "postgresql")
def _largest_postgresql(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return f"greatest({compiler.process(element.clauses, **kw)})"


class json_text(GenericFunction[str]):  # noqa: N801  # a function in statements
    """The text of a field of a JSON object, `json_text(column, name)`; null without the field."""

    inherit_cache = True
    type = Text()


@compiles(json_text, "sqlite")
def _json_text_sqlite(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    column, name = (compiler.process(part, **kw) for part in element.clauses)
    return f"json_extract({column}, '$.' || {name})"


@compiles(json_text, "postgresql")
def _json_text_postgresql(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    column, name = (compiler.process(part, **kw) for part in element.clauses)
    return f"(CAST({column} AS json) ->> CAST({name} AS text))"


def contains(text: str, *columns: Any) -> ColumnElement[bool]:
    """Return the condition that one of the columns contains a text, in upper or lower case."""
    wanted = fold(text) or ""
    return or_(*(folded(column).contains(wanted, autoescape=True) for column in columns))
