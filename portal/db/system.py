"""Figures about the database and the sessions, for administrators."""

from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal.db.people.sessions import running
from portal.db.tables import Account
from portal.db.tables import Session as SessionRow

_SQLITE = text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
_POSTGRESQL = text("SELECT pg_database_size(current_database())")


def database_kind(session: Session) -> str:
    """Return `sqlite` or `postgresql`."""
    return session.get_bind().dialect.name


def database_bytes(session: Session) -> int:
    """Return the size of the database in bytes."""
    return int(session.scalar(_SQLITE if database_kind(session) == "sqlite" else _POSTGRESQL) or 0)


def count_sessions(session: Session, now: datetime) -> int:
    """Return the number of running sessions of active accounts."""
    rows = select(func.count()).select_from(SessionRow).join(Account, Account.id == SessionRow.account_id)
    return session.scalar(rows.where(*running(now))) or 0
