"""`portal demo`, up to where the server begins."""

import socket
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from portal.clock import utc_now
from portal.db.sql.session import Database, database, run_in_reading
from portal.db.tables import Account
from portal.demo.history import make_history
from portal.demo.prepare import prepared_seed
from portal.settings import Settings
from tests.cli.terminal import fail, portal, rows, succeed, the


@pytest.fixture
def quick_demo(monkeypatch: pytest.MonkeyPatch, settings_env: Any, tmp_path: Path) -> Path:
    """Let the demo have three days of history in place of ninety; return its data directory."""
    monkeypatch.setattr("portal.cli.demo.make_history", partial(make_history, days=3))
    monkeypatch.setattr("portal.db.sql.session._database", None)
    settings_env(data_dir=tmp_path, port=0, organisation="Wonderland")
    return tmp_path / "demo"


def test_the_demo_fills_its_own_database_and_serves_it(served: list[Settings], quick_demo: Path) -> None:
    printed = succeed("demo", "--seed", "5")
    [chosen] = served
    assert chosen.data_dir == quick_demo
    assert chosen.port > 0
    assert f"http://127.0.0.1:{chosen.port}" in printed
    assert "demo or admin, password demo-portal" in printed
    assert run_in_reading(prepared_seed) == 5
    assert portal("verify").exit_code == 0
    database().close()


def test_demo_keeps_its_database_with_keep_only(served: list[Settings], quick_demo: Path, settings_env: Any) -> None:
    succeed("demo")
    settings_env(data_dir=quick_demo.parent)  # the program that ran the demo would be gone now
    succeed("demo", "--seed", "5")
    assert run_in_reading(prepared_seed) == 5
    succeed("user", "suspend", "demo")
    settings_env(data_dir=quick_demo.parent)
    succeed("demo", "--seed", "6", "--keep")
    assert run_in_reading(prepared_seed) == 5
    assert not the("demo").active
    database().close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "portal.example.org", ""])  # noqa: S104  # refused
def test_the_demo_listens_on_this_machine_alone(served: list[Settings], settings_env: Any, host: str) -> None:
    settings_env(host=host)
    assert "this machine alone" in fail("demo")
    assert served == []


def test_the_demo_says_when_its_port_is_taken(served: list[Settings], quick_demo: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "Choose another one" in fail("demo", "--port", str(taken.getsockname()[1]))
    assert served == []
    assert not quick_demo.exists()


def test_the_demo_leaves_other_peoples_databases_alone(served: list[Settings], alice: Account) -> None:
    assert "only an empty one" in fail("demo", "--port", "0")
    assert served == []
    assert [row[0] for row in rows(succeed("user", "list"))] == ["alice"]


def test_the_demo_fills_an_empty_database_that_is_named(db: Database, served: list[Settings], quick_demo: Path) -> None:
    printed = succeed("demo")
    assert len(served) == 1
    assert "PORTAL_DATABASE_URL" in printed
    assert run_in_reading(prepared_seed) == 1
    assert (the("demo").created_at - utc_now()) < timedelta(days=-300)


def test_the_demo_says_no_address_that_never_answers(monkeypatch: pytest.MonkeyPatch, quick_demo: Path) -> None:
    def fail_to_start(_: Settings, **__: Any) -> None:
        raise SystemExit(1)

    monkeypatch.setattr("portal.web.process.serve", fail_to_start)
    done = portal("demo")
    assert done.exit_code == 1
    assert "http://" not in done.output
    database().close()
