"""The results of nightly verifications."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from portal.db.sql.upsert import insert
from portal.db.tables import Verification

ABANDONED = timedelta(hours=6)
"""After this time an unfinished verification counts as interrupted, and another one may begin."""


MOST_FAULTS = 100
"""So many faults of a verification are stored; the log has all."""


def begin(session: Session, night: date, now: datetime, *, again: bool = False) -> bool:
    """Store that the verification of a night begins; return False if another process has begun or finished it.

    With `again`, a finished verification of this night is replaced.
    """
    if again:
        done = Verification.finished_at.is_not(None)
        session.execute(delete(Verification).where(Verification.day == night, done))
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


def finish(
    session: Session, night: date, accounts: int, requests: int, differences: int, faults: Sequence[str], now: datetime
) -> None:
    """Store the result of the verification of a night, with the first faults."""
    session.execute(
        update(Verification)
        .where(Verification.day == night)
        .values(
            finished_at=now,
            accounts=accounts,
            requests=requests,
            differences=differences,
            faults=json.dumps(faults[:MOST_FAULTS], ensure_ascii=False),
        )
    )


def last_verification(session: Session) -> Verification | None:
    """Return the last verification that was finished."""
    finished = Verification.finished_at.is_not(None)
    return session.scalar(select(Verification).where(finished).order_by(Verification.day.desc()).limit(1))


def verifying_since(session: Session, now: datetime) -> datetime | None:
    """Return when the verification that runs now has begun; None if none runs."""
    runs = Verification.finished_at.is_(None), Verification.started_at >= now - ABANDONED
    return session.scalar(select(func.max(Verification.started_at)).where(*runs))
