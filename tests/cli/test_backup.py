"""`portal backup` and `portal restore`, and moving between the desktop program and a server."""

import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from portal.actions.metering.notes import write_note
from portal.actions.people.sessions import Browser, sign_in
from portal.actions.people.setup import LocalPerson, open_local_session
from portal.actions.spending.budgets import set_budget
from portal.db.spending.alerts import AlertSettings, set_alert_settings
from portal.db.sql.schema import migrate
from portal.db.sql.session import Database, database
from portal.db.tables import Account, UsageCounter, UsageEvent
from portal.rules.people.accounts import LOCAL
from portal.rules.people.actors import Actor, Means
from portal.rules.spending.budgets import Limits
from tests.backups.conftest import BINARIES
from tests.backups.content import all_rows
from tests.cast import NOW, OPERATOR, Gateway, create_member, new_gateway, report, run, send
from tests.cli.terminal import audit, fail, portal, succeed
from tests.portals import Process

PERSON = LocalPerson("Mara Lahn", "de", "Europe/Berlin")


@pytest.fixture(autouse=True)
def postgresql_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put pg_dump and pg_restore of the tests' PostgreSQL first on PATH."""
    monkeypatch.setenv("PATH", f"{BINARIES}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def used(db: Database, alice: Account, gateway: Gateway) -> None:
    """Alice has used something."""
    send(gateway, report("r-1"), report("r-2"))


@pytest.fixture
def closing() -> Iterator[None]:
    """Close the database that the last command has opened."""
    yield
    database().close()


def test_backup_is_private_and_complete(used: None, tmp_path: Path) -> None:
    file = tmp_path / "portal.zip"
    printed = succeed("backup", str(file))
    assert printed == f"Wrote {file}: 1 account, 2 requests, 240 tokens, 0.0048 EUR.\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["portal.zip"]
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["manifest.json", "portal.sqlite3"]
        manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["format"], manifest["database"], manifest["counts"]["usage_events"]) == (1, "sqlite", 2)


def test_older_backup_of_that_name_is_replaced(used: None, tmp_path: Path) -> None:
    file = tmp_path / "portal.zip"
    succeed("backup", str(file))
    before = file.read_bytes()
    create_member("bob")
    succeed("backup", str(file))
    assert file.read_bytes() != before


def test_restored_portal_has_the_same_numbers(used: None, tmp_path: Path, settings_env: Any, closing: None) -> None:
    succeed("backup", str(tmp_path / "portal.zip"))
    settings_env(database_url=f"sqlite:///{tmp_path / 'new.sqlite3'}")
    done = portal("restore", str(tmp_path / "portal.zip"))
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith(": 1 account, 2 requests, 240 tokens, 0.0048 EUR.\n")
    assert "The numbers tie. Everybody signs in again." in done.stderr
    assert portal("verify").exit_code == 0
    assert audit()[-1][0] == "backup.restore"
    assert "has 1 account and 2 requests. `--replace` replaces" in fail("restore", str(tmp_path / "portal.zip"))


def test_data_directory_is_created(
    used: None, tmp_path: Path, settings_env: Any, closing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed("backup", str(tmp_path / "portal.zip"))
    monkeypatch.delenv("PORTAL_DATABASE_URL")
    settings_env(data_dir=tmp_path / "data")
    succeed("restore", str(tmp_path / "portal.zip"))
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "data" / "portal.sqlite3").stat().st_mode & 0o777 == 0o600
    assert portal("verify").exit_code == 0


def test_wrong_sums_are_named_and_can_be_rebuilt(used: None, tmp_path: Path, settings_env: Any, closing: None) -> None:
    run(lambda session: session.execute(update(UsageCounter).values(tokens=1)))
    succeed("backup", str(tmp_path / "portal.zip"))
    settings_env(database_url=f"sqlite:///{tmp_path / 'new.sqlite3'}")
    done = portal("restore", str(tmp_path / "portal.zip"))
    assert done.exit_code == 1
    assert "3 differences, as in the backup. `portal rebuild` computes the sums again." in done.stderr
    succeed("rebuild")
    assert portal("verify").exit_code == 0


