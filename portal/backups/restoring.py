"""The steps of a restore that are the same for both databases: unpack, check, migrate, verify."""

import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from portal.actions.metering.verification import verify_in
from portal.backups.archive import cannot_write, remove_left_behind, unpack
from portal.backups.manifest import (
    DUMP_FORM,
    TRANSIENT,
    Manifest,
    WrongBackup,
    budget_timezone,
    check_content,
    delete_secrets,
)
from portal.backups.schemas import schema_at
from portal.backups.sqlite_form import check_file, migrate_file, opened_file
from portal.db.audit import add_entry
from portal.db.sql.schema import SharedEmails, known_revisions
from portal.rules.messages import message
from portal.rules.people.actors import Actor
from portal.rules.periods import zone

Advance = Callable[[int], None]
"""Called with the number of requests that were verified since the last call."""

_FOLDER = ".restore-"


@dataclass(frozen=True, slots=True)
class Order:
    """A restore to do: who wants it and when, which accounts keep a shared email address, and who hears of progress."""

    actor: Actor
    now: datetime
    keep_email: Collection[str] = ()
    advance: Advance = lambda _: None


@dataclass(frozen=True, slots=True)
class Restored:
    """A finished restore: the manifest of the backup, the zone of its days, and sums that differ from the events."""

    manifest: Manifest
    budget_timezone: str | None
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The data of a backup in a file, undamaged and of a known schema."""

    manifest: Manifest
    data: Path

    @property
    def is_dump(self) -> bool:
        """Whether the data are a dump, which only PostgreSQL can read."""
        return self.manifest.data == DUMP_FORM


@contextmanager
def unpacked(file: Path, folder: Path) -> Iterator[Unpacked]:
    """Yield the data of a backup, checked, in a new folder inside `folder`. Raises WrongBackup and CannotBackUp."""
    remove_left_behind(folder, f"{_FOLDER}*")
    try:
        work = tempfile.TemporaryDirectory(prefix=_FOLDER, dir=folder, ignore_cleanup_errors=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    with work as made:
        manifest, data = unpack(file, Path(made))
        if manifest.schema_revision not in known_revisions():
            raise WrongBackup(
                message(
                    "The backup has the schema {revision} of MoE Portal {version}, which this version does not know. "
                    "Restore it with a newer version.",
                    revision=manifest.schema_revision,
                    version=manifest.version,
                )
            )
        found = Unpacked(manifest, data)
        if not found.is_dump:
            schema = schema_at(manifest.schema_revision)
            check_file(data, manifest, schema)
            with opened_file(data) as connection:
                check_content(connection, manifest, schema.tables)
        yield found


def prepare_file(found: Unpacked, order: Order) -> Restored:
    """Migrate the SQLite form to the schema of this program, and verify its sums. Raises WrongBackup."""
    with shared_emails_explained():
        migrate_file(found.data, order.keep_email)
    with opened_file(found.data) as connection:
        return finish(connection, found.manifest, order)


def finish(connection: Connection, manifest: Manifest, order: Order) -> Restored:
    """Verify the sums of restored data of the present schema, and note the restore in their audit log."""
    name = budget_timezone(connection)
    delete_secrets(connection, TRANSIENT)
    with Session(connection, autoflush=False) as session:
        faults = tuple(str(fault) for fault in verify_in(session, _zone(name), order.advance))
        add_entry(session, order.actor, "backup.restore", order.now, backup_of=manifest.created_at)
        session.flush()
    return Restored(manifest, name, faults)


def _zone(name: str | None) -> ZoneInfo:
    try:
        return zone(name or "UTC")
    except ValueError:
        raise WrongBackup from None


@contextmanager
def shared_emails_explained() -> Iterator[None]:
    """Raise WrongBackup with the command to run if several accounts of an older schema have one email address."""
    try:
        yield
    except SharedEmails as error:
        raise WrongBackup(str(error).replace("portal migrate", "portal restore FILE")) from error
