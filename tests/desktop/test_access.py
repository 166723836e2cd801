"""The guard of the desktop program: who gets an answer, and how everybody else is refused."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from nicegui import app as nicegui_app
from nicegui.testing.general import nicegui_reset_globals
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from portal import api
from portal.actions.people.setup import LocalPerson, open_local_session
from portal.db.sql.session import Database, run_in_transaction
from portal.db.tables import Account
from portal.desktop.access import Access, Happenings, Secrets
from portal.desktop.instance import WISHES, Wish
from portal.desktop.settings import DesktopSettings
from portal.desktop.start_page import OPEN
from portal.desktop.tickets import VALID_SECONDS, Tickets
from portal.rules.people.accounts import LOCAL
from portal.settings import use
from portal.web.server import build
from tests.cast import NOW, Gateway, run
from tests.sockets import client_id, connect, socket_path

PORT = 8080
HOST = f"127.0.0.1:{PORT}"
HERE = f"http://{HOST}"
COOKIE = f"portal_session_{PORT}"
USAGE = "/api/v1/usage"
DASHBOARD = "/user/dashboard"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
PROBES = {"/healthz", "/readyz"}


@dataclass
class Desktop:
    """A desktop program in this process, and what has happened to it."""

    client: TestClient
    tickets: Tickets
    session: str
    time: list[float]
    events: list[str] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)

    def ask(self, method: str, path: str, *, cookie: bool = True, **headers: str) -> httpx.Response:
        """Send a request with the cookie of the window, and with other headers."""
        sent = {"host": HOST, **headers}
        if cookie:
            sent["cookie"] = f"{COOKIE}={self.session}"
        self.client.cookies.clear()
        return self.client.request(method, path, headers=sent)  # type: ignore[return-value]  # httpx2's is the same

    def open(self, ticket: str, **headers: str) -> httpx.Response:
        """Send a ticket as the page in a file does."""
        self.client.cookies.clear()
        sent = {"host": HOST, "origin": "null", "sec-fetch-site": "cross-site", **headers}
        return self.client.post(OPEN, data={"ticket": ticket}, headers=sent)  # type: ignore[return-value]  # the same


def settings_here(folder: Path, **values: Any) -> DesktopSettings:
    """Make this process a desktop program on PORT."""
    chosen = DesktopSettings(data_dir=folder, port=PORT, **values)
    use(chosen)
    return chosen


@pytest.fixture
def guard(tmp_path: Path) -> Desktop:
    """The guard in front of an app that answers everything."""
    settings_here(tmp_path)
    return guarded(passed_on, "own")


@pytest.fixture
def desktop(migrated_sqlite: Database, tmp_path: Path) -> Iterator[Desktop]:
    """A whole portal as the desktop program serves it."""
    settings = settings_here(tmp_path, database_url=str(migrated_sqlite.engine.url))
    token = run_in_transaction(
        open_local_session, LocalPerson("Ada", "en", "Europe/Berlin"), NOW.replace(year=2099)
    ).token
    with nicegui_reset_globals():
        desktop = guarded(build(settings), token)
        with desktop.client:
            yield desktop


def guarded(app: ASGIApp, token: str) -> Desktop:
    """Put the guard in front of an app; `token` is the session of the window."""
    time, events, wishes = [0.0], list[str](), list[Wish]()
    tickets = Tickets(lambda: time[0])

    def wished(wish: Wish) -> dict[str, Any]:
        wishes.append(wish)
        return {"port": PORT}

    happenings = Happenings(lambda: events.append("used"), lambda: events.append("gone"), wished)
    access = Access(app, PORT, Secrets(tickets, token, "of the instance"), happenings)
    client = TestClient(access, HERE, follow_redirects=False)
    return Desktop(client, tickets, token, time, events, wishes)


async def passed_on(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer what the guard passes on."""
    if scope["type"] == "http":
        await PlainTextResponse("passed on")(scope, receive, send)
    else:
        await WebSocket(scope, receive, send).accept()


def is_refused(response: httpx.Response) -> bool:
    """Return whether the answer is the one refusal, which says nothing."""
    return (response.status_code, response.text, "set-cookie" in response.headers) == (403, "Forbidden", False)


def addresses() -> list[str]:
    """Return every address of the program: pages, forms, files, API, NiceGUI's own, and one without a route."""
    routes = [*api.api_router().routes, *nicegui_app.routes]
    paths = {str(getattr(route, "path", "")) for route in routes}
    forms = {"/", "/favicon.ico", "/user/login", "/user/logout", "/user/setup", "/static/favicon.svg", "/nothing"}
    own = {
        DASHBOARD,
        "/user/billing",
        "/user/usage",
        "/user/keys",
        "/user/profile",
        "/_nicegui_ws/socket.io/",
        OPEN,
        WISHES,
    }
    return sorted({re.sub(r"\{[^}]*\}", "1", path) for path in (paths | forms | own) - PROBES if path.startswith("/")})


