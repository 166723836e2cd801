"""How the database is opened when the server starts, and what the operator reads when it cannot be."""

import asyncio
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from nicegui.testing.general import nicegui_reset_globals
from sqlalchemy import select
from starlette.types import Message, Receive, Scope, Send

from portal.db.sql.schema import pin_budget_timezone
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.settings import Settings, settings
from portal.web import lifespan
from portal.web.lifespan import open_portal
from portal.web.server import build
from portal.web.startup import CannotStart
from portal.words.catalogues import TRANSLATED, catalogue


@pytest.mark.parametrize(
    ("configured", "sentence"),
    [
        pytest.param({"database_url": "sqlite:////dev/null/no.sqlite3"}, "/dev/null does not exist", id="no folder"),
        pytest.param({"database_url": "nonsense"}, "is not the address of a database", id="no address"),
        pytest.param({"database_url": "oracle://a:sesame@b/c"}, "begins with oracle://", id="nobody supports it"),
        pytest.param({"database_url": "sqlite:///{newer}"}, "The database is at revision 9999", id="a newer one"),
        pytest.param({"budget_timezone": "Asia/Tokyo"}, "Days in this database are counted in UTC", id="another zone"),
    ],
)
def test_a_database_that_cannot_be_used_is_a_sentence(
    db: Database, tmp_path: Path, configured: dict[str, str], sentence: str
) -> None:
    newer = tmp_path / "newer.sqlite3"
    with closing(sqlite3.connect(newer)) as database, database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    pin_budget_timezone(db, "UTC")
    wanted = {name: value.format(newer=newer) for name, value in configured.items()}
    here = Settings(data_dir=tmp_path).url
    with pytest.raises(CannotStart) as refused:
        open_portal(Settings.model_validate({"database_url": here, **wanted}))
    assert sentence in str(refused.value)
    assert "sesame" not in str(refused.value)


def test_a_server_that_cannot_start_says_so_to_whoever_runs_it(
    db: Database, settings_env: Callable[..., None], tmp_path: Path
) -> None:
    settings_env(database_url="nonsense", data_dir=tmp_path)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def start() -> None:
        await build(settings())({"type": "lifespan"}, receive, send)

    with nicegui_reset_globals():
        asyncio.run(start())
    (message,) = sent
    assert message["type"] == "lifespan.startup.failed"
    assert message["message"].startswith("PORTAL_DATABASE_URL is not the address of a database.")


def test_administrator_of_the_settings_replaces_the_setup_link(
    db: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {"database_url": settings().database_url, "data_dir": tmp_path, "admin_username": "root"}
    with pytest.raises(CannotStart, match=r"^PORTAL_ADMIN_PASSWORD: Use at least 10 characters"):
        open_portal(Settings.model_validate({**values, "admin_password": "short"}))
    open_portal(Settings.model_validate({**values, "admin_password": "four words are enough"}))
    assert capsys.readouterr().out == ""
    with db.reading() as session:
        assert [(a.username, a.role) for a in session.scalars(select(Account))] == [("root", "admin")]


def test_missing_driver_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(CannotStart, match=r"^The driver for PostgreSQL is missing\. Install the extra: pip install"):
        open_portal(Settings(data_dir=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none"))


def test_german_is_read_before_the_server_starts(
    db: Database, settings_env: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_env(data_dir=tmp_path)
    monkeypatch.setattr(lifespan, "_JOBS", (lambda: asyncio.sleep(0),))
    monkeypatch.setattr(lifespan, "database", lambda: db)
    catalogue.cache_clear()
    read: list[int] = []

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        pytest.fail(f"the start failed: {message}")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        read.append(catalogue.cache_info().currsize)

    async def start() -> None:
        await lifespan.Lifespan(app, settings())({"type": "lifespan"}, receive, send)

    asyncio.run(start())
    assert read == [len(TRANSLATED)]
