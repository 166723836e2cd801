"""The door to the database: what a snapshot sees, what a transaction leaves, who waits for whom."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from portal.db.people.accounts import account_named, all_accounts, count_accounts
from portal.db.sql import session as door
from portal.db.sql.session import (
    Database,
    database,
    in_reading,
    in_transaction,
    open_database,
    open_session,
    open_snapshot,
    run_in_glance,
    run_in_reading,
    run_in_transaction,
)
from portal.db.tables import Account, ApiKey
from portal.errors import Unavailable
from tests.cast import NOW, create_member


def write_and_fail(session: Session) -> None:
    session.add(Account(username="alice", display_name="", email="", role="user", created_at=NOW))
    session.flush()
    assert count_accounts(session) == 1
    raise ZeroDivisionError


def test_a_snapshot_does_not_see_what_is_written_meanwhile(db: Database) -> None:
    with db.reading() as session:
        assert count_accounts(session) == 0
        create_member("alice")
        assert count_accounts(session) == 0
        assert account_named(session, "alice") is None
    with db.reading() as session:
        assert count_accounts(session) == 1


def test_a_snapshot_holds_no_writer_back_and_changes_nothing(db: Database) -> None:
    create_member("alice")
    with db.reading() as session:
        assert count_accounts(session) == 1
        create_member("bob")
    with db.reading() as session:
        session.execute(update(Account).values(display_name="changed"))
        assert {row.display_name for row in all_accounts(session)} == {"changed"}
    assert {row.display_name for row in run_in_reading(all_accounts)} == {"Alice", "Bob"}


def test_a_glance_sees_what_is_there_now_and_waits_for_no_writer(db: Database) -> None:
    create_member("alice")
    names = select(Account.username)
    with db.transaction() as session:
        session.execute(update(Account).values(username="changed"))
        assert run_in_glance(lambda connection: connection.execute(names).scalar()) == "alice"
    assert run_in_glance(lambda connection: connection.execute(names).scalar()) == "changed"


def test_a_glance_leaves_its_connection_as_it_was(db: Database) -> None:
    run_in_glance(lambda connection: connection.execute(select(func.count()).select_from(Account)).scalar())
    with pytest.raises(ZeroDivisionError):
        run_in_transaction(write_and_fail)
    assert run_in_reading(count_accounts) == 0


def test_a_failure_in_a_transaction_leaves_nothing(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), db.transaction() as session:
        write_and_fail(session)
    assert run_in_reading(count_accounts) == 0


def test_rows_can_be_read_after_their_transaction(db: Database) -> None:
    alice = create_member("alice")
    assert (alice.username, alice.created_at) == ("alice", NOW)


def test_keys_of_other_tables_must_exist(db: Database) -> None:
    with pytest.raises(IntegrityError), db.transaction() as session:
        session.add(ApiKey(account_id=77, key_hash="", prefix="", label="", created_at=NOW))


def test_a_bug_is_not_mistaken_for_passing_trouble(db: Database) -> None:
    create_member("alice")
    with pytest.raises(IntegrityError):
        create_member("alice")
    with pytest.raises((ProgrammingError, Unavailable)), db.transaction() as session:
        session.execute(text("SELECT 1 +"))


def test_errors_do_not_tell_what_was_stored(db: Database) -> None:
    create_member("alice")
    with pytest.raises(IntegrityError) as caught:
        create_member("alice", password_hash="a secret hash")
    assert "a secret hash" not in str(caught.value)


def test_read_and_write_of_many_at_once_lose_nothing(db: Database) -> None:
    """Each reads a number and writes it back larger; a writer that began by reading must not be overtaken."""
    alice = create_member("alice", time_zone="0")

    def count_up(session: Session) -> None:
        row = session.get_one(Account, alice.id, with_for_update=True)
        row.time_zone = str(int(row.time_zone or 0) + 1)

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(run_in_transaction, count_up) for _ in range(40)]:
            done.result()
    assert run_in_reading(lambda session: session.get_one(Account, alice.id).time_zone) == "40"


async def test_work_is_done_on_a_thread_and_the_loop_goes_on(db: Database) -> None:
    async def thread_of_transaction() -> int:
        return await in_transaction(lambda _: threading.get_ident())

    async def thread_of_reading() -> int:
        return await in_reading(lambda _: threading.get_ident())

    used = await asyncio.gather(thread_of_transaction(), thread_of_reading())
    assert threading.get_ident() not in used


async def test_arguments_results_and_failures_pass_through(db: Database) -> None:
    def work(session: Session, number: int, *, times: int) -> int:
        found = session.scalar(select(func.count()).select_from(Account))
        assert found == 0
        return number // times

    assert await in_transaction(work, 6, times=2) == 3
    assert await in_reading(work, 6, times=3) == 2
    with pytest.raises(ZeroDivisionError):
        await in_transaction(work, 6, times=0)


def test_a_route_commits_at_its_end(db: Database) -> None:
    with contextmanager(open_session)() as session:
        session.add(Account(username="alice", display_name="", email="", role="user", created_at=NOW))
    with contextmanager(open_snapshot)() as session:
        assert count_accounts(session) == 1


def test_a_route_that_fails_leaves_nothing(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), contextmanager(open_session)() as session:
        write_and_fail(session)
    assert run_in_reading(count_accounts) == 0


def test_the_database_of_the_process_must_be_opened_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_database", None)
    with pytest.raises(RuntimeError, match="open_database"):
        database()


def test_another_database_takes_the_place_of_the_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(door, "_database", None)
    first = open_database(f"sqlite:///{tmp_path / 'first.sqlite3'}")
    with first.reading() as session:
        session.execute(text("SELECT 1"))
    second = open_database(f"sqlite:///{tmp_path / 'second.sqlite3'}")
    assert database() is second
    assert first.engine.pool.checkedin() == 0  # type: ignore[attr-defined]  # a QueuePool
    second.close()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_usual_urls_of_postgresql_are_understood(scheme: str) -> None:
    assert Database(f"{scheme}://portal@localhost/portal").engine.url.drivername == "postgresql+psycopg"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgresql:///portal?host=/nowhere", id="PostgreSQL that does not run"),
        pytest.param("sqlite:////nowhere/portal.sqlite3", id="a file that cannot be opened"),
    ],
)
def test_an_unreachable_database_is_unavailable(url: str) -> None:
    unreachable = Database(url)
    for way_in in (unreachable.reading, unreachable.transaction):
        with pytest.raises(Unavailable) as caught, way_in() as session:
            session.execute(text("SELECT 1"))
        assert caught.value.retry_after == 5
        assert "nowhere" not in caught.value.detail


def test_a_writer_that_waited_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "BUSY_SECONDS", 0.05)
    first, second = (Database(f"sqlite:///{tmp_path / 'busy.sqlite3'}") for _ in range(2))
    with first.transaction() as writer:
        writer.execute(text("CREATE TABLE t (n)"))
        with pytest.raises(Unavailable), second.transaction() as session:
            session.execute(text("SELECT 1"))
        with second.reading() as session:  # readers wait for nobody
            assert session.scalars(text("SELECT count(*) FROM sqlite_schema")).one() == 0
    first.close()
    second.close()


def test_sqlite_writes_ahead_and_to_the_disk(tmp_path: Path) -> None:
    file = Database(f"sqlite:///{tmp_path / 'file.sqlite3'}")
    with file.reading() as session:
        found = {name: session.scalars(text(f"PRAGMA {name}")).one() for name in ("journal_mode", "synchronous")}
    file.close()
    assert found == {"journal_mode": "wal", "synchronous": 2}


def test_processes_open_a_new_file_together(tmp_path: Path) -> None:
    for number in range(20):
        starting = [Database(f"sqlite:///{tmp_path / str(number)}.sqlite3") for _ in range(6)]
        together = threading.Barrier(len(starting))

        def read(database: Database, together: threading.Barrier = together) -> str:
            together.wait()
            with database.reading() as session:
                return str(session.scalars(text("PRAGMA journal_mode")).one())

        with ThreadPoolExecutor(len(starting)) as threads:
            assert set(threads.map(read, starting)) == {"wal"}
        for opened in starting:
            opened.close()


def test_an_sqlite_with_a_known_bug_is_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(door, "SAFE_SQLITE", (99, 0, 0))
    Database(f"sqlite:///{tmp_path / 'file.sqlite3'}")
    assert "can damage the database" in caplog.text
