"""Scheduled backups: deciding which server writes the next one, and when."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from portal.db.backups import lock_last_backup, set_last_backup


class BackupState(StrEnum):
    """The state of the last scheduled backup."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


LEASE = timedelta(hours=6)
"""A backup that has run so long belongs to a server that has died."""
TRY_AGAIN = timedelta(minutes=15)


def claim_backup(session: Session, every: timedelta, now: datetime) -> bool:
    """Return whether a backup is due and this server writes it; others get False then."""
    state, started = lock_last_backup(session)
    waits = {BackupState.RUNNING.value: LEASE, BackupState.FAILED.value: min(TRY_AGAIN, every)}
    if now < started + waits.get(state, every):
        return False
    set_last_backup(session, BackupState.RUNNING, now)
    return True


def note_backup(session: Session, started: datetime, state: BackupState) -> None:
    """Store how a backup that was claimed at `started` has ended."""
    set_last_backup(session, state, started)
