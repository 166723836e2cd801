"""The guard: hosts, origins, sizes and headers, in front of an app that would let everything pass."""

from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from portal.errors import PortalError
from portal.settings import Settings
from portal.web.bodies import LARGEST_BODIES, SMALL_BODY
from portal.web.guard import Guard, Pages, add_nonce

EVERYWHERE = "0.0.0.0"  # noqa: S104  # a setting; nothing listens
HERE = "http://127.0.0.1:8080"
PUBLIC = "https://portal.example.org"
USAGE = "/api/v1/usage"


async def echo(request: Request) -> Response:
    return JSONResponse({"bytes": len(await request.body()), "prefix": request.headers.get("x-forwarded-prefix")})


async def deaf(_: Request) -> Response:
    return Response("read nothing")


async def html(request: Request) -> Response:
    return HTMLResponse(f'<script nonce="{request.state.nonce}" src="/static/login.js"></script>')


async def page(request: Request) -> Response:
    body = b'<script type="importmap">{}</script><p>&lt;script></p><script>1</script>'
    status = int(request.query_params.get("status", "200"))

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    return StreamingResponse(parts(), status, {"X-NiceGUI-Content": "page"}, "text/html")


async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ValueError("a secret")


async def half(_: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield b"half"
        raise ValueError("a secret")

    return StreamingResponse(parts())


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


def answer_failure(_: Request, error: Exception) -> Response:
    status, code = (error.status, error.code) if isinstance(error, PortalError) else (500, "internal_error")
    return JSONResponse({"error": code}, status)


ROUTES = [
    Route("/api/echo", echo, methods=["GET", "POST"]),
    Route(USAGE, echo, methods=["POST"]),
    Route("/_nicegui_ws/socket.io/", echo, methods=["GET", "POST"]),
    Route("/deaf", deaf, methods=["POST"]),
    Route("/html", html),
    Route("/page", page),
    Route("/half", half),
    Route("/healthz", echo),
    Route("/user/echo", echo),
    WebSocketRoute("/_nicegui_ws/socket.io/", socket),
]


def guarded(**configured: str) -> TestClient:
    inner = Pages(Starlette(routes=ROUTES), answer_failure)
    return TestClient(Guard(inner, Settings.model_validate(configured), answer_failure), HERE)


def test_unknown_host_is_refused() -> None:
    answer = guarded().get("/api/echo", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()) == (400, {"error": "unknown_host"})


def test_probes_know_only_an_address() -> None:
    assert guarded().get("/healthz", headers={"Host": "10.1.2.3:8080"}).status_code == 200


FOREIGN = [
    pytest.param({"Origin": "https://evil.example"}, id="another site"),
    pytest.param({"Origin": "http://127.0.0.1:9999"}, id="another port"),
    pytest.param({"Origin": "null"}, id="a page without origin"),
    pytest.param({"Origin": "http://127.0.0.1:8080.evil.example"}, id="an origin that begins like ours"),
    pytest.param({"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "cross-site"}, id="a claim the browser denies"),
    pytest.param({"Sec-Fetch-Site": "cross-site"}, id="another site, without origin"),
    pytest.param({"Sec-Fetch-Site": "same-site"}, id="a neighbour, without origin"),
]
OWN = [
    pytest.param({}, id="a program"),
    pytest.param({"Origin": "http://127.0.0.1:8080"}, id="our page"),
    pytest.param({"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"}, id="our page, newer browser"),
    pytest.param({"Sec-Fetch-Site": "none"}, id="the address bar"),
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_foreign_pages_write_nothing(headers: dict[str, str]) -> None:
    answer = guarded().post("/api/echo", headers=headers)
    assert (answer.status_code, answer.json()) == (403, {"error": "foreign_origin"})


@pytest.mark.parametrize("headers", OWN)
def test_our_own_pages_and_programs_write(headers: dict[str, str]) -> None:
    assert guarded().post("/api/echo", headers=headers).status_code == 200


def test_foreign_pages_may_link_here() -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert guarded().get("/html", headers=headers).status_code == 200


def test_write_with_a_token_may_have_any_origin() -> None:
    headers = {"Origin": "app://llm-client", "Authorization": "Bearer moe-gw-1", "Cookie": "other=1"}
    assert guarded().post("/api/echo", headers=headers).status_code == 200


def test_token_beside_a_session_excuses_no_foreign_origin() -> None:
    headers = {"Origin": "app://llm-client", "Authorization": "Bearer moe-gw-1", "Cookie": "portal_session=abc"}
    assert guarded().post("/api/echo", headers=headers).status_code == 403


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("headers", FOREIGN)
def test_foreign_pages_do_not_poll_our_socket(method: str, headers: dict[str, str]) -> None:
    assert guarded().request(method, "/_nicegui_ws/socket.io/?EIO=4", headers=headers).status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:9999", "null"])
def test_foreign_pages_do_not_open_our_socket(origin: str) -> None:
    client = guarded()
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/_nicegui_ws/socket.io/", headers={"Origin": origin, "Host": "127.0.0.1:8080"}),
    ):
        pass


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://127.0.0.1:8080"}], ids=["a program", "our page"])
def test_our_own_pages_open_our_socket(headers: dict[str, str]) -> None:
    with guarded().websocket_connect("/_nicegui_ws/socket.io/", headers={"Host": "127.0.0.1:8080", **headers}):
        pass


def test_nobody_moves_the_portal_below_another_path() -> None:
    answer = guarded().get("/api/echo", headers={"X-Forwarded-Prefix": "https://evil.example"})
    assert answer.json()["prefix"] is None


@pytest.mark.parametrize("path", ["/api/echo", "/deaf"], ids=["read", "not read"])
def test_a_body_that_says_it_is_too_large_is_not_read(path: str) -> None:
    answer = guarded().post(path, content=b"x", headers={"Content-Length": str(SMALL_BODY + 1)})
    assert (answer.status_code, answer.json()) == (413, {"error": "too_large"})


def test_a_body_that_turns_out_too_large_is_refused() -> None:
    chunks = (b"x" * 1_000_000 for _ in range(12))
    answer = guarded().post(USAGE, content=chunks)
    assert (answer.status_code, answer.json()) == (413, {"error": "too_large"})
    assert answer.headers["connection"] == "close"


async def test_a_body_that_never_ends_is_not_read_for_ever() -> None:
    given = 0
    answered: list[Message] = []

    async def receive() -> Message:
        nonlocal given
        given += 1
        assert given < 100
        return {"type": "http.request", "body": b"x" * 1_000_000, "more_body": True}

    async def send(message: Message) -> None:
        answered.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": USAGE,
        "query_string": b"",
        "headers": [(b"host", b"[::1]")],
    }
    await Guard(Starlette(routes=ROUTES), Settings(), answer_failure)(scope, receive, send)
    assert given == 11
    assert answered[0]["status"] == 413


def test_the_largest_body_fits() -> None:
    answer = guarded().post(USAGE, content=(b"x" * 1_000_000 for _ in range(10)))
    assert answer.json()["bytes"] == LARGEST_BODIES[USAGE]


def test_every_answer_is_dressed() -> None:
    for path in ("/html", "/page", "/api/echo", "/nowhere"):
        answer = guarded().get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-request-id"].startswith("req-")
        assert "strict-transport-security" not in answer.headers


def test_https_answers_ask_browsers_to_stay_there() -> None:
    assert guarded(base_url=PUBLIC).get("/html").headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("path", ["/user/echo", "/api/echo"])
def test_what_is_personal_is_not_stored(path: str) -> None:
    assert guarded().get(path).headers["cache-control"] == "no-store"


def test_the_scripts_of_a_page_carry_the_nonce_of_its_policy() -> None:
    answer = guarded().get("/page")
    policy = answer.headers["content-security-policy"]
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert answer.text.count(f'nonce="{nonce}"') == answer.text.count("<script") == 2
    assert "&lt;script></p>" in answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "'strict-dynamic' 'unsafe-eval'" in policy


def test_plain_html_may_do_less_than_a_page() -> None:
    answer = guarded().get("/html")
    nonce = answer.text.partition('nonce="')[2].partition('"')[0]
    assert f"script-src 'nonce-{nonce}';" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_no_policy_names_another_site() -> None:
    for path in ("/page", "/html", "/api/echo"):
        assert "://" not in guarded().get(path).headers["content-security-policy"]


def test_every_answer_has_its_own_nonce() -> None:
    client = guarded()
    assert len({client.get("/page").headers["content-security-policy"] for _ in range(3)}) == 3


def test_an_error_page_of_the_toolkit_is_replaced() -> None:
    answer = guarded().get("/page?status=500")
    assert (answer.status_code, answer.json()) == (503, {"error": "unavailable"})


def test_a_failure_is_answered_without_its_text() -> None:
    answer = TestClient(Guard(broken, Settings(), answer_failure), HERE).get("/")
    assert (answer.status_code, answer.json()) == (500, {"error": "internal_error"})


def test_half_an_answer_is_not_taken_for_a_whole_one() -> None:
    with pytest.raises(ValueError, match="a secret"):  # the server hears of it and closes the connection
        guarded().get("/half")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"<script>", b'<script nonce="n">', id="inline"),
        pytest.param(b'<script src="x">', b'<script nonce="n" src="x">', id="a file"),
        pytest.param(
            b'<link rel="modulepreload" href="x">', b'<link rel="modulepreload" nonce="n" href="x">', id="ahead"
        ),
        pytest.param(b"<scripture>", b"<scripture>", id="another word"),
    ],
)
def test_nonces(before: bytes, after: bytes) -> None:
    assert add_nonce(before, "n") == after
