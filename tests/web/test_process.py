"""`portal serve` as people start it: a program of its own, with real sockets, that starts and stops as it should."""

import os
import re
import signal
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_websocket
from websockets.typing import Origin

from portal.web.process import listen
from portal.web.startup import CannotStart
from tests.portals import Process
from tests.sockets import client_id, connect, receive, socket_path

ADMINISTRATOR = {
    "username": "root",
    "email": "root@example.org",
    "password": "four words are enough",
    "repeated": "four words are enough",
}


class Websocket:
    """A websocket with the methods our tests speak through."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send_text(self, text: str) -> None:
        self.connection.send(text)

    def receive_text(self) -> str:
        return str(self.connection.recv(timeout=10))


class Visitor:
    """A browser at a portal in another process."""

    def __init__(self, portal: Process) -> None:
        self.address = portal.address()
        self.browser = httpx.Client(base_url=self.address, timeout=20)

    def open_dashboard(self) -> str:
        """Sign in and open the dashboard; return the page's id."""
        form = {name: ADMINISTRATOR[name] for name in ("username", "password")}
        assert self.browser.post("/user/login", data=form).status_code == 303
        return client_id(self.browser.get("/user/dashboard").text)

    def websocket(self, page_id: str, *, origin: str | None = None, cookies: bool = True) -> ClientConnection:
        """Open the socket of a page, as a browser would."""
        sent = "; ".join(f"{name}={value}" for name, value in self.browser.cookies.items()) if cookies else "a=b"
        return open_websocket(
            self.address.replace("http", "ws", 1) + socket_path(page_id),
            origin=Origin(origin or self.address),
            additional_headers={"Cookie": sent},
            compression=None,
            proxy=None,
        )


Visit = Callable[[Process], Visitor]


def is_closed(connection: ClientConnection) -> bool:
    """Wait until the server closes a websocket."""
    try:
        while True:
            connection.recv(timeout=10)
    except ConnectionClosed:
        return True


