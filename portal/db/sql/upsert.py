"""INSERT … ON CONFLICT, which SQLAlchemy has once for SQLite and once for PostgreSQL."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


def insert(session: Session, table: type[Any]) -> Any:
    """Return an INSERT of the session's dialect, with `.on_conflict_do_nothing()` and `.on_conflict_do_update()`.

    It inserts into the table, without ORM objects: for many rows the ORM takes twice the time of the database.
    """
    dialect = session.get_bind().dialect.name
    return (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table.__table__)


def upsert(session: Session, table: type[Any], key: dict[str, Any], values: dict[str, Any]) -> None:
    """Insert a row with `key` and `values`, or set `values` in the row that has this key."""
    new = insert(session, table).values(**key, **values)
    session.execute(new.on_conflict_do_update(index_elements=list(key), set_=values))
