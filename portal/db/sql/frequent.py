"""Statements that run very often: compiled once for each kind of database, and found by identity."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, CursorResult, Select


class FrequentStatement:
    """A large SELECT that runs very often, always with the same parameters.

    SQLAlchemy finds the compiled form of a statement by all parts of the statement, which takes longer for a large one
    than SQLite needs to execute it.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        """Take the statement; the first execution compiles it."""
        self.statement = statement
        self._options = {"compiled_cache": _ByDialect()}

    def execute(self, connection: Connection, values: Mapping[str, Any]) -> CursorResult[*tuple[Any, ...]]:
        """Execute the statement with the values of its parameters."""
        return connection.execute(self.statement, values, execution_options=self._options)


class _ByDialect(dict[Any, Any]):
    """The compiled forms of one statement; the first part of SQLAlchemy's keys is the dialect."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key[0], default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key[0], value)
