"""Failing in one sentence."""

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from sqlalchemy import create_engine, inspect, make_url

from portal.db.sql.schema import config, pin_budget_timezone
from portal.db.sql.session import Database, database, sqlite_module
from portal.db.tables import Account
from portal.settings import settings
from portal.version import version
from portal.web.lifespan import open_portal as start
from portal.web.startup import CannotStart
from tests.cli.terminal import commands, fail, find_nothing, portal, rows, succeed, the

if TYPE_CHECKING:
    from tests.databases import Server


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        pytest.param(
            "database_url", "postgresql://nobody@127.0.0.1:1/none", "cannot be used right now", id="unreachable"
        ),
        pytest.param("database_url", "carrier pigeon", "PORTAL_DATABASE_URL", id="no address"),
        pytest.param("database_url", "oracle+pigeon://x", "begins with oracle+pigeon://", id="unknown driver"),
        pytest.param("database_url", "mysql://a:sesame@b/c", "begins with mysql://", id="a database SQLAlchemy knows"),
        pytest.param("database_url", "foo://b", "begins with foo://", id="a database nobody knows"),
        pytest.param("database_url", "postgresql+asyncpg://b/c", "postgresql://user@host/name", id="another driver"),
        pytest.param("database_url", "sqlite:////", "is a folder, not a database", id="a folder"),
        pytest.param("database_urll", "x", "Did you mean PORTAL_DATABASE_URL?", id="a setting that there is not"),
        pytest.param("port", "many", "PORTAL_PORT", id="a port that is no number"),
        pytest.param("budget_timezone", "Mars/Olympus", "PORTAL_BUDGET_TIMEZONE", id="an unknown zone"),
    ],
)
def test_trouble_with_the_settings_is_one_sentence(settings_env: Any, name: str, value: str, sentence: str) -> None:
    settings_env(**{name: value})
    assert sentence in fail("user", "list")


