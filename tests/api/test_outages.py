"""A database that is full, busy, stopped or gone: 503 with Retry-After, nothing half done, and all is well afterwards.

Each test has a database of its own, since it ruins it for a while.
"""

import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.actions.metering.reports import store_reports
from portal.actions.metering.verification import verify_account
from portal.db.metering.events import count_events
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.settings import settings
from tests.api.conftest import Client, event, everything
from tests.cast import NOW, Gateway
from tests.databases import PostgreSQL, Server, SQLite

Post = Callable[..., Any]
BATCH = [event(f"r-{number}", model=f"model-{number}") for number in range(300)]
"""So large that no page of a database has room for it."""


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """A time that goes on, for waiting comes to an end."""
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


@pytest.fixture(scope="module")
def own_postgresql() -> Iterator[PostgreSQL]:
    """A server that may be stopped."""
    server = PostgreSQL(durable=True)
    yield server
    server.stop()


@pytest.fixture
def databases(
    database_kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """Servers with databases that give up soon."""
    monkeypatch.setattr("portal.db.sql.session.BUSY_SECONDS", 0)
    if database_kind == "postgresql":
        yield request.getfixturevalue("own_postgresql")
        return
    server = SQLite(tmp_path)
    yield server
    server.stop()


@contextmanager
def full(db: Database, _: Server) -> Iterator[None]:
    """SQLite may not take another page."""

    def limit(connection: Any, *_: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    db.close()
    sqlalchemy_event.listen(db.engine, "checkout", limit)
    try:
        yield
    finally:
        sqlalchemy_event.remove(db.engine, "checkout", limit)
        db.close()  # the limit is a connection's


@contextmanager
def unable_to_grow(db: Database, _: Server) -> Iterator[None]:
    """The system cuts a write to the journal short, which is met only as the transaction ends."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    journal = Path(f"{db.engine.url.database}-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size + 10_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@contextmanager
def locked(db: Database, _: Server) -> Iterator[None]:
    """Another program writes, and goes on writing."""
    other = Database(db.engine.url.render_as_string())
    try:
        with other.transaction() as session:
            session.execute(text("SELECT 1"))  # which begins it
            yield
    finally:
        other.close()


@contextmanager
def stopped(_: Database, server: Server) -> Iterator[None]:
    """Somebody restarts PostgreSQL; the pool keeps connections that lead nowhere."""
    assert isinstance(server, PostgreSQL)
    server.halt()
    try:
        yield
    finally:
        server.resume()


@contextmanager
def crashed(_: Database, server: Server) -> Iterator[None]:
    """PostgreSQL ends at once, as without power."""
    assert isinstance(server, PostgreSQL)
    server.halt(at_once=True)
    try:
        yield
    finally:
        server.resume()


@contextmanager
def read_only(db: Database, _: Server) -> Iterator[None]:
    """PostgreSQL takes no writes, as a standby does until it is promoted."""
    db.close()
    sqlalchemy_event.listen(db.engine, "connect", _refuse_writes)
    try:
        yield
    finally:
        sqlalchemy_event.remove(db.engine, "connect", _refuse_writes)
        db.close()


def _refuse_writes(connection: Any, _: object) -> None:
    connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    connection.commit()


@contextmanager
def occupied(db: Database, server: Server) -> Iterator[None]:
    """All connections of the pool are in use."""
    assert db is server.database
    pool: Any = db.engine.pool
    patience, pool._timeout = pool._timeout, 0.1
    with ExitStack() as stack:
        stack.callback(setattr, pool, "_timeout", patience)
        for _ in range(20):
            stack.enter_context(db.engine.connect())
        yield


@contextmanager
def cut(db: Database, _: Server) -> Iterator[None]:
    """An administrator ends each connection just before it would commit."""

    def terminate(session: Session, *args: Any, **options: Any) -> Any:
        outcomes = store_reports(session, *args, **options)
        with db.engine.connect() as other:
            process = session.scalar(text("SELECT pg_backend_pid()"))
            other.execute(text("SELECT pg_terminate_backend(:process, 5000)"), {"process": process})
        return outcomes

    with pytest.MonkeyPatch.context() as meanwhile:
        meanwhile.setattr("portal.api.gateways.usage_ingest.store_reports", terminate)
        yield


Outage = Callable[[Database, Server], AbstractContextManager[None]]
OUTAGES = [
    pytest.param("sqlite", full, id="SQLite is full"),
    pytest.param("sqlite", unable_to_grow, id="the disk is full"),
    pytest.param("sqlite", locked, id="SQLite is locked"),
    pytest.param("sqlite", occupied, id="SQLite's pool is exhausted"),
    pytest.param("postgresql", stopped, id="PostgreSQL is stopped"),
    pytest.param("postgresql", crashed, id="PostgreSQL crashes"),
    pytest.param("postgresql", read_only, id="PostgreSQL is a standby"),
    pytest.param("postgresql", cut, id="the connection is cut before the commit"),
    pytest.param("postgresql", occupied, id="PostgreSQL's pool is exhausted"),
]


@pytest.mark.parametrize(("database_kind", "outage"), OUTAGES)
def test_an_outage_is_survived(
    alice: Account, post_usage: Post, db: Database, databases: Server, outage: Outage
) -> None:
    assert post_usage(json=event("before")).json()["accepted"] == 1
    before = everything(db)
    with outage(db, databases):
        for _ in range(2):
            answer = post_usage(json=BATCH)
            assert (answer.status_code, answer.headers.get("retry-after")) == (503, "5")
            assert answer.json()["error"] == "unavailable"
    assert everything(db) == before, "nothing of the batch was stored"
    assert post_usage(json=BATCH).json()["accepted"] == len(BATCH)
    assert post_usage(json=BATCH).json()["duplicates"] == len(BATCH)
    with db.reading() as session:
        assert count_events(session) == 1 + len(BATCH)
        assert list(verify_account(session, alice.id, settings().budget_zone)) == []


@pytest.mark.parametrize(
    ("database_kind", "outage"), [case for case in OUTAGES if case.values[1] in {stopped, crashed}]
)
def test_outage_makes_nobody_unknown(
    client: Client, gateway: Gateway, db: Database, databases: Server, outage: Outage
) -> None:
    with outage(db, databases):
        for path in ("/api/v1/usage", "/user/api/budget"):
            client.cookies.set("portal_session", "x" * 43)
            answer = client.request("POST" if "v1" in path else "GET", path, headers=_bearer(gateway, path))
            assert answer.status_code == 503, path
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
    assert client.get("/readyz").status_code == 200


def _bearer(gateway: Gateway, path: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {gateway.token}", "Content-Type": "application/json"} if "v1" in path else {}
