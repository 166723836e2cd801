"""INSERT … ON CONFLICT, which SQLite and PostgreSQL share and SQLAlchemy spells once for each."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


def insert(session: Session, table: type[Any]) -> Any:
    """Return an INSERT of the session's dialect, with `.on_conflict_do_nothing()` and `.on_conflict_do_update()`."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    return (sqlite.insert if is_sqlite else postgresql.insert)(table)