@contextmanager
def started(directory: Path) -> Iterator[Process]:
    """Start a portal, create its administrator, and end it."""
    process = Process(directory, PORTAL_REFRESH_SECONDS="0.2")
    try:
        link = process.wait_for(r"(http://\S+/user/setup\?token=\S+)")
        process.address()
        assert httpx.post(link, data=ADMINISTRATOR, timeout=20).status_code == 303
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A portal that runs while these tests do, since starting one takes seconds."""
    with started(tmp_path_factory.mktemp("portal")) as process:
        yield process


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Process]:
    """A portal that a test may stop."""
    with started(tmp_path) as process:
        yield process


@pytest.fixture
def visit() -> Iterator[Visit]:
    """Give a function that opens another browser at a portal."""
    with ExitStack() as stack:

        def open_one(portal: Process) -> Visitor:
            visitor = Visitor(portal)
            stack.enter_context(visitor.browser)
            return visitor

        yield open_one


def test_page_lives_until_its_session_ends(portal: Process, visit: Visit) -> None:
    visitor = visit(portal)
    page_id = visitor.open_dashboard()
    with visitor.websocket(page_id) as connection:
        assert connect(Websocket(connection))
        with visit(portal).websocket(page_id, cookies=False) as other:
            assert not connect(Websocket(other))
        with pytest.raises(InvalidStatus, match="403"):
            visitor.websocket(page_id, origin="https://evil.example")
        database = sqlite3.connect(portal.data / "portal.sqlite3", timeout=10)
        with closing(database), database:
            database.execute("DELETE FROM sessions")  # as another server does when somebody signs out there
        code = receive(Websocket(connection), "run_javascript")["code"]
        while "/user/login" not in code:
            code = receive(Websocket(connection), "run_javascript")["code"]
    assert visitor.browser.get("/user/dashboard").status_code == 303


def test_polling_is_bound_as_well(portal: Process, visit: Visit) -> None:
    visitor = visit(portal)
    page_id = visitor.open_dashboard()
    path = socket_path(page_id, transport="polling")

    def poll(browser: httpx.Client) -> str:
        sid = re.findall(r'"sid":"([^"]+)"', browser.get(path).text)[0]
        browser.post(f"{path}&sid={sid}", content="40")
        return browser.get(f"{path}&sid={sid}").text

    assert poll(visit(portal).browser).startswith("44")
    assert poll(visitor.browser).startswith("40")
    assert visitor.browser.get(path, headers={"Origin": "https://evil.example"}).status_code == 403


def test_the_log_opens_no_door(portal: Process, visit: Visit) -> None:
    visitor = visit(portal)
    page_id = visitor.open_dashboard()
    with visitor.websocket(page_id) as connection:
        connect(Websocket(connection))
    visitor.browser.get("/user/login?next=/user/usage%3Ftoken_name%3Dprivate")
    lines = [line for line in portal.output.splitlines() if "token=" in line]
    assert len(lines) == 1, "the link is only where it was printed"
    assert '"GET /user/login HTTP/1.1"' in portal.output
    assert '"POST /user/setup HTTP/1.1" 303' in portal.output
    for secret in (page_id, "private", ADMINISTRATOR["password"], *visitor.browser.cookies.values()):
        assert secret not in portal.output


def test_it_says_where_it_is_once_the_database_is_open(portal: Process) -> None:
    assert portal.output.index("database: ") < portal.output.index("MoE Portal ")


def test_what_it_writes_is_nobody_elses(portal: Process) -> None:
    modes = {file.name: oct(file.stat().st_mode & 0o077) for file in portal.data.iterdir()}
    assert {"portal.sqlite3", "secret"} <= set(modes)
    assert set(modes.values()) == {"0o0"}
    assert oct(os.stat(portal.data).st_mode & 0o777) == "0o700"  # noqa: PTH116


def test_stopped_server_finishes_running_requests(mortal: Process, visit: Visit) -> None:
    visitor = visit(mortal)
    page_id = visitor.open_dashboard()
    url = urlsplit(visitor.address)
    body = b"username=root&password=wrong"
    head = f"POST /user/login HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: {len(body)}\r\n"
    with (
        visitor.websocket(page_id) as open_page,
        socket.create_connection((url.hostname, url.port), 10) as idle,
        socket.create_connection((url.hostname, url.port), 10) as busy,
    ):
        assert connect(Websocket(open_page))
        busy.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + body[:10])
        assert visitor.browser.get("/healthz").status_code == 200  # by now the server has read the request's head
        mortal.program.send_signal(signal.SIGTERM)
        assert is_closed(open_page)
        busy.sendall(body[10:])
        assert busy.recv(100).startswith(b"HTTP/1.1 401")
        assert mortal.program.wait(20) == 0, "it was ended by its own timer"
        assert idle.recv(1) == b""
    assert "stopped" in mortal.output
    assert "Traceback" not in mortal.output, mortal.output


def test_what_hangs_does_not_keep_it_from_stopping(mortal: Process) -> None:
    url = urlsplit(mortal.address())
    with socket.create_connection((url.hostname, url.port), 10) as hanging:
        hanging.sendall(f"POST /user/login HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: 100\r\n".encode())
        hanging.sendall(b"Content-Type: application/x-www-form-urlencoded\r\n\r\nusername=")
        httpx.get(f"{mortal.address()}/healthz")
        mortal.program.send_signal(signal.SIGTERM)
        mortal.program.wait(10)


def test_what_keeps_it_from_starting_is_one_sentence(tmp_path: Path) -> None:
    process = Process(tmp_path, PORTAL_DATABASE_URL="postgresql://portal:sesame@127.0.0.1:1/portal")
    try:
        assert process.program.wait(60) == 1
    finally:
        process.stop()
    assert "The database cannot be opened: connection failed:" in process.output
    assert "MoE Portal" not in process.output
    assert "sesame" not in process.output
    assert "Traceback" not in process.output


def test_a_port_that_is_taken_is_a_sentence() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(CannotStart, match="Cannot listen on"):
        listen("127.0.0.1", taken.getsockname()[1])
