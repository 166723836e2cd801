"""HEAD wherever GET: asked at every address that the server has, and of a stream that would never end."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from httpx2 import Response as Answer
from nicegui import Client
from nicegui import app as nicegui_app
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message

from portal.actions.people.setup import new_setup_link, setup_link_is_good
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.db.tables import Account, Session
from portal.settings import Settings
from portal.web.guard import Guard, Pages
from portal.web.head_requests import HeadRequests
from tests.cast import Gateway, create_member
from tests.portals import HERE, running_portal

PLAIN = {"Accept-Encoding": "identity"}
ITS_OWN = {"x-request-id", "content-security-policy", "set-cookie"}
"""Headers that differ between any two answers."""


@pytest.fixture
def administrator(gateway: Gateway) -> Account:
    return create_member("root", role="admin")


@pytest.fixture
def browser(administrator: Account, sign_in_as: Callable[[Account], str]) -> Iterator[TestClient]:
    """A browser in which an administrator is signed in."""
    with running_portal() as client:
        client.headers.update(PLAIN)
        client.cookies.set("portal_session", sign_in_as(administrator))
        yield client


def addresses(browser: TestClient, gateway: Gateway) -> set[str]:
    """Return every address that takes GET, and those of the files that a page loads."""
    server: Any = browser.app
    while not hasattr(server, "router"):
        server = server.app
    routes = [*iter_route_contexts(server.router.routes), *iter_route_contexts(nicegui_app.router.routes)]
    found = {r.path for r in routes if isinstance(r.original_route, APIRoute) and "GET" in (r.methods or ())}
    ids = {"{gateway_id}": str(gateway.id)}  # of what the test has; the others are unknown to both methods
    fill = partial(re.sub, r"\{\w+\}", lambda name: ids.get(name[0], "1"))
    paths = {fill(str(path)) for path in found if "/_nicegui/" not in str(path)}
    files = set(re.findall(r'(?:src|href)="(/(?:_nicegui|static)[^"]+)"', browser.get("/user/dashboard").text))
    assert len(files) > 5
    return {*paths, *files, "/user/usage?page=no", "/nowhere", "/api/nowhere", "/static/nowhere"}


def shown(answer: Answer) -> tuple[int, dict[str, str]]:
    return answer.status_code, {name: value for name, value in answer.headers.items() if name not in ITS_OWN}


def test_every_address_answers_head_as_get(browser: TestClient, gateway: Gateway) -> None:
    for path in sorted(addresses(browser, gateway)):
        expected = browser.get(path)
        pages = set(Client.instances)
        answer = browser.head(path)
        assert shown(answer) == shown(expected), path
        assert answer.content == b""
        assert set(Client.instances) <= pages, f"{path} has left a page"  # older ones may end meanwhile


def test_who_is_not_signed_in_is_sent_to_the_form(browser: TestClient) -> None:
    browser.cookies.clear()
    for path in ("/", "/user/dashboard", "/user/api/budget", "/user/api/usage/export"):
        assert shown(browser.head(path)) == shown(browser.get(path))


def test_it_uses_nothing_up(db: object) -> None:
    with running_portal() as client:
        token = run_in_transaction(new_setup_link, utc_now())
        assert client.head(f"/user/setup?token={token}").status_code == 200
        assert run_in_reading(setup_link_is_good, str(token))
        client.head("/user/login")
        assert run_in_reading(lambda session: session.scalar(select(func.count()).select_from(Session))) == 0


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/user/login", "GET, HEAD, POST"),
        ("PUT", "/favicon.ico", "GET, HEAD"),
        ("HEAD", "/user/logout", "POST"),
        ("POST", "/user/dashboard", "GET, HEAD"),
        ("POST", "/user/api/budget", "GET, HEAD"),
        ("HEAD", "/api/v1/usage", "POST"),
    ],
)
def test_wrong_method_is_answered_with_right_ones(browser: TestClient, method: str, path: str, allowed: str) -> None:
    answer = browser.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


async def heard(*, streamed: bool) -> tuple[list[Message], int]:
    """Send HEAD through all layers of the server; return what went out, and how many pieces were made."""
    made = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal made
        while made < 1000:
            made += 1
            yield b"x" * 2000

    async def answer(_: Request) -> Response:
        return StreamingResponse(pieces()) if streamed else PlainTextResponse("some text")

    def refuse(_: Request, error: Exception) -> Response:
        raise error

    sent: list[Message] = []
    discarded: list[object] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    inner = GZipMiddleware(Pages(Starlette(routes=[Route("/", answer, methods=["GET"])]), refuse))
    scope = {
        "type": "http",
        "method": "HEAD",
        "path": "/",
        "query_string": b"",
        "headers": [(b"host", HERE.removeprefix("http://").encode()), (b"accept-encoding", b"gzip")],
    }
    await HeadRequests(Guard(inner, Settings(), refuse), discarded.append)(scope, receive, send)
    assert len(discarded) == 1
    return sent, made


async def test_no_byte_of_a_body_goes_out() -> None:
    start, end = (await heard(streamed=False))[0]
    assert (b"content-length", b"9") in start["headers"]
    assert (end["body"], end.get("more_body", False)) == (b"", False)


async def test_a_stream_ends_after_it_has_begun() -> None:
    sent, made = await heard(streamed=True)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert (b"content-encoding", b"gzip") in sent[0]["headers"]
    assert sent[1]["body"] == b""
    assert made < 5
