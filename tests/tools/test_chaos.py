"""25 rounds of chaos on each database; `make chaos ROUNDS=1000` runs more, chosen again each time."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.databases import PostgreSQL, SQLite
from tools.chaos.rounds import Chaos
from tools.chaos.zygote import Zygote

ROUNDS = 25
SEEDS = {"sqlite": "a", "postgresql": "a"}
"""With these each way to strike comes up."""


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """What servers are forked from."""
    program = Zygote()
    yield program
    program.close()


@pytest.fixture
def chaos(zygote: Zygote, tmp_path: Path) -> Iterator[Callable[[str], Chaos]]:
    """Give a function that prepares a portal on one kind of database."""
    with ExitStack() as stack:

        def prepare(kind: str) -> Chaos:
            server = PostgreSQL(durable=True) if kind == "postgresql" else SQLite(tmp_path)
            stack.callback(server.stop)
            prepared = Chaos(zygote, server, tmp_path, SEEDS[kind])
            stack.callback(prepared.close)
            return prepared

        yield prepare


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_portal_has_stored_acknowledged_events_once(chaos: Callable[[str], Chaos], kind: str) -> None:
    tried = chaos(kind)
    for number in range(ROUNDS):
        tried.round(number)
    tried.finish()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_stopped_portal_acknowledges_all_it_stores(chaos: Callable[[str], Chaos], kind: str) -> None:
    tried = chaos(kind)
    for client in tried.clients:
        client.hangs_up = 0
    tried.portal.start()
    with tried.traffic(lambda: True):
        tried.wait_until(lambda: tried.ledger.answers > 20 and tried.ledger.busy == 8)
        assert tried.portal.end(signal.SIGTERM) == 0, tried.portal.output
    assert "Traceback" not in tried.portal.output, tried.portal.output
    tried.check(exactly=True)
