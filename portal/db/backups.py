"""The last scheduled backup, so that of several servers with one database only one writes it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.sql.upsert import insert, upsert
from portal.db.tables import Installation

_NAME = "scheduled_backup"
_NEVER = "never 2000-01-01T00:00:00+00:00"


def lock_last_backup(session: Session) -> tuple[str, datetime]:
    """Return the state and the start of the last scheduled backup, and lock them until the transaction ends."""
    session.execute(insert(session, Installation).values(name=_NAME, value=_NEVER).on_conflict_do_nothing())
    locked = select(Installation.value).where(Installation.name == _NAME).with_for_update()
    state, _, started = (session.scalar(locked) or _NEVER).partition(" ")
    return state, datetime.fromisoformat(started)


def set_last_backup(session: Session, state: str, started: datetime) -> None:
    """Store the state and the start of the last scheduled backup."""
    upsert(session, Installation, {"name": _NAME}, {"value": f"{state} {started.isoformat()}"})
