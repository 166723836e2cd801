"""Store many rows at once.

Decision: statements and values go directly to the driver, in the fastest way of each database: SQLite runs one small
statement for each row, PostgreSQL gets all rows as one JSON text. SQLAlchemy's own insert, with a dictionary for each
row, takes several times as long as the database, and storing a batch of usage calls this module five times.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.orm import Session

_MOST_VALUES = 30_000
"""Values of one statement; SQLite takes 32,766."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class BulkInsert:
    """An INSERT of any number of rows; `then` is the SQL after the rows, such as ON CONFLICT."""

    table: type[Any]
    columns: tuple[str, ...]
    then: str

    def run(self, session: Session, rows: Sequence[Row]) -> None:
        """Store rows with their values in the order of `columns`."""
        connection = session.connection()
        if connection.dialect.name != "sqlite":
            self._store_json(connection, rows)
        elif rows:
            values, width = self._values(rows, connection.dialect), len(self.columns)
            finished = [tuple(values[start : start + width]) for start in range(0, len(values), width)]
            connection.exec_driver_sql(_insert_rows(self, 1), finished)

    def returning(self, session: Session, rows: Sequence[Row]) -> list[Row]:
        """Store rows, and return the rows of the RETURNING clause."""
        connection, most = session.connection(), _MOST_VALUES // len(self.columns)
        if connection.dialect.name != "sqlite":
            return self._store_json(connection, rows)
        found: list[Row] = []
        for start in range(0, len(rows), most):
            some = rows[start : start + most]
            values = tuple(self._values(some, connection.dialect))
            found += map(tuple, connection.exec_driver_sql(_insert_rows(self, len(some)), values))
        return found

    def _store_json(self, connection: Connection, rows: Sequence[Row]) -> list[Row]:
        if not rows:
            return []
        named = [dict(zip(self.columns, row, strict=True)) for row in rows]
        result = connection.exec_driver_sql(_insert_json(self), (json.dumps(named, default=_as_text),))
        return [tuple(row) for row in result] if result.returns_rows else []

    def _values(self, rows: Sequence[Row], dialect: Dialect) -> list[Any]:
        """Return all values in the types of SQLite, row after row.

        Many rows have the same instants and rates, so each different value is converted once.
        """
        values, width = [value for row in rows for value in row], len(self.columns)
        for place, process in _processors(self, dialect):
            made = {value: process(value) for value in set(values[place::width])}
            values[place::width] = [made[value] for value in values[place::width]]
        return values


def _as_text(value: object) -> str:
    """Return an instant, a day or a rate as text for PostgreSQL; rates have no exponent."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


@lru_cache(maxsize=1024)
def _insert_rows(bulk: BulkInsert, count: int) -> str:
    row = f"({', '.join('?' * len(bulk.columns))})"
    return f"INSERT INTO {_places(bulk)} VALUES {', '.join([row] * count)} {bulk.then}"  # noqa: S608  # names of our own


@lru_cache(maxsize=64)
def _insert_json(bulk: BulkInsert) -> str:
    """Return the statement that reads rows from a JSON text, with the column types of the table."""
    rows = f"json_populate_recordset(NULL::{bulk.table.__tablename__}, %s::json)"
    return f"INSERT INTO {_places(bulk)} SELECT {', '.join(bulk.columns)} FROM {rows} {bulk.then}"  # noqa: S608  # names of our own


def _places(bulk: BulkInsert) -> str:
    return f"{bulk.table.__tablename__} ({', '.join(bulk.columns)})"


@lru_cache(maxsize=64)
def _processors(bulk: BulkInsert, dialect: Dialect) -> list[tuple[int, Callable[[Any], Any]]]:
    """Return the place of each column that the driver cannot store directly, with its conversion function."""
    types = [bulk.table.__table__.c[name].type.dialect_impl(dialect) for name in bulk.columns]
    made = ((place, each.bind_processor(dialect)) for place, each in enumerate(types))
    return [(place, process) for place, process in made if process is not None]
