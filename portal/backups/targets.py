"""Where a backup is restored to: a SQLite file or a PostgreSQL database, replaced in one transaction."""

import tempfile
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError, DBAPIError, InternalError

from portal.backups.manifest import WrongBackup, check_content, count_rows, sum_rows
from portal.backups.postgres_dump import read_rows, require_pg_restore
from portal.backups.restoring import Order, Restored, Unpacked, finish, prepare_file, shared_emails_explained, unpacked
from portal.backups.rows import copy_text, copy_to_postgresql
from portal.backups.schemas import VERSION_TABLE, Schema, schema_at
from portal.backups.sqlite_form import IN_USE, opened_file, replace_unused
from portal.db.sql.opening import database_file
from portal.db.sql.opening import shown as database_name
from portal.db.sql.schema import WrongDatabase, head, known_revisions, lock_migrations, newer, revision, upgrade
from portal.db.sql.session import Database
from portal.errors import Conflict
from portal.rules.messages import message
from portal.rules.text import counted

_DATA = ("accounts", "gateways", "usage_events")
"""A portal without rows in these tables is empty: `portal serve` has created it and nobody has used it."""
_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user "
    "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


def restore_backup(address: str, file: Path, order: Order, *, replace: bool = False) -> Restored:
    """Restore a backup into the database at an address, which is created if necessary and used by nobody else.

    Raises Conflict for a database with data unless `replace`; WrongBackup, CannotBackUp, WrongDatabase and Unavailable.
    After every error the database is as it was.
    """
    target = database_file(address)
    if target is not None:
        return _restore_into_file(address, target, file, order, replace=replace)
    with tempfile.TemporaryDirectory(prefix="moe-portal-") as folder, unpacked(file, Path(folder)) as found:
        return _restore_into_server(address, found, order, replace=replace)


def _restore_into_file(address: str, target: Path, file: Path, order: Order, *, replace: bool) -> Restored:
    if target.exists() and target.stat().st_size:
        _check_target(address, replace=replace)
    with unpacked(file, target.parent) as found:
        if found.is_dump:
            raise WrongBackup(FOR_POSTGRESQL)
        restored = prepare_file(found, order)
        replace_unused(target, found.data)
        return restored


FOR_POSTGRESQL = message(
    "This backup can be restored into PostgreSQL only. To move its data to SQLite, write another backup on the server "
    "with `portal backup --portable FILE`."
)


def _check_target(address: str, *, replace: bool) -> None:
    database = Database(address, 1)
    try:
        with database.reading() as session:
            check_replaceable(session.connection(), address, replace=replace)
    except DatabaseError as error:
        raise WrongDatabase(
            f"{database_name(address)} is not a SQLite database, or it is damaged ({error.orig}). Move the file away, "
            "then restore."
        ) from error
    finally:
        database.close()


def check_replaceable(connection: Connection, address: str, *, replace: bool) -> None:
    """Raise Conflict for a database with data unless `replace`, and WrongDatabase for one of another program."""
    name = database_name(address)
    if revision(connection) is None:
        if has_tables(connection):
            raise WrongDatabase(f"{name} has tables of another program. Restore into a database of its own.")
        return
    counts = count_rows(connection, _DATA)
    if any(counts.values()) and not replace:
        what = f"{counted(counts['accounts'], 'account')} and {counted(counts['usage_events'], 'request')}"
        raise Conflict(f"The database {name} has {what}. `--replace` replaces everything in it by the backup.")


def has_tables(connection: Connection) -> bool:
    """Return whether there is any table, or in PostgreSQL a table with a name that MoE Portal uses."""
    if connection.dialect.name == "sqlite":
        return bool(connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar())
    names = ", ".join(f"'{name}'" for name in schema_at(head()).tables)
    query = f"SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename IN ({names})"  # noqa: S608
    return bool(connection.exec_driver_sql(query).scalar())


def _restore_into_server(address: str, found: Unpacked, order: Order, *, replace: bool) -> Restored:
    if found.is_dump:
        require_pg_restore()
        prepared = None
    else:
        prepared = prepare_file(found, order)
    database = Database(address, 1)
    try:
        with database.transaction() as session:
            connection = session.connection()
            _make_room(connection, address, replace=replace)
            return _fill_from_dump(connection, found, order) if prepared is None else _fill(connection, found, prepared)
    except InternalError as error:  # somebody else's view or key depends on a table
        raise WrongDatabase(f"The old tables cannot be removed: {_first_line(error)}. Nothing was changed.") from error
    finally:
        database.close()


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0].rstrip(".")


def _make_room(connection: Connection, address: str, *, replace: bool) -> None:
    """Check that the database may be replaced, and drop the tables in it."""
    lock_migrations(connection)
    connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
    connection.exec_driver_sql("SET LOCAL client_encoding = 'UTF8'")
    if connection.execute(_OTHERS).scalar():
        raise Conflict(IN_USE)
    check_replaceable(connection, address, replace=replace)
    present = revision(connection)
    if present is None:
        return
    if present not in known_revisions():
        raise WrongDatabase(f"{newer(present)} Or restore into a new database, which PORTAL_DATABASE_URL names.")
    tables = ", ".join(f'"{table}"' for table in (*schema_at(present).tables, VERSION_TABLE))
    connection.exec_driver_sql(f"DROP TABLE {tables}")


def _fill(connection: Connection, found: Unpacked, prepared: Restored) -> Restored:
    """Copy a prepared SQLite file into the empty database, and compare the counts and sums of both."""
    schema = schema_at(head())
    _create(connection, schema)
    with opened_file(found.data) as source:
        copy_to_postgresql(source, connection, schema)
        wanted = count_rows(source, schema.tables), sum_rows(source)
    if (count_rows(connection, schema.tables), sum_rows(connection)) != wanted:
        raise WrongBackup
    _set_sequences(connection, schema)
    return prepared


def _fill_from_dump(connection: Connection, found: Unpacked, order: Order) -> Restored:
    """Read a dump into the empty tables of its schema, compare it with the manifest, migrate and verify it."""
    schema = schema_at(found.manifest.schema_revision)
    _create(connection, schema)
    for table in schema.tables:
        names = [name for name, _ in schema.columns[table]]
        columns, lines = read_rows(found.data, table, names)
        if columns:
            copy_text(connection, table, columns, lines)
    check_content(connection, found.manifest, schema.tables)
    _set_sequences(connection, schema)
    with shared_emails_explained():
        upgrade(connection, "head", order.keep_email)
    return finish(connection, found.manifest, order)


def _create(connection: Connection, schema: Schema) -> None:
    upgrade(connection, schema.revision)
    for table in reversed(schema.tables):  # migrations store first rows, such as a price
        connection.exec_driver_sql(f'DELETE FROM "{table}"')  # noqa: S608  # names of our own


def _set_sequences(connection: Connection, schema: Schema) -> None:
    """Have new rows numbered after the restored ones."""
    for table in schema.tables:
        if ("id", "INTEGER") in schema.columns[table]:
            name = connection.scalar(text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": f'"{table}"'})
            query = f'SELECT setval(:name, (SELECT coalesce(max(id), 0) + 1 FROM "{table}"), false)'  # noqa: S608  # our own
            connection.execute(text(query), {"name": name})