QUIET = Happenings(lambda: None, lambda: None, lambda _: {})


async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Fail, since the guard passes a request on."""
    raise AssertionError("it was passed on")


async def status_and_text(app: Access, method: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Send a request to an app without a client, which takes a tenth of the time."""
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": raw}
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize(
    ("cookie", "headers"),
    [
        pytest.param(False, {}, id="no cookie"),
        pytest.param(False, {"cookie": f"{COOKIE}=wrong"}, id="wrong cookie"),
        pytest.param(False, {"cookie": "portal_session=x; portal_session_1=y"}, id="cookie of another portal"),
        pytest.param(True, {"host": f"localhost:{PORT}"}, id="another name"),
        pytest.param(True, {"host": "127.0.0.1"}, id="no port"),
        pytest.param(True, {"host": f"rebound.example:{PORT}"}, id="rebound name"),
        pytest.param(True, {"origin": "http://127.0.0.1:9999"}, id="another port"),
        pytest.param(True, {"origin": "https://example.org"}, id="another site"),
        pytest.param(True, {"origin": "null"}, id="a file"),
    ],
)
async def test_every_route_refuses_strangers(tmp_path: Path, cookie: bool, headers: dict[str, str]) -> None:
    settings_here(tmp_path)
    access = Access(never, PORT, Secrets(Tickets(), "own", "of the instance"), QUIET)
    sent = {"host": HOST} | ({"cookie": f"{COOKIE}=own"} if cookie else {}) | headers
    answers = {
        (method, path): await status_and_text(access, method, path, sent) for path in addresses() for method in METHODS
    }
    assert len(addresses()) > 40
    assert {asked: answer for asked, answer in answers.items() if answer != (403, b"Forbidden")} == {}


def test_window_sees_the_dashboard_of_the_local_account(desktop: Desktop) -> None:
    assert "Dashboard" in desktop.ask("GET", DASHBOARD).text
    assert desktop.ask("GET", "/static/favicon.svg").status_code == 200


def test_write_without_an_origin_is_refused(guard: Desktop) -> None:
    path = "/user/api/notifications/read"
    assert is_refused(guard.ask("POST", path))
    assert guard.ask("POST", path, origin=HERE).text == "passed on"


@pytest.mark.parametrize("path", sorted(PROBES))
def test_probes_need_the_own_host_only(guard: Desktop, path: str) -> None:
    assert guard.ask("GET", path, cookie=False).status_code == 200
    assert is_refused(guard.ask("GET", path, cookie=False, host="example.org"))


def test_ticket_gives_a_strict_cookie_once(guard: Desktop) -> None:
    ticket = guard.tickets.issue()
    opened = guard.open(ticket)
    assert opened.status_code == 200
    assert 'location.replace("/")' in opened.text
    assert ticket not in opened.text
    cookie = opened.headers["set-cookie"]
    assert cookie == f"{COOKIE}={guard.session}; HttpOnly; Path=/; SameSite=strict"
    assert is_refused(guard.open(ticket))
    assert guard.events == ["used"]


@pytest.mark.parametrize(("age", "status"), [(VALID_SECONDS - 1, 200), (VALID_SECONDS, 403)])
def test_ticket_is_refused_after_a_minute(guard: Desktop, age: float, status: int) -> None:
    ticket = guard.tickets.issue()
    guard.time[0] += age
    assert guard.open(ticket).status_code == status


@pytest.mark.parametrize(
    "headers",
    [{"host": f"localhost:{PORT}"}, {"host": "example.org"}, {"origin": "https://example.org"}],
    ids=["localhost", "another host", "another site"],
)
def test_ticket_of_a_stranger_is_refused_and_kept(guard: Desktop, headers: dict[str, str]) -> None:
    ticket = guard.tickets.issue()
    assert is_refused(guard.open(ticket, **headers))
    assert guard.open(ticket).status_code == 200


@pytest.mark.parametrize("ticket", ["", "x", "x" * 100_000, "ü\x00"])
def test_malformed_ticket_is_refused(guard: Desktop, ticket: str) -> None:
    assert is_refused(guard.open(ticket))
    assert is_refused(guard.ask("GET", f"{OPEN}?ticket={guard.tickets.issue()}", cookie=False))


def test_gateway_token_reaches_ingest_routes_only(desktop: Desktop, gateway: Gateway) -> None:
    bearer = f"Bearer {gateway.token}"
    for path in (DASHBOARD, "/user/api/usage", "/api/v1/authorize"):
        assert is_refused(desktop.ask("POST", path, cookie=False, authorization=bearer)), path
    json = "application/json"
    assert desktop.ask("POST", USAGE, cookie=False, authorization=bearer, **{"content-type": json}).status_code == 400
    assert is_refused(desktop.ask("GET", USAGE, cookie=False, authorization=bearer))
    assert desktop.ask("POST", USAGE, cookie=False, authorization="Bearer moe-gw-wrong").status_code == 401


