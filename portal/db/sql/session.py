"""Sessions of the database: one engine for each process, snapshots for reading, transactions for writing."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from threading import Lock
from time import monotonic, sleep
from types import ModuleType
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from portal.db.sql.functions import FOLD, fold
from portal.errors import Unavailable

try:
    import pysqlite3 as packaged
except ImportError:  # no wheel for this platform
    packaged = sqlite3

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

BUSY_SECONDS = 8
"""Seconds that a writer on SQLite waits for another one; then it fails. Many clients give up after ten."""
TAKES_NO_WRITES = "25006"
"""SQLSTATE of PostgreSQL on a standby server, or while writes are switched off."""
LOCK_SECONDS = 4
"""Seconds that PostgreSQL waits for the lock of another transaction; less than the pool waits for a connection."""
_PAUSE = 0.02
SAFE_SQLITE = (3, 51, 3)
"""First SQLite library without the WAL-reset bug, which can corrupt a database with several connections."""


class Database:
    """An engine, with contexts for writing and reading."""

    def __init__(self, url: str, pool: int = 10) -> None:
        """Create the engine; the first use opens a connection."""
        self.engine = _engine(url, pool)
        self._writer = Lock() if self.engine.dialect.name == "sqlite" else None
        isolation = {} if self.engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        at_once = {} if self.engine.dialect.name == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
        self._for_glances = self.engine.execution_options(portal_glance=True, **at_once)
        self._for_reading = self.engine.execution_options(portal_reading=True, **isolation)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session that commits at the end, or rolls back after an exception.

        Raises Unavailable for temporary errors (busy, stopped, disk full); nothing was changed then.
        """
        with self._turn(), _passing_trouble(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that reads one snapshot and changes nothing. Raises Unavailable."""
        with _passing_trouble(), Session(self._for_reading, autoflush=False) as session:
            yield session

    @contextmanager
    def glance(self) -> Iterator[Connection]:
        """Yield a connection for a single SELECT, which needs no transaction. Raises Unavailable.

        For statements that run very often: a session with a transaction would take longer than the statement itself.
        """
        with _passing_trouble(), self._for_glances.connect() as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep the other threads of this process from writing on SQLite. Raises Unavailable."""
        with self._turn():
            yield

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until this thread may write on SQLite; threads wait in order, while SQLite itself only tries again."""
        if self._writer is None:
            yield
            return
        if not self._writer.acquire(timeout=BUSY_SECONDS):
            raise Unavailable
        try:
            yield
        finally:
            self._writer.release()

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


_database: Database | None = None


def open_database(url: str, pool: int = 10) -> Database:
    """Open `url` as the database of this process; close any other one."""
    global _database  # noqa: PLW0603  # one database a process; the tests change it
    if _database is not None:
        _database.close()
    _database = Database(url, pool)
    return _database


def database() -> Database:
    """Return the database of this process. Raises RuntimeError before `open_database`."""
    if _database is None:
        raise RuntimeError("open_database was not called")
    return _database


async def in_transaction(work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `work` in a new transaction on a thread, so that no page waits for SQL."""
    return await asyncio.to_thread(lambda: run_in_transaction(work, *args, **kwargs))


async def in_reading(work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `work` on a new snapshot on a thread, so that no page waits for SQL."""
    return await asyncio.to_thread(lambda: run_in_reading(work, *args, **kwargs))


def run_in_transaction(work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `work` in a new transaction on this thread."""
    with database().transaction() as session:
        return work(session, *args, **kwargs)


def run_in_reading(work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `work` on a new snapshot on this thread."""
    with database().reading() as session:
        return work(session, *args, **kwargs)


def run_in_glance(work: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `work`, which executes a single SELECT, on this thread."""
    with database().glance() as connection:
        return work(connection, *args, **kwargs)


def open_session() -> Iterator[Session]:
    """Yield the transaction of a FastAPI route; with `scope="function"` it commits before the answer is sent."""
    with database().transaction() as session:
        yield session


def open_snapshot() -> Iterator[Session]:
    """Yield the snapshot of a FastAPI route for reading."""
    with database().reading() as session:
        yield session


@contextmanager
def _passing_trouble() -> Iterator[None]:
    """Raise Unavailable in place of the errors of a database that is busy, stopped or full."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        if "overflow" in str(getattr(error, "orig", "")):
            raise  # a bug, not a temporary error
        log.warning("the database is unavailable: %s", getattr(error, "orig", None) or type(error).__name__)
        raise Unavailable from error
    except DBAPIError as error:
        if not error.connection_invalidated and getattr(error.orig, "sqlstate", None) != TAKES_NO_WRITES:
            raise
        log.warning("the database is unavailable: %s", error.orig)
        raise Unavailable from error


def _engine(url: str, pool: int) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        if parsed.drivername in {"postgres", "postgresql"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        _keep_long_statements()
        return create_engine(
            parsed,
            pool_size=pool,
            max_overflow=pool,
            pool_timeout=5,
            pool_use_lifo=True,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5, "options": f"-c lock_timeout={LOCK_SECONDS}s"},
            hide_parameters=True,
        )
    engine = create_engine(
        parsed,
        module=sqlite_module(),
        paramstyle="named",  # the driver gets each value once, also if a statement has it several times
        pool_size=pool,
        max_overflow=pool,
        pool_timeout=BUSY_SECONDS,
        pool_use_lifo=True,  # the connection that wrote last has the newest pages in its cache
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _keep_long_statements() -> None:
    """Let psycopg keep the parsed form of statements up to 16 KB; above 4 KB it parses them at each execution."""
    with suppress(ImportError):  # `create_engine` reports a driver that is missing
        import_module("psycopg._queries").MAX_CACHED_STATEMENT_LENGTH = 16_384  # type: ignore[attr-defined]


def sqlite_module() -> ModuleType:
    """Return the newer one of Python's SQLite and the packaged one; log a warning if both are too old."""
    newest: ModuleType = max(sqlite3, packaged, key=lambda module: module.sqlite_version_info)
    if newest.sqlite_version_info < SAFE_SQLITE:
        log.warning("SQLite %s has a bug that can damage the database; use %s or PostgreSQL.",
                    newest.sqlite_version, ".".join(map(str, SAFE_SQLITE)))  # fmt: skip
    return newest


def _prepare_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver sends no BEGIN: _begin_sqlite does
    for pragma in (f"busy_timeout={BUSY_SECONDS * 1000}", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    _use_wal(connection)
    connection.create_function(FOLD, 1, fold, deterministic=True)


def _use_wal(connection: Any) -> None:
    """Switch a database to WAL; SQLite does not wait itself while another process switches the same new database."""
    ends = monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite_module().OperationalError as error:
            if "locked" not in str(error) or monotonic() > ends:
                raise
            sleep(_PAUSE)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("portal_glance", False):
        connection.exec_driver_sql("BEGIN" if options.get("portal_reading", False) else "BEGIN IMMEDIATE")
