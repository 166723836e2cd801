"""Backup and restore in the desktop program, while it runs: its window's file comes in, and its person stays.

Decisions: the content of the database is replaced in one transaction of SQLite's backup API, which open connections see
as any other change. The session of the window moves to the restored account, with the same token and a number that no
session had before, so no open page acts for another account. Days are counted again in the zone of this program if the
backup has another one.
"""

import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator
from portal.actions.metering.verification import recount_all
from portal.backups.archive import cannot_write
from portal.backups.manifest import Manifest, WrongBackup
from portal.backups.restoring import Order, prepare_file, unpacked
from portal.backups.schedule import name_at
from portal.backups.sqlite_form import opened_file, replace_content
from portal.backups.targets import FOR_POSTGRESQL
from portal.backups.writing import write_backup
from portal.db.people.accounts import account, account_named, add_account
from portal.db.sql.session import database, run_in_reading
from portal.db.tables import Account
from portal.db.tables import Session as SessionRow
from portal.errors import NotFound, NotSignedIn
from portal.rules.people.accounts import LOCAL, Role
from portal.rules.people.actors import Actor
from portal.settings import settings

_SAVED = "backup-saved"
_SENT = "backup-sent"
"""Folders in the data directory for the file that is downloaded and the one to restore; each holds one file."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a person sees of a backup before restoring it.

    `accounts` are the user names and display names of those that may be the person's; empty if one is the local one.
    """

    upload: str
    manifest: Manifest
    accounts: tuple[tuple[str, str], ...]


def write_local_backup(now: datetime) -> Path:
    """Write a backup into the data directory and return it; the next file there replaces it."""
    folder = _emptied(settings().data_dir / _SAVED)
    file = folder / name_at(now)
    write_backup(database(), file, now)
    return file


def written_backup() -> Path:
    """Return the backup in the data directory. Raises NotFound if there is none."""
    found = next((settings().data_dir / _SAVED).glob("moe-portal-*.zip"), None)
    if found is None:
        raise NotFound
    return found


async def store_upload(chunks: AsyncIterator[bytes]) -> str:
    """Store a file that arrives in pieces; return the name of the upload. Raises CannotBackUp."""
    folder = settings().data_dir / _SENT
    upload = secrets.token_hex(16)
    try:
        with (_emptied(folder) / f"{upload}.zip").open("wb") as file:
            async for chunk in chunks:
                file.write(chunk)
    except OSError as error:
        _emptied(folder)
        raise cannot_write(folder, error) from error
    return upload


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise cannot_write(folder, error) from error
    return folder


def _uploaded(upload: str) -> Path:
    """Return the file of an upload. Raises NotFound if another one has replaced it."""
    for file in (settings().data_dir / _SENT).glob("*.zip"):
        if secrets.compare_digest(file.stem, upload):
            return file
    raise NotFound


def preview_upload(upload: str) -> Preview:
    """Return what an upload contains. Raises WrongBackup, CannotBackUp and NotFound."""
    with unpacked(_uploaded(upload), settings().data_dir) as found:
        if found.is_dump:
            raise WrongBackup(FOR_POSTGRESQL)
        with opened_file(found.data) as connection:
            query = "SELECT username, display_name, active FROM accounts ORDER BY username"
            rows = connection.exec_driver_sql(query).all()
        is_local = any(row[0] == LOCAL for row in rows)
        accounts = () if is_local else tuple((row[0], row[1]) for row in rows if row[2])
        return Preview(upload, found.manifest, accounts)


def restore_upload(upload: str, actor: Actor, session_id: int, username: str, now: datetime) -> Manifest:
    """Replace everything in the running program's database by an upload; return its manifest.

    `username` is the account of the backup that becomes the person's, unless it has a local one; if it is empty, the
    person gets a new account. Raises Forbidden, NotSignedIn, NotFound, WrongBackup, CannotBackUp and Unavailable.
    """
    file = _uploaded(upload)
    run_in_reading(check_administrator, actor)
    with unpacked(file, settings().data_dir) as found:
        if found.is_dump:
            raise WrongBackup(FOR_POSTGRESQL)
        restored = prepare_file(found, Order(actor, now))
        kept = run_in_reading(_window, session_id)
        zone = settings().budget_zone
        with opened_file(found.data) as connection, Session(connection) as session:
            _adopt(session, kept, username, now)
            if restored.budget_timezone != zone.key or restored.faults:
                recount_all(session, actor, zone, now)
            session.flush()
        replace_content(database(), found.data)
    _emptied(file.parent)
    return found.manifest


@dataclass(frozen=True, slots=True)
class _Window:
    """The session of the window, its account, and the next number of a session."""

    session: SessionRow
    account: Account
    next_id: int


def _window(session: Session, session_id: int) -> _Window:
    row = session.get(SessionRow, session_id)
    owner = None if row is None else account(session, row.account_id)
    if row is None or owner is None:
        raise NotSignedIn
    session.expunge_all()
    return _Window(row, owner, (session.scalar(select(func.max(SessionRow.id))) or 0) + 1)


def _adopt(session: Session, window: _Window, username: str, now: datetime) -> None:
    """Give the person's account in the backup to the window."""
    own = account_named(session, LOCAL) or (account_named(session, username) if username else None)
    if own is None and username:
        raise NotFound
    if own is None:
        own = add_account(session, LOCAL, window.account.display_name, "", Role.ADMIN, None, now)
        own.language, own.theme = window.account.language, window.account.theme
    own.time_zone = own.time_zone or window.account.time_zone
    own.username, own.role, own.active = LOCAL, Role.ADMIN, True
    session.flush()
    row = window.session
    session.add(
        SessionRow(
            id=window.next_id,
            token_hash=row.token_hash,
            account_id=own.id,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            expires_at=row.expires_at,
            user_agent=row.user_agent,
            address=row.address,
        )
    )
