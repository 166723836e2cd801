"""The SQLite form of a backup: made from a database that is in use, checked, and put in place of another one."""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from portal.backups.archive import CannotBackUp, Check, go_on
from portal.backups.manifest import Manifest, WrongBackup, delete_secrets
from portal.backups.schemas import VERSION_TABLE, Schema, columns_of, objects_of
from portal.db.sql.schema import upgrade
from portal.db.sql.session import BUSY_SECONDS, Database, sqlite_module
from portal.errors import Conflict, Unavailable
from portal.rules.messages import message

_STEP = 2000
"""Pages that are copied between two calls of `check`."""


@contextmanager
def opened_file(file: Path) -> Iterator[Connection]:
    """Yield a transaction on a SQLite file that nobody else uses, without foreign keys; it commits at the end."""
    engine = create_engine(URL.create("sqlite", database=str(file)), module=sqlite_module(), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            raw.isolation_level = None
            raw.execute("PRAGMA trusted_schema=OFF")
            raw.execute("PRAGMA journal_mode=DELETE")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()
    finally:
        engine.dispose()


def copy_database(source: Database, file: Path, check: Check = go_on) -> None:
    """Copy a SQLite database as it is at this moment, while others write to it. Raises CannotBackUp and Unavailable."""
    with _raw_connection(source) as raw, closing(sqlite_module().connect(str(file))) as target:
        for pragma in ("journal_mode=OFF", "synchronous=OFF"):
            target.execute(f"PRAGMA {pragma}")
        raw.execute("BEGIN")
        try:
            raw.execute("SELECT count(*) FROM sqlite_master").fetchone()  # all steps read this snapshot
            with _translated():
                raw.backup(target, pages=_STEP, progress=lambda *_: check(), sleep=0)
        finally:
            raw.execute("ROLLBACK")


def clean(file: Path) -> None:
    """Delete secrets of visitors from a copy, and everything that was deleted before."""
    with opened_file(file) as connection:
        delete_secrets(connection, [name for kind, name in objects_of(connection) if kind == "table"])
    packed = file.with_name(f"{file.name}.packed")
    with closing(sqlite_module().connect(str(file), isolation_level=None)) as raw, _translated():
        raw.execute("VACUUM INTO ?", (str(packed),))  # pysqlite3 keeps the whole content in memory for VACUUM
    packed.replace(file)


def create_at(file: Path, revision: str) -> None:
    """Create a SQLite file with the empty tables of a revision."""
    with opened_file(file) as connection:
        upgrade(connection, revision)
    with opened_file(file) as connection:
        for kind, name in objects_of(connection):
            if kind == "table" and name != VERSION_TABLE:
                connection.exec_driver_sql(f'DELETE FROM "{name}"')  # noqa: S608  # names of our own


def check_file(file: Path, manifest: Manifest, schema: Schema) -> None:
    """Raise WrongBackup unless a file is an intact database with exactly the objects of the schema."""
    try:
        with opened_file(file) as connection:
            is_intact = damage_in(connection) is None
            is_ours = objects_of(connection) == schema.objects and all(
                columns_of(connection, table) == schema.columns[table] for table in schema.tables
            )
            versions = [row[0] for row in connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}")]  # noqa: S608
    except (DatabaseError, sqlite_module().DatabaseError) as error:
        raise WrongBackup from error
    if not (is_intact and is_ours and versions == [manifest.schema_revision]):
        raise WrongBackup


def damage_in(connection: Connection) -> str | None:
    """Return the first damage of a SQLite file, such as an index that misses a row; None if it is intact."""
    found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    if found != "ok":
        return str(found).replace("\n", " ")
    orphan = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    return None if orphan is None else f"a row of {orphan[0]} belongs to no row of {orphan[2]}"


def migrate_file(file: Path, keep_email: Collection[str] = ()) -> None:
    """Migrate a file to the schema of this program. Raises SharedEmails."""
    with opened_file(file) as connection:
        upgrade(connection, "head", keep_email)


def replace_content(target: Database, file: Path) -> None:
    """Replace everything in a SQLite database by the content of a file, in one transaction.

    Others may have the database open: they read the old content until the end, and the new one afterwards. Raises
    Unavailable if somebody else writes for too long; the old content stays then.
    """
    with target.alone(), _raw_connection(target) as raw:
        _copy_into(raw, file)


def replace_unused(file: Path, source: Path) -> None:
    """Replace the content of a SQLite database that no program uses, or create it. Raises Conflict if one does."""
    file.touch(0o600)
    with closing(_connected(file)) as raw:
        try:
            raw.execute("PRAGMA locking_mode=EXCLUSIVE")
            raw.execute("PRAGMA journal_mode=DELETE")  # fails while another connection is open
            raw.execute("BEGIN EXCLUSIVE")
            raw.execute("COMMIT")  # the lock stays
        except sqlite_module().OperationalError as error:
            raise Conflict(IN_USE) from error
        _copy_into(raw, source)


IN_USE = (
    "Another program uses the database, such as a running portal. Stop it first, then restore. Nothing was changed."
)


def _copy_into(raw: Any, file: Path) -> None:
    [page_size] = raw.execute("PRAGMA page_size").fetchone()
    with closing(sqlite_module().connect(str(file), isolation_level=None)) as source, _translated():
        if source.execute("PRAGMA page_size").fetchone() != (page_size,):
            source.execute(f"PRAGMA page_size={page_size}")
            source.execute("VACUUM")
        waits = 0

        def give_up(status: int, *_: int) -> None:
            nonlocal waits
            waits = waits + 1 if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED} else 0
            if waits * 0.25 > BUSY_SECONDS:
                raise Unavailable

        source.backup(raw, pages=-1, progress=give_up)


def _connected(file: Path) -> Any:
    return sqlite_module().connect(str(file), isolation_level=None, timeout=0.5)


@contextmanager
def _raw_connection(database: Database) -> Iterator[Any]:
    """Yield the driver's connection; the pool has prepared it."""
    pooled = database.engine.raw_connection()
    try:
        yield pooled.driver_connection
    finally:
        pooled.close()


@contextmanager
def _translated() -> Iterator[None]:
    """Raise CannotBackUp in place of an error of SQLite, such as a full disk."""
    try:
        yield
    except sqlite_module().Error as error:
        raise CannotBackUp(message("SQLite cannot copy the database: {reason}.", reason=str(error))) from error
