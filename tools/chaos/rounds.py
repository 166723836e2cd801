"""Kill a portal under load repeatedly, and check each time that nothing was lost or counted twice."""

import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from http.client import HTTPConnection
from os import kill
from pathlib import Path

from portal.actions.metering.gateways import create_gateway
from portal.clock import utc_now
from portal.db.people.accounts import add_account
from portal.db.sql.schema import migrate
from portal.db.sql.session import Database
from tests.databases import PostgreSQL, Server
from tools.chaos.administration import ACTOR, Administrator, organise
from tools.chaos.checks import BUDGET_ZONE, violations
from tools.chaos.clients import PEOPLE, Client, Ledger
from tools.chaos.zygote import Zygote

CLIENTS = 8
GATEWAYS = ("moe-1", "moe-2")
PATIENCE = 30
"""Seconds after which a step counts as blocked."""


class Strike(StrEnum):
    """The moment at which a round kills the server."""

    BUSY = "in the middle of batches"
    IDLE = "between batches"
    STARTING = "while it starts"
    DATABASE = "in the middle of batches, after its database crashed"


class Portal:
    """A server that can be killed and started again."""

    def __init__(self, zygote: Zygote, directory: Path, url: str) -> None:
        """Store the values; `directory` is for data and logs."""
        self._zygote, self._directory, self._url = zygote, directory, url
        self._process = self._starts = self.port = 0

    @property
    def output(self) -> str:
        """The log since the last start."""
        log = self._log
        return log.read_text(encoding="utf-8") if log.exists() else ""

    @property
    def _log(self) -> Path:
        return self._directory / f"log-{self._starts}"

    def launch(self) -> None:
        """Start the server without waiting for it."""
        self._starts += 1
        self._process = self._zygote.serve(
            self._log,
            PORTAL_PORT="0",
            PORTAL_DATABASE_URL=self._url,
            PORTAL_DATA_DIR=str(self._directory / "data"),
            PORTAL_BUDGET_TIMEZONE=BUDGET_ZONE.key,
        )

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        self.launch()
        until = time.monotonic() + PATIENCE
        while not self._is_ready():
            assert time.monotonic() < until, self.output
            time.sleep(0.01)

    def end(self, how: signal.Signals) -> int:
        """End the server with a signal; return its exit status."""
        process, self._process = self._process, 0
        kill(process, how)
        return self._zygote.wait(process)

    def close(self) -> None:
        """End the server if it still runs."""
        if self._process:
            self.end(signal.SIGKILL)

    def _is_ready(self) -> bool:
        found = re.search(r"MoE Portal \S+ on http://\S+:(\d+)", self.output)
        if found is None:
            return False
        self.port = int(found[1])
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


class Chaos:
    """Rounds of traffic on one database; each round kills the server."""

    def __init__(self, zygote: Zygote, server: Server, directory: Path, seed: str) -> None:
        """Prepare a database with two persons, two teams and two gateways."""
        url = server.new_url()
        self.ledger = Ledger()
        self.portal = Portal(zygote, directory, url)
        self._server, self._seed = server, seed
        self._database = Database(url)
        migrate(self._database)
        now = utc_now()
        with self._database.transaction() as session:
            people = {name: add_account(session, name, name, f"{name}@a.org", "user", None, now).id for name in PEOPLE}
            organisation = organise(session, people)
            tokens = {name: create_gateway(session, ACTOR, name, now).token or "" for name in GATEWAYS}
        self._database.close()
        self._administrator = Administrator(url, organisation, seed)
        self.clients = [
            Client(number // len(GATEWAYS), tokens[gateway], gateway, seed, now, self.ledger)
            for number in range(CLIENTS)
            for gateway in [GATEWAYS[number % len(GATEWAYS)]]
        ]

    def round(self, number: int) -> str:
        """Start the server, check the results of the last round, run the clients, kill the server; return a summary.

        Raises AssertionError with all violations.
        """
        chance = random.Random(f"{self._seed}/{number}")
        strike = self._choose(chance)
        self.portal.start()
        self.check()
        answers = self.ledger.answers + chance.randrange(3, 15)
        match strike:
            case Strike.STARTING:
                self.portal.end(signal.SIGKILL)
                self.portal.launch()
                time.sleep(chance.uniform(0, 0.4))
                self.portal.end(signal.SIGKILL)
            case Strike.IDLE:
                with self.traffic(lambda: self.ledger.answers < answers):
                    pass
                self.portal.end(signal.SIGKILL)
            case _:
                with self.traffic(lambda: True):
                    self.wait_until(lambda: self.ledger.answers >= answers)
                    if strike is Strike.DATABASE:
                        self._crash_database(chance)
                    self._strike_busy(chance)
        events, changes = len(self.ledger.acknowledged), self._administrator.changes
        return f"killed {strike}; {events:,} events acknowledged, {changes:,} changes by the administrator"

    def finish(self) -> None:
        """Start the server, send the remaining events, stop it normally, and check. Raises AssertionError."""
        self.portal.start()
        self.check()
        with self.traffic(lambda: False):
            pass
        assert self.portal.end(signal.SIGTERM) == 0, self.portal.output
        self.check(exactly=True)

    def check(self, *, exactly: bool = False) -> None:
        """Raise AssertionError if there is any violation."""
        try:
            found = violations(self._database, self.ledger, exactly=exactly)
        finally:
            self._database.close()
        assert found == [], "\n".join(found[:20])

    @contextmanager
    def traffic(self, goes_on: Callable[[], bool]) -> Iterator[None]:
        """Run all clients while an administrator makes changes, and wait for them at the end."""
        with self._administrator.at_work(), ThreadPoolExecutor(CLIENTS) as threads:
            working: list[Future[None]] = [
                threads.submit(client.work, self.portal.port, goes_on) for client in self.clients
            ]
            try:
                yield
            except BaseException:
                self.portal.close()  # else they would never end
                raise
        for client in working:
            client.result()

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait until the clients have reached a state."""
        with self.ledger.changed:
            assert self.ledger.changed.wait_for(is_so, PATIENCE), f"nothing happens:\n{self.portal.output}"

    def close(self) -> None:
        """End the server and close the database."""
        self.portal.close()
        self._database.close()

    def _choose(self, chance: random.Random) -> Strike:
        common = [*[Strike.BUSY] * 6, Strike.IDLE, Strike.STARTING]
        return chance.choice([*common, Strike.DATABASE] if isinstance(self._server, PostgreSQL) else common)

    def _strike_busy(self, chance: random.Random) -> None:
        self.wait_until(lambda: self.ledger.busy >= chance.randint(1, CLIENTS))
        time.sleep(chance.uniform(0, 0.03))
        self.portal.end(signal.SIGKILL)

    def _crash_database(self, chance: random.Random) -> None:
        assert isinstance(self._server, PostgreSQL)
        self._server.halt(at_once=chance.random() < 0.7)
        self._server.resume()
        answers = self.ledger.answers + chance.randrange(20)
        self.wait_until(lambda: self.ledger.answers >= answers)
