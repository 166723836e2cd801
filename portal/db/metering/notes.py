"""Notes: an account's private text on its usage events."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.db.sql.upsert import upsert
from portal.db.tables import Note, UsageEvent


def owns_usage(session: Session, account_id: int, usage_id: int) -> bool:
    """Return whether a usage event belongs to the account."""
    wanted = select(UsageEvent.id).where(UsageEvent.id == usage_id, UsageEvent.account_id == account_id)
    return session.scalar(wanted) is not None


def note(session: Session, account_id: int, usage_id: int) -> str | None:
    """Return the account's note on one of its events."""
    return session.scalar(select(Note.text).where(Note.usage_id == usage_id, Note.account_id == account_id))


def set_note(session: Session, account_id: int, usage_id: int, text: str, now: datetime) -> None:
    """Store a note, or replace it; the caller must check that the event belongs to the account."""
    upsert(session, Note, {"usage_id": usage_id}, {"account_id": account_id, "text": text, "updated_at": now})


def delete_note(session: Session, account_id: int, usage_id: int) -> None:
    """Delete the account's note on an event, if there is one."""
    session.execute(delete(Note).where(Note.usage_id == usage_id, Note.account_id == account_id))
