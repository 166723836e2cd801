"""The schema that a revision has: its tables in the order of their foreign keys, and every object of its database."""

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Connection, MetaData, create_engine
from sqlalchemy.pool import StaticPool

from portal.db.sql.schema import known_revisions, newer, upgrade

_MASTER = "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
VERSION_TABLE = "alembic_version"


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a revision, parents before their children, and the columns and all objects of a SQLite file."""

    revision: str
    tables: tuple[str, ...]
    columns: dict[str, tuple[tuple[str, str], ...]]
    """Name and declared type of each column on SQLite."""
    objects: frozenset[tuple[str, str]]


@lru_cache(maxsize=8)
def schema_at(revision: str) -> Schema:
    """Return the schema of a revision, by making one in memory. Raises WrongDatabase for an unknown revision."""
    if revision not in known_revisions():
        raise newer(revision)
    engine = create_engine("sqlite://", poolclass=StaticPool)
    try:
        with engine.begin() as connection:
            upgrade(connection, revision)
            found = MetaData()
            found.reflect(connection)
            tables = tuple(table.name for table in found.sorted_tables if table.name != VERSION_TABLE)
            columns = {table: columns_of(connection, table) for table in tables}
            return Schema(revision, tables, columns, objects_of(connection))
    finally:
        engine.dispose()


def columns_of(connection: Connection, table: str) -> tuple[tuple[str, str], ...]:
    """Return the name and the declared type of each column of a table on SQLite."""
    return tuple((row[1], row[2]) for row in connection.exec_driver_sql(f'PRAGMA table_info("{table}")'))


def objects_of(connection: Connection) -> frozenset[tuple[str, str]]:
    """Return the kind and the name of every table, index, view and trigger of a SQLite database."""
    return frozenset((row[0], row[1]) for row in connection.exec_driver_sql(_MASTER))
