"""The results of nightly verifications."""

from datetime import date, datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal.db.sql.upsert import insert
from portal.db.tables import Verification

ABANDONED = timedelta(hours=6)
"""After this time an unfinished verification counts as interrupted, and another one may begin."""


def begin(session: Session, night: date, now: datetime) -> bool:
    """Store that the verification of a night begins; return False if another process has begun or finished it."""
    cut_off = Verification.finished_at.is_(None) & (Verification.started_at < now - ABANDONED)
    session.execute(delete(Verification).where(Verification.day == night, cut_off))
    begun = session.execute(
        insert(session, Verification)
        .values(day=night, started_at=now, accounts=0, requests=0, differences=0)
        .on_conflict_do_nothing(index_elements=["day"])
        .returning(Verification.day)
    )
    return begun.first() is not None


def forget(session: Session, night: date) -> None:
    """Delete the unfinished verification of a night."""
    session.execute(delete(Verification).where(Verification.day == night, Verification.finished_at.is_(None)))


def finish(session: Session, night: date, accounts: int, requests: int, differences: int, now: datetime) -> None:
    """Store the result of the verification of a night."""
    session.execute(
        update(Verification)
        .where(Verification.day == night)
        .values(finished_at=now, accounts=accounts, requests=requests, differences=differences)
    )


def last_verification(session: Session) -> Verification | None:
    """Return the last verification that was finished."""
    finished = Verification.finished_at.is_not(None)
    return session.scalar(select(Verification).where(finished).order_by(Verification.day.desc()).limit(1))
