"""Scheduled backups: when the next one is due, which server writes it, its name, and how many of them stay.

Decision: if several servers share a database, the first of them that claims the backup in the table `installation`
writes it.
"""

import re
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.sql.upsert import insert, upsert
from portal.db.tables import Installation

_NAME = re.compile(r"moe-portal-\d{8}T\d{6}Z\.zip")
UNFINISHED = ".moe-portal-*"
"""The names of files that are being written."""


class BackupState(StrEnum):
    """The state of the last scheduled backup."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


LEASE = timedelta(hours=6)
"""A backup that has run so long belongs to a server that has died."""
TRY_AGAIN = timedelta(minutes=15)
_CLAIM = "scheduled_backup"
_NEVER = "never 2000-01-01T00:00:00+00:00"


def claim_backup(session: Session, every: timedelta, now: datetime) -> bool:
    """Return whether a backup is due and this server writes it; others get False then."""
    session.execute(insert(session, Installation).values(name=_CLAIM, value=_NEVER).on_conflict_do_nothing())
    locked = select(Installation.value).where(Installation.name == _CLAIM).with_for_update()
    state, _, started = (session.scalar(locked) or _NEVER).partition(" ")
    waits = {BackupState.RUNNING.value: LEASE, BackupState.FAILED.value: min(TRY_AGAIN, every)}
    if now < datetime.fromisoformat(started) + waits.get(state, every):
        return False
    note_backup(session, now, BackupState.RUNNING)
    return True


def note_backup(session: Session, started: datetime, state: BackupState) -> None:
    """Store the state of the backup that was claimed at `started`."""
    upsert(session, Installation, {"name": _CLAIM}, {"value": f"{state} {started.isoformat()}"})


def last_backup(session: Session) -> tuple[BackupState, datetime] | None:
    """Return the state and the start of the last scheduled backup; None before the first one."""
    value = session.scalar(select(Installation.value).where(Installation.name == _CLAIM)) or _NEVER
    state, _, started = value.partition(" ")
    return None if value == _NEVER else (BackupState(state), datetime.fromisoformat(started))


def name_at(now: datetime) -> str:
    """Return the name of the backup that begins at an instant (UTC); names sort by time."""
    return f"moe-portal-{now:%Y%m%dT%H%M%SZ}.zip"


def remove_old(folder: Path, keep: int) -> list[str]:
    """Remove all scheduled backups but the newest `keep`; return their names. Other files stay."""
    found = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file())
    old = found[: max(len(found) - keep, 0)]
    for path in old:
        path.unlink(missing_ok=True)
    return [path.name for path in old]
