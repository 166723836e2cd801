"""Measure a running portal over HTTP: events per second, and the time of an answer."""

import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portal.db.sql.session import Database
from tests.portals import Process
from tools.bench.figures import Figure, at_least, at_most, median, seconds
from tools.bench.premises import Premises, Traffic, prepare
from tools.bench.wire import Connection, get, post

LAUNCHER = Path(__file__).with_name("launcher.py")
CONNECTIONS = 4
BATCH = 100
ESTIMATE = 1000
"""The estimated tokens of a request."""


@dataclass(frozen=True, slots=True)
class Running:
    """A portal in a separate process, on SQLite, with accounts."""

    address: str
    premises: Premises


@contextmanager
def running(directory: Path) -> Iterator[Running]:
    """Start a portal with its data in `directory`, and end it afterwards."""
    data = directory / "data"
    data.mkdir(parents=True)
    database = Database(f"sqlite:///{data / 'portal.sqlite3'}")
    premises = prepare(database)
    database.close()
    process = Process(directory, LAUNCHER)
    try:
        yield Running(process.address(), premises)
    finally:
        process.stop()


def measure_ingest(portal: Running, batches: int, rounds: int, floor: float | None) -> Figure:
    """Return events per second over several connections; `floor` is the events per second of storing alone."""
    traffic = Traffic(portal.premises)
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        gateways = [Connection(portal.address) for _ in range(CONNECTIONS)]
        _report(threads, gateways, _batches(portal, traffic, CONNECTIONS))  # statements are compiled once
        speeds = []
        for _ in range(rounds):
            requests = _batches(portal, traffic, batches)
            speeds.append(batches * BATCH / seconds(lambda: _report(threads, gateways, requests)))  # noqa: B023  # at once
        for gateway in gateways:
            gateway.close()
    name = f"Ingest over HTTP, sqlite, batches of {BATCH}, {CONNECTIONS} connections"
    return Figure(name, "events/s", median(speeds), floor, "executemany in-process", at_least(5000, of_ratio=False))


def _batches(portal: Running, traffic: Traffic, count: int) -> list[bytes]:
    token = f"Bearer {portal.premises.gateway_token}"
    return [post(portal.address, "/api/v1/usage", traffic.events(BATCH), Authorization=token) for _ in range(count)]


def _report(threads: ThreadPoolExecutor, gateways: Sequence[Connection], requests: Sequence[bytes]) -> None:
    """Send all requests over the connections of the gateways, and wait until each is acknowledged."""

    def work(number: int) -> list[bytes]:
        return [gateways[number].ask(request) for request in requests[number :: len(gateways)]]

    for answer in itertools.chain.from_iterable(threads.map(work, range(len(gateways)))):
        assert json.loads(answer)["accepted"] == BATCH, answer[:300]


def measure_routes(portal: Running, requests: int, rounds: int) -> list[Figure]:
    """Return the time of an answer of each route and of an empty route, asked in turn on one connection."""
    empty = get(portal.address, "/bench/empty")
    connection = Connection(portal.address)
    found = []
    for name, make in _routes(portal).items():
        times = [_alternate(connection, make, empty, requests) for _ in range(rounds + 1)][1:]
        ours, floor = median([time for time, _ in times]), median([time for _, time in times])
        found.append(Figure(name, "µs", ours, floor, "an empty route", at_most(2)))
    connection.close()
    return found


def _routes(portal: Running) -> dict[str, Callable[[], bytes]]:
    """Return functions that make the next request of each route; reservations are for the accounts in turn."""
    token = f"Bearer {portal.premises.gateway_token}"
    people = itertools.cycle(keys[0] for keys in portal.premises.keys.values())
    question = {"api_key": next(people)}
    estimate = {"estimated_tokens": ESTIMATE}

    def ask(**values: object) -> bytes:
        return post(portal.address, "/api/v1/authorize", question | values, Authorization=token)

    return {
        "GET /user/api/budget, p50": lambda: get(
            portal.address, "/user/api/budget", Cookie=f"portal_session={portal.premises.session}"
        ),
        "POST /api/v1/authorize, p50": ask,
        "POST /api/v1/authorize with an estimate, p50": lambda: ask(**estimate),
        "POST /api/v1/authorize holding tokens, p50": lambda: ask(
            **estimate, api_key=next(people), request_id=str(uuid.uuid4())
        ),
    }


def _alternate(connection: Connection, make: Callable[[], bytes], empty: bytes, requests: int) -> tuple[float, float]:
    """Return the median time in µs of a route's answers, and of the empty route's answers."""
    ours, floor = [], []
    for _ in range(requests):
        request = make()
        ours.append(_time(connection, request))
        floor.append(_time(connection, empty))
    return median(ours) * 1e6, median(floor) * 1e6


def _time(connection: Connection, request: bytes) -> float:
    started = time.perf_counter()
    connection.ask(request)
    return time.perf_counter() - started
