"""Scheduled backups: one file every PORTAL_BACKUP_EVERY hours in PORTAL_BACKUP_DIR, of which the newest stay.

Decision: the folder must exist. If it is on a disk that is not mounted, nothing is written to the disk below it. Old
files are removed only after a new one is complete, so a server that cannot write keeps what it has.
"""

import asyncio
import logging
import threading
from datetime import datetime, timedelta

from portal.backups.archive import remove_left_behind
from portal.backups.schedule import (
    UNFINISHED,
    BackupState,
    claim_backup,
    name_at,
    note_backup,
    remove_old,
)
from portal.backups.writing import write_backup
from portal.db.sql.session import database, run_in_transaction
from portal.errors import PortalError
from portal.jobs.retrying import run_until_done
from portal.rules.jobs import Job
from portal.settings import settings

log = logging.getLogger(__name__)

SOON = 30.0
"""Seconds from the start of the server to the first look."""
EVERY = 60.0
"""Seconds between two looks whether a backup is due."""


class Stopped(Exception):
    """The server stops, and the backup with it."""


async def run_backups() -> None:
    """Write backups until the task is cancelled; return at once if no folder is set."""
    if settings().backup_dir is None:
        return
    stops = threading.Event()
    try:
        await asyncio.sleep(SOON)
        while True:
            await run_until_done(lambda now: back_up_if_due(now, stops), "the scheduled backup", EVERY, job=Job.BACKUPS)
            await asyncio.sleep(EVERY)
    finally:
        stops.set()  # the thread ends soon, so that the server can


def back_up_if_due(now: datetime, stops: threading.Event) -> bool:
    """Write a backup and remove old ones if it is due and no other server writes it; return whether it was written.

    A failure is logged, and the next try follows a quarter of an hour later. Raises Unavailable.
    """
    folder = settings().backup_dir
    if folder is None or not run_in_transaction(claim_backup, timedelta(hours=settings().backup_every), now):
        return False

    def check() -> None:
        if stops.is_set():
            raise Stopped

    state = BackupState.FAILED
    try:
        remove_left_behind(folder, UNFINISHED)
        manifest = write_backup(database(), folder / name_at(now), now, check=check)
        state = BackupState.DONE
        removed = remove_old(folder, settings().backup_keep)
        log.info("wrote the backup %s of %d requests, removed %d", name_at(now), manifest.requests, len(removed))
        return True
    except Stopped:
        return False
    except (PortalError, OSError) as error:
        log.error("the scheduled backup has failed: %s", error)  # noqa: TRY400  # the sentence is enough
        return False
    finally:
        run_in_transaction(note_backup, now, state)
