"""Restoring: what it refuses, what it migrates, and that it is all or nothing."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import func, select, text

from portal.actions.people.sessions import Browser, open_session_for
from portal.backups.manifest import WrongBackup
from portal.backups.targets import restore_backup
from portal.backups.writing import write_backup
from portal.db.audit import add_entry
from portal.db.sql.schema import WrongDatabase, config, head, migrate, revision
from portal.db.sql.session import Database
from portal.db.tables import Account, Session, UsageCounter
from portal.errors import Conflict
from tests.backups.conftest import ORDER, opened
from tests.backups.content import all_rows, fill
from tests.cast import NOW, OPERATOR, Gateway, create_member, id_of, report, run, send
from tests.databases import Server

ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(db: Database, alice: Account, gateway: Gateway, tmp_path: Path) -> Path:
    """A backup of one account and one request, in the form that both databases take."""
    send(gateway, report())
    path = tmp_path / "portal.zip"
    write_backup(db, path, NOW, portable=True)
    return path


def test_data_are_replaced_only_when_asked(db: Database, databases: Server, file: Path, gateway: Gateway) -> None:
    before = all_rows(db)
    send(gateway, report("later"))
    after = all_rows(db)
    db.close()
    with pytest.raises(Conflict, match="has 1 account and 2 requests"):
        restore_backup(databases.url, file, ORDER)
    assert all_rows(db) == after
    db.close()
    restore_backup(databases.url, file, ORDER, replace=True)
    assert all_rows(db) == before


def test_unused_portal_needs_no_replace(file: Path, databases: Server, db: Database) -> None:
    url = databases.new_url()
    with opened(url) as other:
        migrate(other)
    restore_backup(url, file, ORDER)
    with opened(url) as other:
        assert all_rows(other) == all_rows(db)


def test_new_rows_are_numbered_after_the_restored(databases: Server, file: Path, db: Database) -> None:
    db.close()
    restore_backup(databases.url, file, ORDER, replace=True)
    before = id_of("alice")
    assert create_member("new").id == before + 1


def test_sessions_end(db: Database, databases: Server, file: Path, alice: Account) -> None:
    run(open_session_for, alice.id, Browser("Firefox", "127.0.0.1"), NOW)
    db.close()
    restore_backup(databases.url, file, ORDER, replace=True)
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Session)) == 0


def test_database_of_another_program_is_refused(databases: Server, file: Path) -> None:
    url = databases.new_url()
    with opened(url) as other, other.engine.begin() as connection:
        connection.execute(text("CREATE TABLE accounts (secret TEXT)"))
    with pytest.raises(WrongDatabase, match="tables of another program"):
        restore_backup(url, file, ORDER, replace=True)
    with opened(url) as other, other.engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM accounts")).scalar() == 0


def test_used_database_is_refused(databases: Server, file: Path, db: Database) -> None:
    before = all_rows(db)
    with db.engine.connect() as used:  # a running portal has open connections, mostly idle
        used.close()
        with pytest.raises(Conflict, match="Another program uses the database"):
            restore_backup(databases.url, file, ORDER, replace=True)
    assert all_rows(db) == before


def test_newer_database_is_replaced_on_sqlite_only(databases: Server, file: Path, database_kind: str) -> None:
    url = databases.new_url()
    with opened(url) as other:
        migrate(other)
        with other.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    if database_kind == "sqlite":
        restore_backup(url, file, ORDER)
        with opened(url) as other, other.engine.begin() as connection:
            assert revision(connection) == head()
    else:
        with pytest.raises(WrongDatabase, match="0999, which this version of MoE Portal does not know"):
            restore_backup(url, file, ORDER)


def older(databases: Server, emails: dict[str, str]) -> str:
    """Return the URL of a database of an earlier version, with accounts that have these addresses."""
    url = databases.new_url()
    with opened(url) as made, made.engine.begin() as connection:
        command.upgrade(config(connection), "0004")
        for name, email in emails.items():
            values = "VALUES (:name, :name, :email, 'user', true, 'en', 'system', '2026-11-22 14:05:00+00:00')"
            columns = "username, display_name, email, role, active, language, theme, created_at"
            statement = text(f"INSERT INTO accounts ({columns}) {values}")
            connection.execute(statement, {"name": name, "email": email})
    return url


@pytest.mark.parametrize("portable", [False, True])
@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_older_backup_is_migrated(
    databases: Server, database_kind: str, portable: bool, target: str, new_url: Callable[[str], str], tmp_path: Path
) -> None:
    file, url = tmp_path / "old.zip", new_url(target)
    with opened(older(databases, {"mara": "Mara@e.org"})) as made:
        manifest = write_backup(made, file, NOW, portable=portable)
    assert (manifest.schema_revision, manifest.counts["accounts"]) == ("0004", 1)
    if manifest.data == "portal.dump" and target == "sqlite":
        with pytest.raises(WrongBackup, match="portal backup --portable FILE"):
            restore_backup(url, file, ORDER)
        return
    restore_backup(url, file, ORDER)
    with opened(url) as other, other.engine.begin() as connection:
        assert revision(connection) == head()
        assert connection.execute(text("SELECT email_key FROM accounts")).scalar() == "mara@e.org"


def test_shared_addresses_of_an_old_backup_are_decided(databases: Server, tmp_path: Path) -> None:
    file, url = tmp_path / "old.zip", databases.new_url()
    with opened(older(databases, {"al": "a@e.org", "ali": "A@e.org"})) as made:
        write_backup(made, file, NOW)
    with pytest.raises(WrongBackup, match=r"belongs to al and ali.*portal restore FILE --keep-email al"):
        restore_backup(url, file, ORDER)
    restore_backup(url, file, type(ORDER)(OPERATOR, NOW, ["ali"]))
    with opened(url) as other, other.engine.begin() as connection:
        assert connection.execute(text("SELECT username FROM accounts WHERE email_key = 'a@e.org'")).scalar() == "ali"


def test_sums_that_differ_are_restored_and_reported(
    db: Database, databases: Server, alice: Account, gateway: Gateway, tmp_path: Path
) -> None:
    send(gateway, report())
    run(lambda session: session.query(UsageCounter).filter_by(period="daily").update({"tokens": 1}))
    write_backup(db, tmp_path / "portal.zip", NOW, portable=True)
    before = all_rows(db)
    db.close()
    restored = restore_backup(databases.url, tmp_path / "portal.zip", ORDER, replace=True)
    assert len(restored.faults) == 1
    assert "alice, account " in restored.faults[0]
    assert all_rows(db) == before


KILLED = """
import os, signal, sys
from portal.backups import {module} as module
from portal.backups.restoring import Order
from portal.backups.targets import restore_backup
from portal.clock import utc_now
from portal.rules.people.actors import Actor, Means
from pathlib import Path
whole = module.{name}
calls = 0
def die(*args, **kwargs):
    global calls
    calls += 1
    if calls == {call}:
        {before}
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*args, **kwargs)
module.{name} = die
restore_backup(sys.argv[1], Path(sys.argv[2]), Order(Actor(Means.COMMAND_LINE), utc_now()), replace=True)
"""


def killed(url: str, file: Path, module: str, name: str, call: int, before: str) -> None:
    """Restore in a process that is killed when it calls a function for the `call`th time, after some statements."""
    program = KILLED.format(module=module, name=name, call=call, before=before)
    done = subprocess.run([sys.executable, "-c", program, url, file], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


HALF_COPIED = """
        args[0].execute("PRAGMA cache_size=5")  # so that pages are written before the end
        kill = lambda _, rest, all: rest < all / 2 and os.kill(os.getpid(), signal.SIGKILL)
        module.sqlite_module().connect(str(args[1])).backup(args[0], pages=5, progress=kill)
