"""Storing many rows with one statement, whose text is put together once for each number of them.

Decision: text and finished values go to the driver as they are. SQLAlchemy's own way, a dictionary for each row and a
look at each value of it, takes several times as long as the database does, and each batch of usage passes here five
times.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Row
from sqlalchemy.orm import Session

_MOST_VALUES = 30_000
"""Values of one statement; SQLite takes 32,766 and PostgreSQL 65,535."""


@dataclass(frozen=True, slots=True)
class BulkInsert:
    """INSERT INTO `columns` of a table any number of rows; `then` is what follows the rows, such as ON CONFLICT."""

    table: type[Any]
    columns: tuple[str, ...]
    then: str

    def run(self, session: Session, rows: Sequence[tuple[Any, ...]]) -> list[Row[Any]]:
        """Store rows, whose values stand in the order of `columns`; return what the statement returns, if anything.

        Many rows share their instants and rates, so each is made ready for the driver once.
        """
        connection, width = session.connection(), len(self.columns)
        processors = _processors(self, connection.dialect)
        found: list[Row[Any]] = []
        for start in range(0, len(rows), _MOST_VALUES // width):
            some = rows[start : start + _MOST_VALUES // width]
            values = [value for row in some for value in row]
            for place, process in processors:
                made = {value: process(value) for value in set(values[place::width])}
                values[place::width] = [made[value] for value in values[place::width]]
            result = connection.exec_driver_sql(_text(self, connection.dialect, len(some)), tuple(values))
            if result.returns_rows:
                found += result.fetchall()
        return found


@lru_cache(maxsize=1024)
def _text(bulk: BulkInsert, dialect: Dialect, count: int) -> str:
    marks = ", ".join(_mark(bulk.table.__table__.c[name].type, dialect) for name in bulk.columns)
    into = f"{bulk.table.__tablename__} ({', '.join(bulk.columns)})"
    rows = ", ".join([f"({marks})"] * count)
    return f"INSERT INTO {into} VALUES {rows} {bulk.then}"  # noqa: S608  # names of our own; the values are parameters


def _mark(column_type: Any, dialect: Dialect) -> str:
    """Return the place of a value; in rows PostgreSQL does not look at the column to learn what a null is."""
    return "?" if dialect.name == "sqlite" else f"%s::{column_type.compile(dialect=dialect)}"


@lru_cache(maxsize=64)
def _processors(bulk: BulkInsert, dialect: Dialect) -> list[tuple[int, Callable[[Any], Any]]]:
    """Return what makes the driver's values of ours, for the columns whose values need it."""
    types = [bulk.table.__table__.c[name].type.dialect_impl(dialect) for name in bulk.columns]
    made = ((place, each.bind_processor(dialect)) for place, each in enumerate(types))
    return [(place, process) for place, process in made if process is not None]