def test_other_budget_zone_is_named(used: None, tmp_path: Path, settings_env: Any, closing: None) -> None:
    settings_env(budget_timezone="Europe/Berlin")
    succeed("rebuild", "--budget-timezone", "Europe/Berlin")
    succeed("backup", str(tmp_path / "portal.zip"))
    settings_env(budget_timezone="UTC", database_url=f"sqlite:///{tmp_path / 'new.sqlite3'}")
    done = portal("restore", str(tmp_path / "portal.zip"))
    assert "Start the portal with PORTAL_BUDGET_TIMEZONE=Europe/Berlin." in done.stderr


def test_running_portal_is_backed_up_but_not_replaced(tmp_path: Path, settings_env: Any, closing: None) -> None:
    server = Process(tmp_path, PORTAL_ADMIN_USERNAME="root", PORTAL_ADMIN_PASSWORD="four words are enough")
    try:
        address = server.address()
        settings_env(data_dir=server.data)
        file = str(tmp_path / "portal.zip")
        assert ": 1 account, 0 requests" in succeed("backup", file)
        database().close()
        assert "Another program uses the database" in fail("restore", "--replace", file)
        assert httpx.get(f"{address}/readyz").status_code == 200
    finally:
        server.stop()
    succeed("restore", "--replace", file)


def test_missing_pg_dump_is_explained(
    postgresql, settings_env: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closing: None
) -> None:
    migrated = Database(postgresql.new_url())
    migrate(migrated)
    settings_env(database_url=migrated.engine.url.render_as_string(hide_password=False))
    migrated.close()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt install postgresql-client`. Or write a backup without it: portal backup --portable FILE" in fail(
        "backup", str(tmp_path / "a.zip")
    )
    assert list(tmp_path.iterdir()) == []
    succeed("backup", "--portable", str(tmp_path / "a.zip"))


def live(account_id: int) -> None:
    """Have an account use, note, budget and get an alert."""
    gateway = new_gateway("ollama")
    run(set_budget, OPERATOR, account_id, Limits(1_000, 20_000, None), NOW)
    alerts = AlertSettings(enabled=True, threshold_percent=50, second_threshold_percent=80, forecast=True)
    run(lambda session: set_alert_settings(session, account_id, alerts, NOW))
    send(gateway, *(report(f"r-{number}", username=LOCAL, prompt_tokens=300) for number in range(3)))
    usage_id = run(lambda session: session.scalars(select(UsageEvent.id)).first()) or 0
    run(write_note, Actor(Means.SESSION, LOCAL, account_id), usage_id, "The slow one ☕", NOW)


def move(file: Path, target: str, settings_env: Any, *options: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Back up and restore; return the rows before and after."""
    succeed("backup", *options, str(file))
    before = all_rows(database())
    settings_env(database_url=target)
    succeed("restore", str(file))
    assert portal("verify").exit_code == 0
    return before, all_rows(database())


def test_data_move_from_desktop_to_server_and_back(
    db: Database, postgresql, settings_env: Any, tmp_path: Path, closing: None
) -> None:
    account_id = run(open_local_session, PERSON, NOW).account_id
    live(account_id)
    before, after = move(tmp_path / "desktop.zip", postgresql.new_url(), settings_env)
    assert before == after
    assert [note[2] for note in after["notes"]] == ["The slow one ☕"]
    assert {crossing[5] for crossing in after["crossings"]} >= {50, 80}
    assert all(
        after[table]
        for table in ("budgets", "prices", "alert_settings", "crossings", "notes", "outbox")
        if before[table]
    )
    succeed("user", "password", LOCAL, "--password-stdin", typed="four words are enough\n")
    browser = Browser("Firefox", "127.0.0.1")
    assert sign_in(LOCAL, "four words are enough", browser, None, NOW).account_id == account_id
    send(Gateway(1, "ollama", ""), report("r-9", username=LOCAL))
    back = f"sqlite:///{tmp_path / 'desktop.sqlite3'}"
    before, after = move(tmp_path / "server.zip", back, settings_env, "--portable")
    assert before == after
    assert run(open_local_session, PERSON, NOW).account_id == account_id
