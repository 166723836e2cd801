"""The simulated gateway: as a loop with a clock of the test's, and as the process that it is."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from portal.demo import gateway as simulated
from portal.demo.gateway import EventQueue, post, report, simulated_gateway, wait_until_ready
from portal.demo.requests import Traffic

START = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


class Clock:
    """Time passes when somebody waits, until it is time to stop."""

    def __init__(self, stop_after: float) -> None:
        self.seconds = 0.0
        self.stop_after = stop_after

    def wait(self, seconds: float) -> bool:
        self.seconds += seconds
        return self.seconds >= self.stop_after

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


def test_requests_go_out_as_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "LOST_ANSWERS", 0)
    clock = Clock(stop_after=120)
    arrived: list[dict[str, Any]] = []

    def take(batch: Any) -> httpx.Response:
        assert all(event["requested_at"] <= clock.now().isoformat() for event in batch)
        arrived.extend(batch)
        return httpx.Response(200, json={"results": [{"result": "accepted"} for _ in batch]})

    queue = EventQueue(take, Random(1))
    report(Traffic(1, START), queue, clock.wait, clock.now, lambda: clock.seconds)
    assert 25 <= len(arrived) + queue.waiting <= 60
    assert queue.waiting <= 3
    assert len({event["id"] for event in arrived}) == len(arrived)


def test_requests_go_on_while_the_portal_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "LOST_ANSWERS", 0)
    clock = Clock(stop_after=400)
    arrived: list[str] = []

    def take(batch: Any) -> httpx.Response:
        if clock.seconds < 180:
            raise httpx.ConnectError("away")
        arrived.extend(event["id"] for event in batch)
        return httpx.Response(200, json={"results": [{"result": "accepted"} for _ in batch]})

    queue = EventQueue(take, Random(1))
    report(Traffic(1, START), queue, clock.wait, clock.now, lambda: clock.seconds)
    assert arrived == sorted(arrived)
    assert [int(id.rsplit("-", 1)[1]) for id in arrived] == list(range(1, len(arrived) + 1))
    assert len(arrived) > 80
    assert queue.waiting <= 3


def test_it_waits_until_the_portal_is_ready() -> None:
    answers: list[int | None] = [None, 503, 404, 200]
    clock = Clock(stop_after=10)

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/readyz"
        status = answers.pop(0)
        if status is None:
            raise httpx.ConnectError("not yet")
        return httpx.Response(status)

    with httpx.Client(base_url="http://portal", transport=httpx.MockTransport(answer)) as client:
        assert wait_until_ready(client, clock.wait)
        assert answers == []
        answers[:] = [503] * 99
        assert not wait_until_ready(client, clock.wait)


def test_a_batch_is_posted_as_a_json_array() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/v1/usage"
        assert request.headers["content-type"] == "application/json"
        return httpx.Response(200, json=json.loads(request.content))

    with httpx.Client(base_url="http://portal", transport=httpx.MockTransport(answer)) as client:
        assert post(client, [{"id": "a"}]).json() == [{"id": "a"}]


class Listener(HTTPServer):
    """A small portal that takes whatever comes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.tokens: set[str] = set()
        self.arrived = threading.Event()


class Answers(BaseHTTPRequestHandler):
    """Says ready, and accepts."""

    server: Listener

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        batch = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.tokens.add(self.headers["authorization"])
        self._answer({"results": [{"result": "accepted"} for _ in batch]})
        self.server.arrived.set()

    def _answer(self, body: dict[str, Any]) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_gateway_process_reports_and_ends_with_its_parent(listener: Listener) -> None:
    token = "moe-gw-" + "5" * 48
    with simulated_gateway(f"http://127.0.0.1:{listener.server_port}", 1, token) as process:
        assert listener.arrived.wait(20)
        assert listener.tokens == {f"Bearer {token}"}
        arguments = Path(f"/proc/{process.pid}/cmdline")
        assert not arguments.exists() or token not in arguments.read_text(encoding="utf-8")
        assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()  # as when the parent was killed
        assert process.wait(20) == 0


def test_it_ends_while_the_portal_has_not_even_answered() -> None:
    with simulated_gateway("http://127.0.0.1:1", 1, "moe-gw-" + "5" * 48) as process:
        pass
    assert process.returncode is not None
