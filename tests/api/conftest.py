"""The API as programs meet it: its routes and error answers on an app of their own, at a fixed moment.

Every answer is compared with the OpenAPI document: a status that is not documented for its route fails the test.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import time_machine
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select
from starlette.types import ASGIApp

from portal.api import api_router, errors, openapi
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.settings import Settings
from portal.web.guard import Guard
from portal.web.visitors import cookie_name
from tests.cast import NOW, Gateway

As = Callable[[Account], "Client"]


class Client(TestClient):
    """A client that believes the OpenAPI document and says where it lies."""

    def request(self, method: str, url: Any, **kwargs: Any) -> Any:  # what TestClient takes
        """Send a request, and check what every answer has in common."""
        response = super().request(method, url, **kwargs)
        operation = documented(method, response.request.url.path)
        if operation is not None:
            assert str(response.status_code) in operation["responses"], f"{method} {url} gave {response.status_code}"
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/json"
            assert {"error", "detail"} <= response.json().keys()
            assert re.fullmatch(r"[a-z_]+", response.json()["error"])
            assert response.json()["detail"].endswith(".")
        return response


def documented(method: str, path: str) -> dict[str, Any] | None:
    """Return what the OpenAPI document says about a route."""
    for template, operations in openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in operations:
            operation: dict[str, Any] = operations[method.lower()]
            return operation
    return None


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """The time that it is: the cast's NOW, until a test moves it."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(scope="session")
def api() -> FastAPI:
    """The API alone; it remembers nothing from test to test."""
    alone = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    alone.include_router(api_router())
    errors.install(alone)
    return alone


@pytest.fixture
def app(api: FastAPI, db: Database) -> ASGIApp:
    """The API behind the guard, with a database."""
    return Guard(api, Settings(allowed_hosts="testserver"), errors.error_answer)


@pytest.fixture
def client(app: ASGIApp) -> Iterator[Client]:
    """Somebody who is not signed in."""
    with Client(app, follow_redirects=False) as somebody:
        yield somebody


@pytest.fixture
def as_(app: ASGIApp, sign_in_as: Callable[[Account], str]) -> Iterator[As]:
    """Give a function that returns the client of an account that has signed in."""
    with ExitStack() as clients:

        def sign_in(account: Account) -> Client:
            client = Client(app, cookies={cookie_name(): sign_in_as(account)}, follow_redirects=False)
            return clients.enter_context(client)

        yield sign_in


@pytest.fixture
def post_usage(client: Client, gateway: Gateway) -> Callable[..., Any]:
    """Give a function that sends usage with the gateway's token: `post_usage(json=[event()])`."""

    def post(**kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {gateway.token}", **kwargs.pop("headers", {})}
        return client.post("/api/v1/usage", headers=headers, **kwargs)

    return post


def event(id: str = "r-1", **values: Any) -> dict[str, Any]:
    """Return a small event as a gateway sends it, with other values; fields with `...` are left out."""
    usual = {
        "id": id,
        "username": "alice",
        "model": "qwen3:32b",
        "mode": "native",
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "requested_at": NOW.isoformat(),
    }
    return {name: value for name, value in (usual | values).items() if value is not ...}


def everything(database: Database) -> dict[str, list[Any]]:
    """Return all rows of all tables that a request of an account may change, to see that nothing was.

    Notes about gateways that send nonsense are not among them.
    """
    from portal.db.tables import Table

    skipped = {"sessions", "alembic_version", "rejected_reasons", "uncounted_daily"}
    with database.reading() as session:
        return {
            table.name: sorted(map(repr, session.execute(select(*(c for c in table.c if c.name != "reported_at")))))
            for table in Table.metadata.sorted_tables
            if table.name not in skipped
        }
