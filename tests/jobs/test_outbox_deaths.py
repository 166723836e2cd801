"""A server that dies between an event and the mark that its mail was sent has warned the account all the same."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from portal.actions.spending.budgets import set_budget
from portal.db.outbox import messages_of
from portal.db.spending.alerts import AlertSettings, set_alert_settings
from portal.db.spending.crossings import crossings
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account
from portal.rules.spending.budgets import Limits
from portal.web.process import listen
from tests.cast import NOW, OPERATOR, Gateway, run
from tests.databases import Server
from tests.jobs.mortal import Moment, Mortals
from tests.postoffice import PostOffice

LATER = NOW + timedelta(minutes=5)
"""After the lease of what the dead server held."""
UNCLOSED = {Moment.AFTER_DATA, Moment.BEFORE_MARK}
"""When the mail server has the mail and nobody has written that down: SMTP cannot close this window."""


@pytest.fixture(scope="module")
def mortals() -> Iterator[Mortals]:
    """What servers are forked from."""
    program = Mortals()
    yield program
    program.close()


class Life:
    """One server after another on the same database, all at one address."""

    def __init__(self, mortals: Mortals, directory: Path, database_url: str, smtp_port: int) -> None:
        self._mortals, self._directory = mortals, directory
        with listen("127.0.0.1", 0) as free:
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self._variables = {
            "PORTAL_PORT": str(port),
            "PORTAL_DATA_DIR": str(directory / "data"),
            "PORTAL_DATABASE_URL": database_url,
            "PORTAL_BASE_URL": "https://portal.example.org",
            "PORTAL_SMTP_HOST": "127.0.0.1",
            "PORTAL_SMTP_PORT": str(smtp_port),
            "PORTAL_SMTP_SECURITY": "none",
            "PORTAL_SMTP_FROM": "portal@example.org",
        }
        self._process = 0

    @property
    def output(self) -> str:
        """All that the servers have logged."""
        return (self._directory / "log").read_text(encoding="utf-8")

    def begin(self, at: datetime, **more: str) -> None:
        """Start a server at an instant, and wait until it answers."""
        self._process = self._mortals.serve(self._directory / "log", **self._variables, AT=at.isoformat(), **more)
        self.wait_until(self._is_ready)

    def end(self, how: signal.Signals | None = None) -> int:
        """Return how the server has ended: by a signal, or by itself."""
        process, self._process = self._process, 0
        if how is not None:
            os.kill(process, how)
        return self._mortals.wait(process)

    def close(self) -> None:
        """End what still runs."""
        if self._process:
            self.end(signal.SIGKILL)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so, but not for ever."""
        until = time.monotonic() + 30
        while not is_so():
            assert time.monotonic() < until, self.output
            time.sleep(0.01)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.address}/readyz").is_success
        except httpx.TransportError:
            return False


@pytest.fixture
def life(mortals: Mortals, office: PostOffice, databases: Server, db: Database, tmp_path: Path) -> Iterator[Life]:
    """Servers on the test's database, which send to the test's mail server."""
    servers = Life(mortals, tmp_path, databases.url, office.port)
    yield servers
    servers.close()


def cross(life: Life, gateway: Gateway) -> bool:
    """Report what takes Alice over her threshold; return whether that was acknowledged. Doing it again is safe."""
    event = {
        "id": "r-1",
        "username": "alice",
        "model": "qwen3:32b",
        "mode": "native",
        "prompt_tokens": 800,
        "completion_tokens": 50,
        "requested_at": NOW.isoformat(),
    }
    bearer = {"Authorization": f"Bearer {gateway.token}"}
    try:
        return httpx.post(f"{life.address}/api/v1/usage", json=event, headers=bearer, timeout=30).is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.name.lower())
def test_one_crossing_and_a_mail_whenever_the_server_dies(
    moment: Moment, life: Life, office: PostOffice, alice: Account, gateway: Gateway
) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(daily=1000), NOW)
    run(set_alert_settings, alice.id, AlertSettings(enabled=True), NOW)
    life.begin(NOW, DIES=moment)
    is_acknowledged = cross(life, gateway)
    assert life.end() == -signal.SIGKILL
    assert not is_acknowledged or moment not in {Moment.BEFORE_COMMIT, Moment.AFTER_COMMIT}
    life.begin(LATER)
    assert cross(life, gateway)
    life.wait_until(lambda: [mail.state for mail in run_in_reading(messages_of, alice.id, 10)] == ["sent"])
    assert life.end(signal.SIGTERM) == 0, life.output
    assert len(run_in_reading(crossings, alice.id, 10)) == 1
    assert office.subjects(alice.email) == ["Daily budget 85 % used"] * (2 if moment in UNCLOSED else 1)
    assert len({mail["Message-ID"] for mail in office.taken}) == 1
