"""Rows from one database to the other: PostgreSQL to a SQLite file, and back, table by table, in constant memory.

The tables have five kinds of values: whole numbers, texts, booleans, days and instants. SQLite stores the last three as
0 or 1, `2026-11-22` and `2026-11-22 14:05:00.000000`, in UTC.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from portal.backups.archive import Check
from portal.backups.manifest import TRANSIENT, WrongBackup
from portal.backups.schemas import Schema
from portal.errors import Unavailable

_BATCH = 2000


def copy_to_sqlite(source: Connection, target: Connection, schema: Schema, check: Check) -> None:
    """Copy all rows of PostgreSQL, except secrets of visitors, into the empty tables of a SQLite file."""
    for table in schema.tables:
        if table not in TRANSIENT:
            names = [name for name, _ in schema.columns[table]]
            insertion = f"INSERT INTO {_place(table, names)} VALUES ({', '.join('?' * len(names))})"  # noqa: S608
            reading = source.execution_options(yield_per=_BATCH)
            with reading.exec_driver_sql(f'SELECT {_listed(names)} FROM "{table}"') as rows:  # noqa: S608
                for batch in rows.partitions(_BATCH):
                    check()
                    target.exec_driver_sql(insertion, [tuple(map(as_sqlite, row)) for row in batch])


def copy_to_postgresql(source: Connection, target: Connection, schema: Schema) -> None:
    """Copy all rows of a SQLite file into the empty tables of PostgreSQL. Raises WrongBackup for unreadable values."""
    for table in schema.tables:
        columns = schema.columns[table]
        names = [name for name, _ in columns]
        readers = [READERS.get(kind) for _, kind in columns]
        result = source.execution_options(yield_per=_BATCH).exec_driver_sql(f'SELECT {_listed(names)} FROM "{table}"')  # noqa: S608
        with result as rows:
            copy_rows(target, table, names, (_read(row, readers) for row in rows))


def copy_rows(target: Connection, table: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Store rows in a table of PostgreSQL."""
    with _copying(target, table, names) as copying:
        for row in rows:
            copying.write_row(row)


def copy_text(target: Connection, table: str, names: Sequence[str], lines: Iterable[bytes]) -> None:
    """Store rows in PostgreSQL's text format in a table."""
    lines = iter(lines)
    with _copying(target, table, names) as copying:
        while some := b"".join(islice(lines, _BATCH)):
            copying.write(some)


@contextmanager
def _copying(target: Connection, table: str, names: Sequence[str]) -> Iterator[Any]:
    """Yield a COPY into a table. Raises WrongBackup for a value that PostgreSQL refuses, and Unavailable."""
    import psycopg  # noqa: PLC0415  # an extra

    raw: Any = target.connection.driver_connection
    try:
        with raw.cursor() as cursor, cursor.copy(f"COPY {_place(table, names)} FROM STDIN") as copying:
            yield copying
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        [reason, *_] = str(error).splitlines()
        raise WrongBackup(f"PostgreSQL refuses a row of this backup: {reason}. Nothing was changed.") from error
    except psycopg.OperationalError as error:
        raise Unavailable from error


def as_sqlite(value: Any) -> Any:
    """Return a value of PostgreSQL as SQLite stores it."""
    match value:
        case bool():
            return int(value)
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
        case date():
            return value.isoformat()
        case _:
            return value


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


READERS: dict[str, Callable[[Any], Any]] = {
    "BOOLEAN": bool,
    "DATETIME": _instant,
    "DATE": date.fromisoformat,
}
"""How values of SQLite are read, by the declared type of their column."""


def _read(row: Sequence[Any], readers: Sequence[Callable[[Any], Any] | None]) -> list[Any]:
    pairs = zip(row, readers, strict=True)
    try:
        return [value if value is None or read is None else read(value) for value, read in pairs]
    except (ValueError, TypeError):
        raise WrongBackup from None


def _place(table: str, names: Sequence[str]) -> str:
    return f'"{table}" ({_listed(names)})'


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
