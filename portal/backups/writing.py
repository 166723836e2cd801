"""Writing a backup of a database that is in use: a snapshot, its measures, one file."""

import tempfile
from dataclasses import dataclass
from datetime import datetime
from glob import escape
from pathlib import Path

from sqlalchemy import Connection

from portal.backups.archive import (
    CannotBackUp,
    Check,
    cannot_write,
    digest_of,
    go_on,
    manifest_of,
    new_file,
    remove_left_behind,
    write_archive,
)
from portal.backups.manifest import (
    DUMP_FORM,
    FORMAT,
    SQLITE_FORM,
    TRANSIENT,
    Manifest,
    WrongBackup,
    budget_timezone,
    count_rows,
    sum_rows,
    utc,
)
from portal.backups.postgres_dump import write_dump
from portal.backups.rows import copy_to_sqlite
from portal.backups.schemas import schema_at
from portal.backups.sqlite_form import clean, copy_database, create_at, damage_in, opened_file
from portal.db.sql.schema import revision
from portal.db.sql.session import Database
from portal.rules.messages import message
from portal.version import version


def write_backup(
    database: Database, file: Path, now: datetime, *, portable: bool = False, check: Check = go_on
) -> Manifest:
    """Write a backup of a database, which may be in use; return its manifest.

    `portable` writes the SQLite form of a PostgreSQL database too. The database may have an older schema. `check` is
    called often; an exception of it stops the work and leaves nothing behind. Raises CannotBackUp and Unavailable.
    """
    _refuse_other_file(file)
    remove_left_behind(file.parent, f".{escape(file.name)}.*")
    try:
        work = tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent, ignore_cleanup_errors=True)
    except OSError as error:
        raise cannot_write(file, error) from error
    with work as folder:
        manifest, data = _snapshot(database, Path(folder), now, portable, check)
        with new_file(file) as opened:
            write_archive(opened, manifest, data, check)
    return manifest


def _refuse_other_file(file: Path) -> None:
    """Raise CannotBackUp if there is something else than an older backup under this name."""
    if not file.exists():
        return
    try:
        manifest_of(file)
    except (WrongBackup, OSError):
        raise CannotBackUp(f"{file} exists and is not a backup of MoE Portal. Choose another name.") from None


def _snapshot(database: Database, folder: Path, now: datetime, portable: bool, check: Check) -> tuple[Manifest, Path]:
    """Write the data of a database into a folder; return their manifest and the file."""
    kind = database.engine.dialect.name
    data = folder / (SQLITE_FORM if kind == "sqlite" or portable else DUMP_FORM)
    if kind == "sqlite":
        copy_database(database, data, check)
        clean(data)
        with opened_file(data) as connection:
            _refuse_damage(connection)
            found = _measured(connection)
    else:
        with database.reading() as session:
            connection = session.connection()
            found = _measured(connection)
            _write_from_postgresql(connection, data, found.revision, portable, check)
    manifest = Manifest(
        format=FORMAT,
        program="MoE Portal",
        version=version(),
        created_at=utc(now),
        database="sqlite" if kind == "sqlite" else "postgresql",
        data=SQLITE_FORM if data.name == SQLITE_FORM else DUMP_FORM,
        size=data.stat().st_size,
        sha256=digest_of(data, check),
        schema_revision=found.revision,
        budget_timezone=found.budget_timezone,
        counts=found.counts,
        sums=found.sums,
    )
    return manifest, data


def _refuse_damage(connection: Connection) -> None:
    """Raise CannotBackUp for a damaged database, so that its backup does not replace a good one."""
    damage = damage_in(connection)
    if damage is not None:
        raise CannotBackUp(
            message("The database is damaged: {damage}. Restore a backup that was written before.", damage=damage)
        )


@dataclass(frozen=True, slots=True)
class _Measured:
    """The part of the manifest that describes the content."""

    revision: str
    budget_timezone: str | None
    counts: dict[str, int]
    sums: dict[str, int]


def _measured(connection: Connection) -> _Measured:
    found = revision(connection)
    if found is None:
        raise CannotBackUp("There is no MoE Portal in this database.")
    tables = schema_at(found).tables
    counts = count_rows(connection, tables) | {name: 0 for name in TRANSIENT if name in tables}
    return _Measured(found, budget_timezone(connection), counts, sum_rows(connection))


def _write_from_postgresql(connection: Connection, data: Path, found: str, portable: bool, check: Check) -> None:
    schema = schema_at(found)
    if not portable:
        write_dump(connection, data, schema.tables, check)
        return
    create_at(data, found)
    with opened_file(data) as target:
        copy_to_sqlite(connection, target, schema, check)