"""


BEFORE = ("restoring", "finish", 1, "pass")
MOMENTS = {
    "before verifying": {"sqlite": BEFORE, "postgresql": BEFORE},
    "in the middle": {
        "sqlite": ("sqlite_form", "_copy_into", 1, HALF_COPIED),
        "postgresql": ("rows", "copy_rows", 20, "pass"),
    },
    "before the end": {
        "sqlite": ("targets", "replace_unused", 1, "pass"),
        "postgresql": ("targets", "_set_sequences", 1, "pass"),
    },
}


@pytest.mark.parametrize("is_new", [False, True], ids=["old data", "empty target"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_restore_changes_nothing(
    db: Database, databases: Server, database_kind: str, moment: str, is_new: bool, tmp_path: Path
) -> None:
    fill(1)
    file = tmp_path / "portal.zip"
    write_backup(db, file, NOW, portable=True)
    in_backup = all_rows(db)
    run(lambda session: add_entry(session, OPERATOR, "after the backup", NOW))
    before, url = all_rows(db), databases.new_url() if is_new else databases.url
    db.close()
    killed(url, file, *MOMENTS[moment][database_kind])
    if is_new:
        with opened(url) as other, other.engine.begin() as connection:
            assert revision(connection) is None
        restore_backup(url, file, ORDER)
        with opened(url) as other:
            assert all_rows(other) == in_backup
    else:
        assert all_rows(db) == before
        db.close()
        restore_backup(url, file, ORDER, replace=True)
        assert all_rows(db) == in_backup
