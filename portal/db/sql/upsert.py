"""INSERT … ON CONFLICT, which SQLite and PostgreSQL share and SQLAlchemy spells once for each."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


def insert(session: Session, table: type[Any]) -> Any:
    """Return an INSERT of the session's dialect, with `.on_conflict_do_nothing()` and `.on_conflict_do_update()`.

    It is one into the table, not of objects: with many rows the ORM takes twice the time of the database.
    """
    dialect = session.get_bind().dialect.name
    return (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table.__table__)