def test_data_directory_that_is_a_file_is_named(settings_env: Any, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way", encoding="utf-8")
    settings_env(data_dir=tmp_path / "data")
    assert str(tmp_path / "data") in find_nothing("user", "list")


READING = [
    "mail retry 1", "system show", "system test-channel chat",
    "user create a --email a@b.org --password-stdin", "user password a --password-stdin", "user list",
    "user suspend a", "user activate a", "user edit a --role admin", "user delete a --yes",
    "user show a", "user sign-out a", "user unlock a", "user password-link a",
    "user import a.csv", "user bulk suspend --all --yes",
    "key create a --label l", "key list a", "key revoke a moe-sk-0", "key budget a moe-sk-0 --daily 1",
    "gateway create g", "gateway token g", "gateway list", "gateway revoke g",
    "budget set a --daily 1", "budget show a", "budget list", "budget default", "budget allowances", "budget end 1",
    "budget allow a --period daily --tokens 1 --reason r --until 2030-01-01", "audit list",
    "team list", "team show t", "team create t", "team change t --name u", "team budget t --daily 1",
    "team move a t", "team manager t a", "team suspend t", "team activate t", "team delete t --yes",
    "export person a --output a.zip", "request list", "request approve 1", "request decline 1 --answer no",
    "admin-token create a --label l --scope usage:read", "admin-token list", "admin-token revoke moe-ad-0",
    "price set 0.1", "price end gpt", "price list", "price remove since-ever", "price repair", "price preview 0.1",
    "price import a.json --rate 1 --rate-day 2026-11-01",
    "template assign a none", "template list", "held list", "held show 1", "held assign a 1", "held dismiss 1",
    "usage list", "usage requests", "usage chargeback", "mail failed", "verify", "rebuild", "prune --keep-events 400d",
    "migrate", "backup a.zip", "import usage nowhere.csv", "note list --search x", "template delete a",
    "template export a",
    "import moe-sovereign postgresql://nobody@127.0.0.1:1/none",
    "follow moe-sovereign postgresql://nobody@127.0.0.1:1/none",
]  # fmt: skip


@pytest.mark.parametrize("words", READING)
def test_command_without_database_names_its_place(words: str, settings_env: Any, tmp_path: Path) -> None:
    settings_env(data_dir=tmp_path / "wrong")
    output = find_nothing(*words.split())
    assert f"There is no database at {tmp_path / 'wrong' / 'portal.sqlite3'}." in output
    for way_out in ("`portal serve`", "PORTAL_DATA_DIR", "PORTAL_DATABASE_URL"):
        assert way_out in output
    assert list(tmp_path.iterdir()) == []


def test_missing_database_is_tried_with_every_command() -> None:
    tried = {command for command in commands() for words in READING if words.split()[: len(command)] == [*command]}
    assert {*commands()} - tried == {
        ("serve",),
        ("demo",),
        ("desktop",),
        ("restore",),
        ("template", "set"),
        ("template", "import"),
    }  # create it, or read a file first


def test_empty_file_is_no_database_and_stays_empty(settings_env: Any, tmp_path: Path) -> None:
    (tmp_path / "portal.sqlite3").touch()
    settings_env(data_dir=tmp_path)
    assert "There is no database" in find_nothing("verify")
    assert [(file.name, file.stat().st_size) for file in tmp_path.iterdir()] == [("portal.sqlite3", 0)]


@pytest.fixture(scope="module")
def empty_postgresql(postgresql: "Server") -> Iterator[str]:
    """A database without tables, which these tests leave so."""
    yield postgresql.new_url()
    database().close()


@pytest.mark.parametrize("words", READING)
def test_empty_database_of_a_server_stays_empty(words: str, settings_env: Any, empty_postgresql: str) -> None:
    settings_env(database_url=empty_postgresql)
    assert "There is no MoE Portal in the database postgresql://" in find_nothing(*words.split())
    assert inspect(database().engine).get_table_names() == []


@pytest.mark.parametrize("words", READING)
def test_database_that_a_server_does_not_have_is_named(words: str, settings_env: Any, empty_postgresql: str) -> None:
    settings_env(database_url=nowhere(empty_postgresql))
    output = find_nothing(*words.split())
    assert "no database called nowhere" in output
    assert "`createdb nowhere`" in output


def test_server_says_how_to_create_its_database(settings_env: Any, empty_postgresql: str) -> None:
    settings_env(database_url=nowhere(empty_postgresql))
    with pytest.raises(CannotStart, match="`createdb nowhere`"):
        start(settings())


def nowhere(address: str) -> str:
    return make_url(address).set(database="nowhere").render_as_string(hide_password=False)


def test_file_that_is_no_database_is_refused(settings_env: Any, tmp_path: Path) -> None:
    (tmp_path / "portal.sqlite3").write_text("To whom it may concern. " * 100, encoding="utf-8")
    settings_env(data_dir=tmp_path)
    assert f"{tmp_path / 'portal.sqlite3'} is not a SQLite database" in fail("user", "list")


def test_missing_driver_is_named_with_the_way_to_install_it(settings_env: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    settings_env(database_url="postgresql://nobody@127.0.0.1:1/none")
    for words in (("user", "list"), ("migrate",)):
        output = fail(*words)
        assert "pip install '.[postgres]'" in output
        assert ".whl[postgres]'" in output
        assert "No module named" not in output


def test_every_command_says_which_database_it_used(db: Database) -> None:
    where = f"Database: {db.engine.url.database}\n"
    assert portal("user", "list").stderr == where
    assert portal("verify").stderr.startswith(where)
    for quiet in (("--quiet", "user", "list"), ("user", "list", "--quiet"), ("user", "list", "-q")):
        assert portal(*quiet).stderr == ""
    assert portal("user", "list").stderr == where


def test_version_is_printed() -> None:
    assert succeed("--version") == f"MoE Portal {version()}\n"


def test_older_schema_is_refused_until_it_is_migrated(settings_env: Any, tmp_path: Path) -> None:
    file = tmp_path / "portal.sqlite3"
    old = create_engine(f"sqlite:///{file}")
    with old.begin() as connection:
        command.upgrade(config(connection), "0001")
    old.dispose()
    settings_env(data_dir=tmp_path)
    assert "`portal migrate`" in fail("user", "list")
    assert "Migrated from 0001" in succeed("migrate")
    assert rows(succeed("user", "list")) == []
    assert "up to date" in succeed("migrate")
    database().close()


def test_a_newer_database_is_refused(db: Database) -> None:
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    assert "9999_from_the_future" in fail("user", "list")


def test_busy_database_is_named_in_the_error(alice: Account, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.db.sql.session.BUSY_SECONDS", 0)
    with db.transaction() as session:
        session.connection()  # holds the one writer's lock
        assert "cannot be used right now: database is locked" in fail("user", "suspend", "alice")
        assert [row[0] for row in rows(succeed("user", "list"))] == ["alice"]
    assert the("alice").active


def test_damaged_database_is_named_in_the_error(
    alice: Account, db: Database, settings_env: Any, tmp_path: Path
) -> None:
    file = tmp_path / "portal.sqlite3"
    with closing(sqlite_module().connect(db.engine.url.database)) as connection:
        connection.execute("VACUUM INTO ?", (str(file),))
    with closing(sqlite_module().connect(file)) as connection:
        [page] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'accounts'").fetchone()
    with file.open("r+b") as opened:
        opened.seek((page - 1) * 4096)
        opened.write(b"\xff" * 4096)
    settings_env(database_url=f"sqlite:///{file}")
    assert "The database is damaged: database disk image is malformed." in fail("user", "suspend", "alice")
    database().close()


def test_days_counted_in_another_zone_stop_every_command(db: Database, settings_env: Any) -> None:
    settings_env(budget_timezone="UTC")
    pin_budget_timezone(db, "Asia/Tokyo")
    assert "portal rebuild --budget-timezone UTC" in fail("budget", "show", "alice")


def test_migrate_asks_which_account_keeps_a_shared_address(settings_env: Any, tmp_path: Path) -> None:
    old = create_engine(f"sqlite:///{tmp_path / 'portal.sqlite3'}")
    with old.begin() as connection:
        command.upgrade(config(connection), "0004")
        for name in ("ann", "ben"):
            connection.exec_driver_sql(
                "INSERT INTO accounts (username, display_name, email, role, active, language, theme, created_at) "
                f"VALUES ('{name}', '{name}', 'both@example.org', 'user', 1, 'en', 'system', '2026-11-01 00:00:00')"
            )
    old.dispose()
    settings_env(data_dir=tmp_path)
    assert "portal migrate --keep-email ann" in fail("migrate")
    assert "Migrated from 0004" in succeed("migrate", "--keep-email", "Ben")
    assert [(row[0], row[2]) for row in rows(succeed("user", "list"))] == [("ann", ""), ("ben", "both@example.org")]
    database().close()
