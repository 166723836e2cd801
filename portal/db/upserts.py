"""INSERT … ON CONFLICT, which SQLite and PostgreSQL share and SQLAlchemy spells once for each."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


def insert_into(dialect: str, table: type[Any]) -> Any:
    """Return an INSERT of a dialect, `sqlite` or `postgresql`."""
    return (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table.__table__)


def insert(session: Session, table: type[Any]) -> Any:
    """Return an INSERT of the session's dialect, with `.on_conflict_do_nothing()` and `.on_conflict_do_update()`.

    It is one into the table, not of objects: with many rows the ORM takes twice the time of the database.
    """
    return insert_into(session.get_bind().dialect.name, table)
