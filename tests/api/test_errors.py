import logging
import re

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from portal.api import api_router, errors
from portal.api.errors import wants_json
from portal.db.tables import Account
from portal.errors import NotFound, PortalError, TooManyTries
from tests.api.conftest import As, Client


@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/v1/nothing",
        "/api",
        "/user/api",
        "/user/api/",
        "/user/api/budget/",
        "/user/api/usage/1",
        "/api/v1/../x",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "BREW"])
def test_unknown_address_is_answered_in_json(client: Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()) == (404, {"error": "not_found", "detail": "There is nothing here."})


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/user/api/budget", "GET, HEAD"),
        ("DELETE", "/user/api/usage", "GET, HEAD"),
        ("GET", "/user/api/usage/1/note", "DELETE, PUT"),
        ("PUT", "/user/alerts", "GET, HEAD, POST"),
        ("BREW", "/user/api/keys", "GET, HEAD, POST"),
        ("GET", "/api/v1/usage", "POST"),
        ("OPTIONS", "/api/v1/usage", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("POST", "/readyz", "GET, HEAD"),
        ("POST", "/api/openapi.json", "GET, HEAD"),
    ],
)
def test_wrong_method_is_answered_in_json(client: Client, method: str, path: str, allowed: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json() == {"error": "method_not_allowed", "detail": f"This address takes {allowed}."}


@pytest.fixture
def broken(app: ASGIApp, as_: As, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The API with a bug in it."""

    def bug(*_: object) -> None:
        raise ValueError("the password is moe-sk-secret")

    monkeypatch.setattr("portal.api.account.keys.load_keys", bug)
    return Client(app, raise_server_exceptions=False)


def test_bug_is_logged_and_answered_with_one_number(
    alice: Account, as_: As, broken: Client, caplog: pytest.LogCaptureFixture
) -> None:
    broken.cookies = as_(alice).cookies
    answer = broken.get("/user/api/keys")
    assert (answer.status_code, answer.json()["error"]) == (500, "internal_error")
    (number,) = re.findall(r"req-[0-9a-f]{8}", answer.json()["detail"])
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == f"{number} GET /user/api/keys"
    assert record.exc_info
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/usage", True),
        ("/api/anything", True),
        ("/user/api/budget", True),
        ("/user/alerts", True),
        ("/healthz", True),
        ("/readyz", True),
        ("/user/dashboard", False),
        ("/user/alerts/x", False),
        ("/apiary", False),
        ("/user/apikeys", False),
        ("/", False),
    ],
)
def test_programs_and_people_have_paths_of_their_own(path: str, expected: bool) -> None:
    assert wants_json(path) is expected


def test_pages_keep_the_handlers_they_had() -> None:
    async def page(_: Request, error: Exception) -> Response:
        return HTMLResponse(f"<h1>{type(error).__name__}</h1>", 418)

    app = FastAPI()
    app.add_exception_handler(NotFound, page)
    for kind in (404, Exception, PortalError):
        app.add_exception_handler(kind, page)
    errors.install(app)
    app.include_router(api_router())

    @app.get("/page")
    def fail() -> None:
        raise TooManyTries(retry_after=7)

    client = Client(app)
    for path in ("/page", "/nowhere"):
        response = super(Client, client).request("GET", path)
        assert response.status_code == 418
    assert client.get("/api/nowhere").status_code == 404


def test_a_page_without_a_handler_of_its_own_says_little() -> None:
    app = FastAPI()
    errors.install(app)

    @app.get("/page")
    def fail() -> None:
        raise TooManyTries(retry_after=7)

    response = super(Client, Client(app)).request("GET", "/page")
    assert (response.status_code, response.text) == (429, "HTTP 429")


def test_retry_after_is_answered() -> None:
    app = FastAPI()
    errors.install(app)

    @app.get("/api/limited")
    def fail() -> None:
        raise TooManyTries(retry_after=7)

    answer = Client(app).get("/api/limited")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.json() == {"error": "too_many_tries", "detail": str(TooManyTries.sentence)}
