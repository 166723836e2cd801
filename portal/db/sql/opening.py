"""Open a database: read its address, check that it exists, and check its schema.

Decision: `portal serve` and `portal demo` create and migrate; `portal restore` creates. All other commands open only
databases that exist, so that a command in a wrong directory does not answer from an empty database.
"""

import re
from collections.abc import Collection
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from portal.db.sql.schema import WrongDatabase, head, known_revisions, migrate, newer, revision
from portal.db.sql.session import Database, open_database
from portal.errors import MissingExtra, Unavailable

_DRIVERS = {"sqlite", "sqlite+pysqlite", "postgres", "postgresql", "postgresql+psycopg"}
_KINDS = "Write postgresql://user@host/name or sqlite:////absolute/path.sqlite3."
_ABSENT = re.compile(r'database "(.+)" does not exist')
"""PostgreSQL's message for a missing database, which has no SQLSTATE; in other languages it is passed on unchanged."""
_CHOOSE = "Choose another database with PORTAL_DATA_DIR or PORTAL_DATABASE_URL."


class MissingDatabase(WrongDatabase):
    """The database does not exist, or has no tables of MoE Portal."""


def open_or_create(address: str, pool: int) -> Database:
    """Open a database; create and migrate it if necessary. Raises WrongDatabase, MissingExtra and Unavailable."""
    url = _checked(address)
    file = _file(url)
    if file is not None and not file.parent.is_dir():
        raise WrongDatabase(f"The folder {file.parent} does not exist. Create it, or set PORTAL_DATABASE_URL right.")
    opened = open_database(address, pool)
    _schema(opened, url)
    migrate(opened)
    return opened


def open_existing(address: str, pool: int) -> Database:
    """Open a database that has the schema of this program. Raises as `open_or_create`, and MissingDatabase."""
    opened, found = _open(address, pool)
    if found != head():
        raise WrongDatabase(
            f"The database has the schema {found}, which is older than this version needs ({head()}). "
            "Make a backup, then run `portal migrate`."
        )
    return opened


def migrate_existing(address: str, pool: int, keep_email: Collection[str] = ()) -> tuple[str, str]:
    """Migrate an existing database; return the revisions before and after. Raises as `migrate` and `open_existing`."""
    opened, found = _open(address, pool)
    migrate(opened, keep_email)
    return found, head()


def shown(address: str) -> str:
    """Return the name of a database to show: the path of a file, or an address without password and options."""
    url = _checked(address)
    file = _file(url)
    if file is not None:
        return str(file)
    if url.get_backend_name() == "sqlite":
        return "SQLite in memory"
    hosts = url.query.get("host", ())
    named = ",".join((hosts,) if isinstance(hosts, str) else hosts)
    plain = URL.create("postgresql", url.username, None, url.host, url.port, url.database)
    return plain.render_as_string() + (f" on {named}" if named else "")


def database_file(address: str) -> Path | None:
    """Return the file of a SQLite database; None for PostgreSQL. Raises WrongDatabase and MissingExtra.

    Raises WrongDatabase also for a folder, for SQLite without a file, and if the folder of the file does not exist.
    """
    url = _checked(address)
    if url.get_backend_name() != "sqlite":
        return None
    file = _file(url)
    if file is None:
        raise WrongDatabase(f"{shown(address)} is not a file. {_KINDS}")
    if file.is_dir():
        raise WrongDatabase(f"{file} is a folder, not a database. {_CHOOSE}")
    if not file.parent.is_dir():
        raise WrongDatabase(f"The folder {file.parent} does not exist. Create it, or set PORTAL_DATABASE_URL right.")
    return file


def open_any(address: str, pool: int) -> Database:
    """Open an existing database, also with an older schema. Raises as `open_existing` for all others."""
    return _open(address, pool)[0]


def _open(address: str, pool: int) -> tuple[Database, str]:
    url = _checked(address)
    file = _file(url)
    if file is not None and (not file.exists() or (file.is_file() and file.stat().st_size == 0)):
        raise MissingDatabase(f"There is no database at {file}. `portal serve` creates it. {_CHOOSE}")
    opened = open_database(address, pool)
    found = _schema(opened, url)
    if found is None:
        raise MissingDatabase(
            f"There is no MoE Portal in the database {shown(address)}. `portal serve` sets it up. {_CHOOSE}"
        )
    return opened, found


def _checked(address: str) -> URL:
    """Return an address as a URL. Raises WrongDatabase, without the address in its message, and MissingExtra."""
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise WrongDatabase(f"PORTAL_DATABASE_URL is not the address of a database. {_KINDS}") from None
    if url.drivername not in _DRIVERS:
        raise WrongDatabase(
            f"PORTAL_DATABASE_URL begins with {url.drivername}://, but MoE Portal works with PostgreSQL and SQLite. "
            f"{_KINDS}"
        )
    if url.get_backend_name() != "sqlite":
        require_psycopg()
    return url


def require_psycopg() -> None:
    """Raise MissingExtra if the driver for PostgreSQL is not installed or cannot be loaded."""
    try:
        import psycopg  # noqa: F401, PLC0415  # an extra
    except ImportError:
        raise MissingExtra("postgres", "The driver for PostgreSQL is missing") from None


def _file(url: URL) -> Path | None:
    """Return the file of a SQLite database; None for other databases, SQLite in memory, and `file:` addresses."""
    name = url.database or ""
    if url.get_backend_name() != "sqlite" or name in {"", ":memory:"} or name.startswith("file:"):
        return None
    return Path(name).absolute()


def _schema(opened: Database, url: URL) -> str | None:
    """Return the revision of a database's schema. Raises WrongDatabase for a newer schema, or a file of another kind.

    Raises MissingDatabase where a server has no database of that name.
    """
    file = _file(url)
    if file is not None and file.is_dir():
        raise WrongDatabase(f"{file} is a folder, not a database. {_CHOOSE}")
    try:
        with opened.reading() as session:
            found = revision(session.connection())
    except Unavailable as error:
        if absent := _ABSENT.search(str(error.__cause__)):
            raise MissingDatabase(
                f"The PostgreSQL server has no database called {absent[1]}. Create it, for instance with "
                f"`createdb {absent[1]}`; `portal serve` sets it up. {_CHOOSE}"
            ) from error
        raise
    except OperationalError:
        raise
    except DatabaseError as error:
        if file is None:
            raise
        raise WrongDatabase(f"{file} is not a SQLite database ({error.orig}). {_CHOOSE}") from error
    if found is not None and found not in known_revisions():
        raise newer(found)
    return found