async def test_bearer_token_reaches_no_other_route(tmp_path: Path) -> None:
    """Only these take usage: no page, no form, not `authorize`, nothing below them, no other spelling."""
    settings_here(tmp_path)
    access = Access(passed_on, PORT, Secrets(Tickets(), "own", "of the instance"), QUIET)
    others = {f"{USAGE}/", f"{USAGE}/1", f"/{USAGE}", "/api/v1/", "/API/v1/usage", "/api/v1/otlp/v1"}
    sent = {"host": HOST, "authorization": "Bearer moe-gw-1"}
    answers = {
        (method, path): (await status_and_text(access, method, path, sent))[0]
        for path in {*addresses(), *others}
        for method in METHODS
    }
    assert sorted(asked for asked, status in answers.items() if status != 403) == [
        ("POST", "/api/v1/otlp/v1/logs"),
        ("POST", "/api/v1/otlp/v1/metrics"),
        ("POST", "/api/v1/otlp/v1/traces"),
        ("POST", USAGE),
        ("POST", "/api/v1/usage/continue"),
        ("POST", "/api/v1/usage/litellm"),
        ("POST", "/api/v1/usage/openai"),
    ]


@pytest.mark.parametrize("headers", [{"origin": "https://example.org"}, {"host": f"localhost:{PORT}"}])
def test_gateway_token_does_not_help_another_site(guard: Desktop, headers: dict[str, str]) -> None:
    assert is_refused(guard.ask("POST", USAGE, cookie=False, authorization="Bearer moe-gw-1", **headers))


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"origin": HERE}, id="no cookie"),
        pytest.param({"origin": HERE, "cookie": f"{COOKIE}=wrong"}, id="wrong cookie"),
        pytest.param({"cookie": "own"}, id="no origin"),
        pytest.param({"cookie": "own", "origin": "http://127.0.0.1:9999"}, id="another port"),
        pytest.param({"cookie": "own", "origin": HERE, "host": f"localhost:{PORT}"}, id="another name"),
    ],
)
def test_websocket_of_a_stranger_is_refused(guard: Desktop, headers: dict[str, str]) -> None:
    sent = {"host": HOST, **headers}
    if sent.get("cookie") == "own":
        sent["cookie"] = f"{COOKIE}=own"
    with pytest.raises(WebSocketDisconnect), guard.client.websocket_connect(socket_path("a page"), headers=sent):
        pass


def test_websocket_of_the_window_is_a_page(desktop: Desktop) -> None:
    page = client_id(desktop.ask("GET", DASHBOARD).text)
    own = {"host": HOST, "origin": HERE, "upgrade": "websocket", "cookie": f"{COOKIE}={desktop.session}"}
    desktop.client.cookies.clear()
    with desktop.client.websocket_connect(socket_path(page), headers=own) as socket:
        connect(socket)


def test_second_start_wishes_with_the_secret(guard: Desktop) -> None:
    body = {"is_window": True, "screen": {"DISPLAY": ":7"}}
    for secret in ("", "Bearer ", "Bearer wrong"):
        sent = {"host": HOST, "authorization": secret}
        assert is_refused(guard.client.post(WISHES, json=body, headers=sent))  # type: ignore[arg-type]  # the same
    sent = {"host": HOST, "authorization": "Bearer of the instance"}
    assert is_refused(guard.client.post(WISHES, content=b"[]", headers=sent))  # type: ignore[arg-type]  # the same
    assert guard.client.post(WISHES, json=body, headers=sent).json() == {"port": PORT}
    assert guard.wishes == [Wish(True, {"DISPLAY": ":7"})]


async def test_failure_of_the_start_is_kept() -> None:
    async def fails(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "The disk is full."})

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    access = Access(fails, PORT, Secrets(Tickets(), "s", "i"), QUIET)
    await access({"type": "lifespan"}, receive, send)
    assert access.startup_failure == "The disk is full."
    assert len(sent) == 1


def test_local_account_is_created_once_and_stays_as_it_is(desktop: Desktop, migrated_sqlite: Database) -> None:
    with migrated_sqlite.reading() as session:
        (account,) = session.query(Account).all()
    assert (account.username, account.display_name, account.role, account.email) == (LOCAL, "Ada", "admin", "")
    assert account.password_hash is None
    run(open_local_session, LocalPerson("Bob", "de", "UTC"), NOW)
    with migrated_sqlite.reading() as session:
        (account,) = session.query(Account).all()
    assert (account.display_name, account.language, account.time_zone) == ("Ada", "en", "Europe/Berlin")


def test_new_start_ends_the_session_of_the_last_one(desktop: Desktop) -> None:
    run(open_local_session, LocalPerson("Ada", "en", "UTC"), NOW)
    assert desktop.ask("GET", DASHBOARD).status_code == 401
