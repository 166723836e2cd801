"""The demo as people start it: a server and a gateway that reports to it, both gone at the end."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.actions.metering.verification import verify_account
from portal.clock import utc_now
from portal.db.people.accounts import all_accounts
from portal.db.sql.schema import migrate
from portal.db.sql.session import Database
from portal.db.tables import UsageEvent
from portal.demo.history import make_history
from portal.demo.prepare import prepare

ROOT = Path(__file__).parents[2]
TZ = ZoneInfo("UTC")


@pytest.fixture
def prepared(tmp_path: Path) -> Iterator[Database]:
    """A demo of two days, for `--keep`: ninety take longer than what this is about."""
    (tmp_path / "demo").mkdir()
    database = Database(f"sqlite:///{tmp_path / 'demo' / 'portal.sqlite3'}")
    migrate(database)
    now = utc_now()
    with database.transaction() as session:
        prepare(session, 1, make_history(1, now, TZ, days=2), now, TZ, lambda _: None)
    yield database
    database.close()


@pytest.fixture
def program(prepared: Database, tmp_path: Path) -> "Iterator[subprocess.Popen[str]]":
    """`portal demo --keep`, killed at the end if it still runs."""
    settings = {"PORTAL_DATA_DIR": str(tmp_path), "PORTAL_PORT": "0", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    with (
        (tmp_path / "log").open("w", encoding="utf-8") as log,
        subprocess.Popen(
            [sys.executable, "-m", "portal.cli", "demo", "--keep"],
            env=inherited | settings,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        yield process
        process.kill()


def until(done: Callable[[], object], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def live(session: Session) -> int:
    return session.scalar(select(func.count()).where(UsageEvent.external_id.startswith("live-"))) or 0


def test_the_demo_moves_ties_and_stops(prepared: Database, program: "subprocess.Popen[str]", tmp_path: Path) -> None:
    def output() -> str:
        return (tmp_path / "log").read_text(encoding="utf-8")

    def moved() -> bool:
        assert program.poll() is None, output()
        with prepared.reading() as session:
            return live(session) > 0

    until(moved)
    match = re.search(r"Open +(http://127\.0\.0\.1:\d+)", output())
    assert match is not None
    with closing(httpx.Client(base_url=match[1], trust_env=False)) as browser:
        assert browser.get("/readyz").status_code == 200
    with prepared.reading() as session:
        assert [d for account in all_accounts(session) for d in verify_account(session, account.id, TZ)] == []
    assert len(reporting_to(match[1])) == Path("/proc/self/cmdline").exists()
    program.send_signal(signal.SIGINT)
    assert program.wait(10) == 0
    assert "Traceback" not in output()
    assert reporting_to(match[1]) == []


def reporting_to(url: str) -> list[str]:
    """Return the processes that were started with a URL, where the system tells."""
    return [path.parent.name for path in Path("/proc").glob("[0-9]*/cmdline") if url.encode() in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended meanwhile
        return b""
