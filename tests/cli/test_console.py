"""Failing in one sentence."""

from pathlib import Path
from typing import Any

import pytest

from portal.db.schema import pin_budget_timezone
from portal.db.session import Database, database
from portal.db.tables import Account
from tests.cli.terminal import fail, rows, succeed, the


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        pytest.param(
            "database_url", "postgresql://nobody@127.0.0.1:1/none", "cannot be used right now", id="unreachable"
        ),
        pytest.param(
            "database_url", "sqlite:////nowhere/at/all.sqlite3", "cannot be used right now", id="no directory"
        ),
        pytest.param("database_url", "carrier pigeon", "PORTAL_DATABASE_URL", id="no address"),
        pytest.param("database_url", "oracle+pigeon://x", "PORTAL_DATABASE_URL", id="unknown driver"),
        pytest.param("port", "many", "PORTAL_PORT", id="a port that is no number"),
        pytest.param("budget_timezone", "Mars/Olympus", "PORTAL_BUDGET_TIMEZONE", id="an unknown zone"),
    ],
)
def test_trouble_with_the_settings_is_one_sentence(settings_env: Any, name: str, value: str, sentence: str) -> None:
    settings_env(**{name: value})
    assert sentence in fail("user", "list")


def test_a_data_directory_that_is_a_file_is_named(settings_env: Any, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way", encoding="utf-8")
    settings_env(data_dir=tmp_path / "data")
    assert str(tmp_path / "data") in fail("user", "list")


def test_the_first_command_makes_the_database(settings_env: Any, tmp_path: Path) -> None:
    settings_env(data_dir=tmp_path / "new" / "data")
    assert rows(succeed("user", "list")) == []
    assert (tmp_path / "new" / "data" / "portal.sqlite3").exists()
    database().close()


def test_a_newer_database_is_refused(db: Database) -> None:
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    assert "9999_from_the_future" in fail("user", "list")


def test_a_busy_database_is_said_to_be_busy(alice: Account, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.db.session.BUSY_SECONDS", 0)
    with db.transaction() as session:
        session.connection()  # holds the one writer's lock
        assert "cannot be used right now: database is locked" in fail("user", "suspend", "alice")
        assert [row[0] for row in rows(succeed("user", "list"))] == ["alice"]
    assert the("alice").active


def test_days_counted_in_another_zone_stop_every_command(db: Database) -> None:
    pin_budget_timezone(db, "Asia/Tokyo")
    assert "portal rebuild --budget-timezone UTC" in fail("budget", "show", "alice")
